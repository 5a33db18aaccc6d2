"""A backup says at once which rows break a rule, on the run's page, the dashboard and the terminal."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from backups.database import broken_rules as questions
from backups.database.connection import connected
from backups.database.introspection import live_tables
from backups.database.rules import unique_rules
from backups.errors import DatabaseFailure
from backups.models import BackupRun, State
from backups.registry import COMPLETE, SAFE
from backups.services import broken_rules, readiness
from backups.wording import _
from backupsvc.studio.models import Organization, Tag
from tests.databases import superuser
from tests.roundtrip.engine import back_up

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders")]


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _with_keys_off(*statements: str) -> None:
    with closing(superuser()) as session, session, session.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def tags() -> None:
    organization = Organization.objects.create(name="One")
    for name in ("a", "b", "c"):
        Tag.objects.create(name=name, org=organization)


@contextmanager
def rule(there: str, gone: str) -> Iterator[None]:
    _run(there)
    try:
        yield
    finally:
        _run(gone)


def never_validated(condition: str = "name = 'a'"):
    return rule(
        f"ALTER TABLE studio_tag ADD CONSTRAINT later CHECK ({condition}) NOT VALID",
        "ALTER TABLE studio_tag DROP CONSTRAINT later",
    )


@contextmanager
def duplicates() -> Iterator[None]:
    """A unique index that lost its order, as after a change of the system's collations."""
    _run("CREATE UNIQUE INDEX names ON studio_tag (left(name, 1))")
    flags = "UPDATE pg_index SET indisready = {0}, indisvalid = {0}, indislive = {0}"
    of = " WHERE indexrelid = 'public.names'::regclass"
    _with_keys_off(flags.format("false") + of)
    connection.close()
    _run("UPDATE studio_tag SET name = 'a' || name WHERE name IN ('b', 'c')")
    _with_keys_off(flags.format("true") + of)
    try:
        yield
    finally:
        _run("DROP INDEX names")


def broken(run: BackupRun) -> list[tuple[str, str, str, int]]:
    return [(b["kind"], b["table"], b["rule"], b["rows"]) for b in run.statistics["rules_broken"]]


@pytest.mark.usefixtures("tags")
@pytest.mark.parametrize("scope", [SAFE, COMPLETE])
def test_rows_that_break_a_rule_are_counted_and_the_backup_is_a_success(scope):
    with never_validated():
        run = back_up(scope)
    assert broken(run) == [("check", "studio_tag", "later", 2)]
    assert (run.state, run.statistics["rules_unasked"]) == (State.SUCCEEDED, 0)


@pytest.mark.usefixtures("tags")
def test_where_all_rows_keep_all_rules_nothing_is_said():
    run = back_up(COMPLETE)
    assert (run.statistics["rules_broken"], run.statistics["rules_unasked"]) == ([], 0)


@pytest.mark.usefixtures("tags")
def test_a_reference_that_leads_nowhere_is_counted_with_its_key():
    _with_keys_off("UPDATE studio_tag SET org_id = 'nowhere' WHERE name <> 'a'")
    ((kind, table, name, rows),) = broken(back_up(SAFE))
    assert (kind, table, rows) == ("reference", "studio_tag", 2)
    assert "org_id" in name


@pytest.mark.usefixtures("tags")
def test_a_rule_over_a_function_is_asked_anew_though_it_was_validated():
    function = (
        "CREATE OR REPLACE FUNCTION drill_ok(text) RETURNS boolean LANGUAGE sql AS 'SELECT {}'"
    )
    with rule(
        function.format("true")
        + "; ALTER TABLE studio_tag ADD CONSTRAINT asked CHECK (drill_ok(name))",
        "ALTER TABLE studio_tag DROP CONSTRAINT asked; DROP FUNCTION drill_ok",
    ):
        assert broken(back_up(SAFE)) == []
        _run(function.format("$1 = ''a''"))
        assert broken(back_up(SAFE)) == [("check", "studio_tag", "asked", 2)]


@pytest.mark.usefixtures("tags")
def test_a_rule_that_cannot_be_asked_is_counted_as_that():
    function = "CREATE FUNCTION drill_ok(text) RETURNS boolean LANGUAGE sql AS 'SELECT {}'"
    with (
        rule(
            function.format("1 / 0 = 1")
            + "; ALTER TABLE studio_tag ADD CONSTRAINT asked CHECK (drill_ok(name)) NOT VALID",
            "ALTER TABLE studio_tag DROP CONSTRAINT asked; DROP FUNCTION drill_ok",
        ),
        never_validated(),
    ):
        run = back_up(SAFE)
    assert broken(run) == [("check", "studio_tag", "later", 2)]
    assert (run.state, run.statistics["rules_unasked"]) == (State.SUCCEEDED, 1)


