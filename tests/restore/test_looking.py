"""The rows behind a plan's numbers: all of them, old beside new, and of secrets only that they differ."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backups import printed_json
from backups.database.table_reading import column_of
from backups.registry import COMPLETE, registry
from backups.services import auditing
from backups.services.withholding import Hunt
from backupsvc.studio.models import (
    Client,
    ClientApprovalEmailLog,
    Contractor,
    Issue,
    User,
    VerificationToken,
)
from restore.database import showing
from restore.models import PlanRun, Upload
from restore.plan import Choices, Kind, Plan
from restore.services.asking import kept_rows
from restore.services.planning import looking, plan_runs
from restore.services.planning.counting import plan_file
from restore.services.planning.looking import LookThrough
from tests.hunting_forms import FORMS
from tests.restore.conftest import OWNER
from tests.roundtrip.engine import back_up, stored, writing
from tests.zoo import rows as zoo_rows

CANARY = "canary-of-a-secret"
EVERYTHING = 10**9


def seen(path: Path, look: Callable[[LookThrough], Any]) -> Any:
    """What ``look`` sees while the plan's rows wait."""
    found: list[Any] = []
    plan_file(path, Choices(acting=OWNER), look=lambda behind: found.append(look(behind)))
    return found[0]


def rows_of(path: Path, name: str, kind: Kind, *, offset: int = 0, limit: int = EVERYTHING) -> Any:
    def look(behind: LookThrough) -> list[dict[str, Any]]:
        table = behind.table(name)
        assert table is not None
        return list(behind.rows(table, kind, offset=offset, limit=limit))

    return seen(path, look)


def all_rows(behind: LookThrough) -> dict[tuple[str, Kind], list[dict[str, Any]]]:
    return {
        (table.key, kind): list(behind.rows(table, kind, offset=0, limit=EVERYTHING))
        for table in behind.plan.tables
        if table.key
        for kind in Kind
    }


def counted(plan: Plan) -> dict[tuple[str, Kind], int]:
    return {(t.key, kind): t.count(kind) for t in plan.tables if t.key for kind in Kind}


def secret_columns() -> dict[str, list[str]]:
    """By table, whatever the declarations call secret."""
    found: dict[str, list[str]] = {}
    for section in registry.sections:
        fields = [*section.secret, *([section.accounts.password] if section.accounts else [])]
        if fields:
            found[section.table] = sorted({column_of(section.model, name) for name in fields})
    return found


def put_canaries() -> set[str]:
    """Every secret of now gets a canary; returns the secrets of before."""
    before: set[str] = set()
    with writing() as cursor:
        for table, columns in secret_columns().items():
            for column in columns:
                cursor.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL')
                before |= {value for (value,) in cursor.fetchall()}
                cursor.execute(
                    f"""UPDATE "{table}" SET "{column}" = '{CANARY} ' || md5("{column}")"""
                )
    return before


def test_of_a_changed_row_only_what_differs_is_listed_old_beside_new(studio) -> None:
    contractor = Contractor.objects.order_by("pk").first()
    Contractor.objects.filter(pk=contractor.pk).update(business_name="edited")
    assert rows_of(studio.complete, "studio_contractor", Kind.CHANGED) == [
        {
            "key": {"id": contractor.pk},
            "cells": [
                {"column": "business_name", "now": "edited", "file": contractor.business_name}
            ],
        }
    ]


@pytest.mark.parametrize("kind", ["safe", "complete"])
def test_as_many_rows_are_listed_as_the_plan_counts(damaged_studio, kind) -> None:
    path = getattr(damaged_studio, kind)
    listed, planned = seen(path, lambda behind: (all_rows(behind), counted(behind.plan)))
    assert {name: len(rows) for name, rows in listed.items()} == planned
    for wanted in Kind:
        assert any(rows for (_, kind), rows in listed.items() if kind is wanted)


def test_pages_follow_one_another_in_the_order_of_the_keys(damaged_studio) -> None:
    listed = seen(damaged_studio.complete, all_rows)
    (key, kind), whole = max(listed.items(), key=lambda item: len(item[1]))
    assert len(whole) > 3

    def pages(behind: LookThrough) -> list[list[dict[str, Any]]]:
        table = behind.table(key)
        assert table is not None
        return [
            list(behind.rows(table, kind, offset=offset, limit=3))
            for offset in range(0, len(whole), 3)
        ]

    # Of one plan, and as people turn them over: each page of a plan of its own.
    paged = seen(damaged_studio.complete, pages)
    assert [row for page in paged for row in page] == whole
    assert rows_of(damaged_studio.complete, key, kind, offset=3, limit=3) == paged[1]
    keys = [list(row["key"].values()) for row in whole]
    assert len(keys[0]) > 1 or keys == sorted(keys)


def test_rows_that_come_back_are_listed_with_what_the_file_has(studio) -> None:
    issue = Issue.objects.order_by("pk").first()
    Issue.objects.filter(pk=issue.pk).delete()
    (row,) = rows_of(studio.complete, "issues", Kind.RETURNING)
    cells = {cell["column"]: cell for cell in row["cells"]}
    assert cells["title"] == {"column": "title", "file": issue.title}
    assert row["key"] == {"id": issue.pk}


