"""A Safe restore of the whole studio, as pg_dump sees it."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session

from backups.models import AuditEvent, BackupRun
from backupsvc.studio.models import ClientAccessToken, User
from restore.database import identities, redacted
from restore.database.identities import Identity
from restore.models import RestoreRun
from restore.plan import Plan
from restore.services.applying.writing import Writer
from tests.restore.comparing import miscounts, mistakes
from tests.restore.conftest import OWNER
from tests.restore.copies import become
from tests.restore.damage import kept_links, rekey
from tests.restore.safe_rules import USERS, Expected, after_safe_restore, links, safe_tables
from tests.restore.steps import plan_as, refusal, restore_as
from tests.restore.tables import Rows, changed_tables, rows_of_database
from tests.roundtrip.dump import dump_schema


@pytest.fixture(scope="module")
def expected(prepared, damaged) -> Expected:
    return after_safe_restore(prepared.rows, damaged, OWNER)


@dataclass(frozen=True, repr=False)
class Seen:
    """What one Safe restore of the damaged studio was planned to do, and did."""

    plan: Plan
    rows_planned: Rows
    rows: Rows
    schemas: tuple[bytes, bytes]
    log_users: tuple[set[str], set[str]]
    sessions: tuple[int, int]
    report: dict[str, Any]


@pytest.fixture(scope="module")
def seen(prepared, damaged, django_db_blocker) -> Seen:
    with django_db_blocker.unblock():
        become("damaged")
        plan = plan_as(prepared.safe)
        rows_planned = rows_of_database()
        schema, users, sessions = dump_schema(), _log_users(), Session.objects.count()
        run = restore_as(prepared.safe, confirmed=plan)
        run.refresh_from_db()
        found = Seen(
            plan=plan,
            rows_planned=rows_planned,
            rows=rows_of_database(),
            schemas=(schema, dump_schema()),
            log_users=(users, _log_users()),
            sessions=(sessions, Session.objects.count()),
            report=run.report,
        )
        become("empty")
        return found


def _log_users() -> set[str]:
    return set(LogEntry.objects.values_list("user_id", flat=True))


def test_the_damage_meets_every_rule(prepared, damaged, expected) -> None:
    """Or the tests below would prove less than they say."""
    safe = safe_tables()
    into_safe = [link for link in links() if link.table not in safe and link.target in safe]
    removing = {link.table for link in into_safe if not link.sets_null}
    clearing = {link.table for link in into_safe if link.sets_null}
    assert len(removing) > 15 and len(clearing) > 3
    assert removing - expected.removed.keys() == set()
    assert clearing - expected.set_null.keys() - expected.removed.keys() == set()
    assert all(expected.kept[table] for table, omitted in safe.items() if omitted)
    refilled = {table for table, count in expected.refilled.items() if count}
    assert refilled == {table for table, omitted in safe.items() if omitted and table != USERS}
    cleared = {table for table, _, _ in kept_links()} & expected.set_null.keys()
    assert len(cleared) >= 3
    assert {t for t in safe if damaged[t] == prepared.rows[t]} == set()


def test_each_row_is_what_the_rules_say(seen, expected) -> None:
    assert mistakes(expected, seen.rows) == []


def test_each_number_of_the_plan_is_what_the_rules_say(seen, prepared, damaged, expected) -> None:
    assert miscounts(seen.plan, expected, prepared.rows, damaged) == []


def test_the_report_has_the_numbers_of_the_plan(seen) -> None:
    assert seen.report["tables"] == json.loads(json.dumps(seen.plan.as_dict()["tables"]))


def test_planning_changes_nothing(seen, damaged) -> None:
    assert changed_tables(damaged, seen.rows_planned) == {}


def test_the_schema_is_as_it_was(seen) -> None:
    before, after = seen.schemas
    assert before == after


def test_the_admins_log_keeps_the_lines_of_those_who_stay(seen, prepared) -> None:
    before, after = seen.log_users
    staying = {key for (key,) in prepared.rows[USERS]}
    assert after == before & staying
    assert after and after < before


def test_everybody_is_signed_out(seen) -> None:
    before, after = seen.sessions
    assert (before > 0, after) == (True, 0)
    assert seen.report["sessions_ended"] == before


@pytest.mark.battery
def test_the_backup_systems_own_tables_only_gain(damaged_studio) -> None:
    earlier = restore_as(damaged_studio.safe)
    kept = [_plain(model) for model in (BackupRun, RestoreRun, AuditEvent)]
    restore_as(damaged_studio.safe)
    for before, model in zip(kept, (BackupRun, RestoreRun, AuditEvent), strict=True):
        assert before.items() <= _plain(model).items()
    assert RestoreRun.objects.get(pk=earlier.pk).state == "succeeded"


def _plain(model) -> dict[str, str]:
    columns = [field.attname for field in model._meta.local_concrete_fields]
    return {row["pk"]: str(row) for row in model.objects.values("pk", *columns)}


def test_a_deleted_link_comes_back_with_a_token_that_nobody_knows(studio) -> None:
    token = ClientAccessToken.objects.order_by("pk").first()
    row, other = str(token.pk), ClientAccessToken.objects.order_by("pk").last()
    ClientAccessToken.objects.filter(pk=row).delete()
    restore_as(studio.safe)
    assert ClientAccessToken.objects.get(pk=row).token not in ("", token.token)
    assert ClientAccessToken.objects.get(pk=other.pk).token == other.token


def test_a_deleted_account_comes_back_without_a_password(studio) -> None:
    user = User.objects.get(email="person-13@studio.example")
    rekey(user, "new")
    User.objects.filter(pk="new").update(email="x@studio.example")
    restore_as(studio.safe)
    assert User.objects.get(email="person-13@studio.example").password is None


def test_an_account_with_a_new_key_is_found_by_its_address(studio) -> None:
    user = User.objects.get(email="person-13@studio.example")
    rekey(user, "new")
    restore_as(studio.safe)
    after = User.objects.get(email=user.email)
    assert (after.pk, after.password) == (user.pk, user.password)


# Each guard, taken away: the tests above must see it.


def _without_natural_keys(monkeypatch) -> None:
    pairs = identities.pairs
    monkeypatch.setattr(
        identities,
        "pairs",
        lambda stage, current, identity, columns: pairs(
            stage, current, Identity(identity.key), columns
        ),
    )


def _with_one_token_for_all(monkeypatch) -> None:
    lines = redacted._refill_lines
    monkeypatch.setattr(
        redacted,
        "_refill_lines",
        lambda keys, makes: lines(keys, [make and (lambda: "same" * 11) for make in makes]),
    )


def _without_kept_cells(monkeypatch) -> None:
    insert = redacted.insert_filled

    def forget(link, aside, refills):
        with link.cursor() as cursor:
            for column in refills:
                cursor.execute(
                    f'UPDATE "{aside.relation.strings[0]}"."{aside.relation.strings[1]}"'
                    f" SET \"{column}\" = NULL WHERE '{column}' = 'password'"
                )
        return insert(link, aside, refills)

    monkeypatch.setattr(redacted, "insert_filled", forget)


@pytest.mark.parametrize(
    "take_away",
    [_without_natural_keys, pytest.param(_without_kept_cells, marks=pytest.mark.battery)],
)
def test_a_lost_cell_is_seen(damaged_studio, expected, monkeypatch, take_away) -> None:
    take_away(monkeypatch)
    restore_as(damaged_studio.safe)
    assert mistakes(expected, rows_of_database())


def _without_following(monkeypatch) -> None:
    monkeypatch.setattr(Writer, "_follow", Writer._clear_kept_references)


def _without_clearing_kept_references(monkeypatch) -> None:
    monkeypatch.setattr(Writer, "_clear_kept_references", lambda self: None)


@pytest.mark.parametrize(
    ("take_away", "code"),
    [
        (_without_following, "restore.reference"),
        pytest.param(
            _without_clearing_kept_references, "restore.reference", marks=pytest.mark.battery
        ),
        pytest.param(_with_one_token_for_all, "restore.duplicate", marks=pytest.mark.battery),
    ],
)
def test_a_step_left_out_ends_the_restore(
    damaged_studio, damaged, monkeypatch, take_away, code
) -> None:
    take_away(monkeypatch)
    assert refusal(damaged_studio.safe) == code
    assert changed_tables(damaged, rows_of_database()) == {}