@pytest.mark.usefixtures("tags")
def test_duplicates_of_a_unique_index_are_the_rows_that_are_too_many():
    with duplicates(), never_validated("name = 'x'"):
        run = back_up(COMPLETE)
    assert broken(run)[0] == ("duplicate", "studio_tag", "names", 2)
    assert broken(run)[1] == ("check", "studio_tag", "later", 3)


@pytest.mark.usefixtures("tags")
def test_an_index_that_was_never_finished_is_named():
    with duplicates():
        _with_keys_off(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.names'::regclass"
        )
        assert ("invalid_index", "studio_tag", "names", 0) in broken(back_up(SAFE))


@pytest.mark.usefixtures("tags")
def test_the_list_is_bounded_and_says_how_many_more_there_are(monkeypatch):
    monkeypatch.setattr(broken_rules, "LISTED", 1)
    with duplicates(), never_validated():
        run = back_up(SAFE)
    assert [kind for kind, *_ in broken(run)] == ["duplicate"]
    assert run.statistics["rules_broken_more"] == 1


@pytest.mark.usefixtures("tags")
def test_without_a_second_connection_the_backup_is_made_and_says_so(monkeypatch):
    def refused(*_args, **_kwargs):
        raise DatabaseFailure("database.lost", _("No."), hint=_("No."))

    monkeypatch.setattr(broken_rules, "connect", refused)
    with never_validated():
        run = back_up(SAFE)
    assert (run.state, run.statistics["rules_unasked"], broken(run)) == (State.SUCCEEDED, None, [])


@pytest.mark.usefixtures("tags")
def test_what_nobody_foresaw_in_asking_is_said_and_fails_no_backup(monkeypatch):
    def unexpected(*_args):
        raise TypeError("of nobody's making")

    monkeypatch.setattr(questions, "questions", unexpected)
    run = back_up(SAFE)
    assert (run.state, run.statistics["rules_unasked"]) == (State.SUCCEEDED, None)


def test_an_index_that_is_dropped_after_the_instant_is_no_rule_any_more():
    """A snapshot's catalogue still shows it, without its words."""
    made, gone = "CREATE UNIQUE INDEX later ON studio_tag (id)", "DROP INDEX IF EXISTS later"
    with rule(made, gone), connected(purpose="test") as session:
        session.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)

        def found() -> set[str]:
            return {one.name for one in unique_rules(session, oids)}

        oids = [t.oid for t in live_tables(session).values() if t.name == "studio_tag"]
        assert "later" in found()
        session.rollback()
        with session.cursor() as cursor:
            cursor.execute("SELECT")
        _run(gone)
        assert found() and "later" not in found()


@pytest.mark.usefixtures("tags")
def test_it_sees_the_instant_of_the_backup_and_not_what_came_after(monkeypatch):
    ask = questions.see_instant

    def later(session, instant):
        ask(session, instant)
        _with_keys_off("UPDATE studio_tag SET org_id = 'nowhere'")

    monkeypatch.setattr(questions, "see_instant", later)
    assert broken(back_up(SAFE)) == []


@pytest.mark.usefixtures("tags")
def test_without_sharing_the_instant_it_would_tell_of_rows_that_are_not_in_the_file(monkeypatch):
    def later(session, instant):
        _with_keys_off("UPDATE studio_tag SET org_id = 'nowhere'")

    monkeypatch.setattr(questions, "see_instant", later)
    assert broken(back_up(SAFE)) != []


@pytest.mark.usefixtures("tags")
def test_the_terminal_names_table_rule_and_rows():
    said = StringIO()
    with duplicates(), never_validated():
        call_command("backup_create", "--scope=safe", stdout=said, stderr=said)
    assert re.search(
        r"2 rows of studio_tag stand more than once by the unique index names", said.getvalue()
    )
    assert re.search(r"\d rows of studio_tag break the rule later", said.getvalue())


@pytest.mark.usefixtures("tags")
def test_with_duplicates_the_answer_whether_everything_comes_back_is_no_yes():
    with never_validated():
        back_up(COMPLETE)
    (said,) = readiness.today().rules
    assert readiness.today().verdict == "yes" and said.startswith("2 times a row in it breaks")
    with duplicates():
        back_up(COMPLETE)
    (said,) = readiness.today().rules
    assert readiness.today().verdict == "partly" and said.startswith("2 rows in it stand twice")