def test_rows_of_tables_outside_a_safe_file_that_go_are_listed(damaged_studio) -> None:
    def look(behind: LookThrough) -> dict[str, tuple[int, int]]:
        return {
            t.key: (t.removed, len(list(behind.rows(t, Kind.LOST, offset=0, limit=EVERYTHING))))
            for t in behind.plan.tables
            if t.key and t.removed
        }

    followers = seen(damaged_studio.safe, look)
    assert followers and all(removed == listed for removed, listed in followers.values())


PASTED = {"content", "html", "html_content", "metadata"}


def cells_of(value) -> list:
    """All cells, wherever they stand."""
    if isinstance(value, list):
        return [cell for part in value for cell in cells_of(part)]
    if not isinstance(value, dict):
        return []
    own = [value] if "column" in value else []
    return own + [cell for part in value.values() for cell in cells_of(part)]


@pytest.mark.parametrize("kind", ["safe", "complete"])
def test_no_secret_is_in_any_list(damaged_studio, kind) -> None:
    before = put_canaries()
    listed = printed_json.compact([*seen(getattr(damaged_studio, kind), all_rows).values()])
    assert CANARY not in listed
    # Columns are hidden; texts into which somebody pasted a secret are listed as the owner wrote them.
    told = [secret for secret in before if len(secret) > 15 and secret in listed]
    cells = [cell for row in json.loads(listed) for cell in cells_of(row)]
    assert {cell["column"] for secret in told for cell in cells if secret in repr(cell)} <= PASTED


def test_without_hiding_the_canaries_would_sing(damaged_studio, monkeypatch) -> None:
    put_canaries()
    monkeypatch.setattr(looking, "hidden_columns", lambda *_: frozenset())
    assert CANARY in printed_json.compact([*seen(damaged_studio.complete, all_rows).values()])


def test_of_a_secret_it_is_told_that_it_differs_and_whether_it_is_there(studio) -> None:
    account = User.objects.exclude(email=OWNER).exclude(password=None).first()
    User.objects.filter(pk=account.pk).update(password=CANARY)
    (row,) = rows_of(studio.complete, "users", Kind.CHANGED)
    assert row["cells"] == [{"column": "password", "hidden": True, "differs": True}]
    clone = User.objects.get(pk=account.pk)
    clone.pk, clone.email = "only-here", "only-here@studio.example"
    clone.save(force_insert=True)
    (row,) = rows_of(studio.complete, "users", Kind.LOST)
    assert {"column": "password", "hidden": True, "is_filled": True} in row["cells"]


def test_a_key_that_is_a_secret_is_hidden(studio) -> None:
    token = VerificationToken.objects.order_by("pk").first()
    VerificationToken.objects.create(token=CANARY, identifier="somebody", expires=token.expires)
    (row,) = rows_of(studio.complete, "verificationTokens", Kind.LOST)
    assert row["key"] == {"token": None}


def test_a_reference_to_a_secret_is_hidden_too(studio) -> None:
    class Pointing:
        """A field as Django has it: it refers to a token that is a primary key."""

        model, name, remote_field = Client, "token", object()
        target_field = VerificationToken._meta.get_field("token")

    assert looking._leads_to_secret(Pointing(), registry)
    assert not looking._leads_to_secret(Client._meta.get_field("org"), registry)


def test_a_column_that_no_model_knows_is_hidden(studio, changing_schema) -> None:
    with writing() as cursor:
        cursor.execute(f"ALTER TABLE studio_client ADD COLUMN legacy text DEFAULT '{CANARY}'")
    Client.objects.create(id="only-here", name="x", email="x@y.example", org_id=_an_org())
    listed = rows_of(studio.complete, "clients", Kind.LOST)
    assert CANARY not in str(listed)
    assert {"column": "legacy", "hidden": True, "is_filled": True} in listed[0]["cells"]


def _an_org() -> str:
    return str(Client.objects.values_list("org_id", flat=True).order_by("pk").first())


def test_a_long_cell_is_cut_and_says_how_long_it_is(studio) -> None:
    issue = Issue.objects.order_by("pk").first()
    Issue.objects.filter(pk=issue.pk).update(description="é" * 10_000_000)
    (row,) = rows_of(studio.complete, "issues", Kind.CHANGED)
    (cell,) = [c for c in row["cells"] if c["column"] == "description"]
    assert (cell["now"], cell["now_characters"]) == ("é" * 500, 10_000_000)
    assert cell["file"] == issue.description


def test_null_an_empty_text_and_the_word_are_three_things(studio) -> None:
    client = Client.objects.exclude(phone=None).exclude(phone="").order_by("pk").first()

    def as_listed(value: str | None) -> Any:
        Client.objects.filter(pk=client.pk).update(phone=value, name="edited")
        (row,) = rows_of(studio.complete, "clients", Kind.CHANGED)
        return next(c["now"] for c in row["cells"] if c["column"] == "phone")

    assert [as_listed(value) for value in (None, "", "NULL")] == [None, "", "NULL"]


def test_values_of_every_type_can_be_listed(studio) -> None:
    with writing() as cursor:
        zoo_rows.fill(cursor)
    path = stored(back_up(COMPLETE))
    with writing() as cursor:
        cursor.execute("DELETE FROM zoo_everytype WHERE id = (SELECT max(id) FROM zoo_everytype)")
    (row,) = rows_of(path, "zoo_everytype", Kind.RETURNING)
    assert len(row["cells"]) > 50


def test_a_table_that_nobody_declared_is_not_shown(damaged_studio) -> None:
    """An excluded table may hold anything, and nobody said which of its columns are secret."""
    assert seen(damaged_studio.complete, lambda behind: behind.table("django_admin_log")) is None


# What is kept for the pages


def upload_of(path: Path) -> Upload:
    return Upload.objects.create(
        name="b", size_bytes=1, received_bytes=1, stored=path.name, owner_email=OWNER
    )


def test_what_is_kept_beside_an_upload_holds_no_secret(damaged_studio, settings) -> None:
    path = Path(settings.BACKUPS_ROOT) / "upload-of-a-test"
    path.write_bytes(damaged_studio.complete.read_bytes())
    put_canaries()
    upload = upload_of(path)
    run = plan_runs.carry_out(
        plan_runs.request(upload, auditing.COMMAND_LINE, Choices(acting=OWNER))
    )
    kept = path.with_name(path.name + kept_rows.SUFFIX)
    assert CANARY.encode() not in kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept_rows.is_there(path.name, run.pk)
    assert CANARY not in str(PlanRun.objects.get(pk=run.pk).plan)


# Live secrets in texts


def mail_with_a_live_link() -> tuple[str, str]:
    log = ClientApprovalEmailLog.objects.order_by("pk").first()
    return log.pk, log.tracking_pixel_id


def html_of(path: Path, pk: str) -> dict[str, Any]:
    rows = rows_of(path, "clientApprovalEmailLogs", Kind.CHANGED)
    (row,) = [row for row in rows if row["key"]["id"] == pk]
    (cell,) = [cell for cell in row["cells"] if cell["column"] == "html_content"]
    return cell


def test_a_live_link_in_a_mail_is_not_shown_on_either_side(studio):
    pk, pixel = mail_with_a_live_link()
    change = ClientApprovalEmailLog.objects.filter(pk=pk).update
    change(html_content=f"<p>Then</p> https://studio.example/pixels/{pixel}.gif")
    file = stored(back_up(COMPLETE))
    change(html_content=f"<p>Now</p> https://studio.example/pixels/{pixel}.gif")
    marked = (
        "https://studio.example/pixels/[redacted:clientApprovalEmailLogs.tracking_pixel_id].gif"
    )
    cell = html_of(file, pk)
    assert (cell["now"], cell["file"]) == (f"<p>Now</p> {marked}", f"<p>Then</p> {marked}")


def test_nor_is_its_beginning_where_the_text_is_cut(studio):
    pk, pixel = mail_with_a_live_link()
    file = stored(back_up(COMPLETE))
    before = "x" * (showing.LONGEST_CELL - 9)
    hexadecimal = pixel.encode().hex()
    ClientApprovalEmailLog.objects.filter(pk=pk).update(html_content=f"{before}{hexadecimal} and")
    cell = html_of(file, pk)
    assert cell["now"] == f"{before}[redacted:clientApprovalEmailLogs.tracking_pixel_id]"
    assert cell["now_characters"] == len(before) + len(hexadecimal) + 4


def cut(hunt: Hunt, written: str, there: int) -> tuple[str, str]:
    """A text that is cut within a secret: as it is shown, and as it would be if it were shown whole."""
    text = f"{'x' * (500 - there)}{written}{'y' * 100}"
    return hunt.veiled(text, 500), hunt.veiled(text, len(text))


@pytest.mark.parametrize("there", [1, 9, 20])
def test_in_no_form(there):
    secret = "Canary.q8Zk_w2/5e1f9a7b"
    hunt = Hunt([("a.b", secret.encode())], {})
    for name, write in FORMS.items():
        shown, whole = cut(hunt, write(secret), there)
        assert "[redacted:a.b]" in whole and whole.startswith(shown), name
        assert len(shown) == 500 or shown.endswith("[redacted:a.b]"), name


def test_cut_before_it_is_looked_at_it_would_be_shown():
    """A twin: the shown part alone says nothing of what goes on behind it."""
    hunt = Hunt([("a.b", b"Canary.q8Zk_w2/5e1f9a7b")], {})
    text = f"{'x' * 490}{b'Canary.q8Zk_w2/5e1f9a7b'.hex()}"
    assert "[redacted" not in hunt.veiled(text[:500], 500)


def test_without_the_hunt_it_would_be(studio, monkeypatch):
    """A twin."""
    pk, pixel = mail_with_a_live_link()
    file = stored(back_up(COMPLETE))
    ClientApprovalEmailLog.objects.filter(pk=pk).update(html_content=f"Now {pixel}")
    monkeypatch.setattr(LookThrough, "_without_secrets", lambda self, row: row)
    assert pixel in html_of(file, pk)["now"]
