"""Plan yes means apply yes: whatever a restore can be refused for is in the plan first.

Each case provokes one refusal. The plan says it, the restore ends in it, and nothing has changed.
"""

import re
from collections import namedtuple
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from restore.database import powers
from restore.services.planning import files as file_plan
from tests.databases import superuser
from tests.docs.pages import ROOT
from tests.restore.conftest import OWNER
from tests.restore.forging import Document, encoded, foreign, ours
from tests.restore.steps import plan_as, refusal
from tests.restore.tables import changed_tables, rows_of_database

pytestmark = pytest.mark.usefixtures("changing_schema")
Edit = Callable[[Document], object]


@dataclass(frozen=True)
class Case:
    """``sql`` is done first, as the superuser; ``edit`` is what is done to the file, which is a stranger's
    where ``accept_foreign`` is among the choices."""

    code: str
    edit: Edit = lambda document: None
    sql: str = ""
    scope: str = "complete"
    acting: str = ""
    choices: dict[str, Any] = field(default_factory=dict)
    patch: Callable[[pytest.MonkeyPatch], None] = lambda patch: None


FOREIGN = {"accept_foreign": True, "grant_roles": ("owner@studio.example",)}


def first(key: str, **cells: Any) -> Edit:
    return lambda document: document.change_first(key, **cells)


def again(key: str) -> Edit:
    return lambda document: document.rows[key].append(document.rows[key][0])


def column(key: str, name: str, **facts: Any) -> Edit:
    def change(document: Document) -> None:
        next(c for c in document.section(key)["columns"] if c["name"] == name).update(facts)

    return change


def another_key(document: Document) -> None:
    document.section("tags")["primary_key"] = ["name"]


def another_section(document: Document) -> None:
    document.head["sections"].append(document.section("tags") | {"key": "unheard", "table": "of"})
    document.rows["unheard"] = []


def two_of_one(document: Document) -> None:
    """One account has the acting owner's key, another one his address."""
    owner = next(r for r in document.read("users") if r["email"] == "owner@studio.example")
    document.change(
        "users", lambda r: r.update(email="other@x.example") if r["id"] == owner["id"] else None
    )
    document.rows["users"].append(encoded(owner | {"id": "another"}))


def little_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(powers, "_SHARE_OF_LOCKS", 0.001)


def full_disk(patch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    patch.setattr(file_plan.shutil, "disk_usage", lambda path: usage(10, 10, 0))


FORBIDS = """
CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE EVENT TRIGGER forbids ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION forbid()
"""
OTHERS = "CREATE ROLE somebody_else"
POINTING = (
    "CREATE TABLE pointing (id text PRIMARY KEY REFERENCES studio_tag); ALTER TABLE pointing OWNER TO"
    " somebody_else"
)
LONG = "CREATE INDEX ON studio_contractor (business_name)"
NO_ENUM = (
    "CREATE TYPE kinds AS ENUM ('none'); ALTER TABLE studio_tag ALTER type TYPE text;"
    " UPDATE studio_tag SET type = 'none'; ALTER TABLE studio_tag ALTER type TYPE kinds USING type::kinds"
)

CASES = {
    "a repeated value": Case("restore.duplicate", again("tags")),
    "a missing value": Case("restore.null", first("projects", name=None)),
    "a reference to nowhere": Case(
        "restore.reference", first("clients", org_id="nowhere"), choices=FOREIGN
    ),
    "a broken rule": Case(
        "restore.check",
        sql="ALTER TABLE studio_contractor ADD CHECK (business_name <> 'Banana')",
        edit=first("contractors", business_name="Banana"),
        choices=FOREIGN,
    ),
    "rows that exclude one another": Case(
        "restore.exclusion",
        sql="ALTER TABLE studio_tag ADD CONSTRAINT one EXCLUDE (id WITH =, color WITH =);"
        "ALTER TABLE studio_contractor ADD CONSTRAINT apart EXCLUDE USING hash (business_name WITH =)",
        edit=lambda d: d.change("contractors", lambda r: r.update(business_name="one")),
    ),
    "a text that is too long": Case(
        "restore.too_long",
        sql="ALTER TABLE studio_contractor ALTER business_name TYPE varchar(60)",
        edit=lambda d: (
            column("contractors", "business_name", type="character varying(60)")(d),
            d.change_first("contractors", business_name="x" * 61),
        ),
    ),
    "a row that no index takes": Case(
        "restore.too_large",
        sql=LONG,
        edit=lambda d: d.change_first(
            "contractors", business_name="".join(chr(97 + n * n % 26) + str(n) for n in range(3000))
        ),
        choices=FOREIGN,
    ),
    "a value of another form": Case("restore.malformed", first("users", created_at="someday")),
    "a label that an enum has not": Case(
        "restore.malformed", column("tags", "type", type="kinds", encoding="text"), NO_ENUM
    ),
    "a number outside its column": Case(
        "restore.column_type",
        column("comments", "created_at", type="bigint", encoding="native"),
    ),
    "another primary key": Case("restore.primary_key", another_key),
    "an unknown section": Case("restore.unknown_section", another_section),
    "a column that must be filled": Case(
        "restore.column_missing", lambda d: d.drop_column("projects", "name")
    ),
    "a file of others": Case("restore.foreign", choices={"stranger": True}),
    "all accounts of a stranger, where data are": Case(
        "restore.has_data", choices={"all_accounts": True, "stranger": True}
    ),
    "nobody who may sign in": Case(
        "restore.no_owner",
        sql="UPDATE studio_user SET role = 'VIEWER'",
        choices={"accept_foreign": True},
    ),
    "nobody who acts": Case("restore.acting_owner", scope="safe", acting="nobody@x.example"),
    "two who claim to be who acts": Case("restore.acting_ambiguous", two_of_one, scope="safe"),
    "a table of another role": Case(
        "restore.not_owner",
        sql=f"{OTHERS}; ALTER TABLE studio_tag OWNER TO somebody_else;"
        "GRANT ALL ON studio_tag TO PUBLIC",
    ),
    "a key of another role's table": Case(
        "restore.not_owner", sql=f"{OTHERS}; {POINTING}; GRANT ALL ON pointing TO PUBLIC"
    ),
    "too many locks": Case("restore.locks", patch=little_room),
    "an event trigger that forbids": Case("restore.event_trigger", sql=FORBIDS),
    "a disk that is full": Case("restore.disk_space", patch=full_disk),
}
EVERYDAY = {"a repeated value", "a table of another role", "an event trigger that forbids"}
# What no plan can say, and why.
NOT_OF_A_PLAN = {
    "restore.differs": "something changes rows as they are written that no catalogue shows",
    "restore.not_as_planned": "a mistake of this software",
    "restore.plan_changed": "says itself that the plan is another one",
    "restore.schema_changed": "a migration came between reading and lock",
    "restore.tables_busy": "others are at work at that moment",
    "restore.file_storage": "a storage refuses a write, which a plan does not make",
    "restore.unconfirmed": "the words were not typed",
    "restore.no_temporary_tables": "nothing can be planned: the plan ends in it too",
    "restore.out_of_range": "a number that is too large is refused when the file is read: artifact.row",
    "restore.storage_unknown": "tests/restore/test_plan.py plans a file with a storage that is not here",
    "restore.no_translation": "tests/restore/test_translated_numbers.py has numbers that mean nothing here",
    "restore.numbers_unlisted": "tests/restore/test_translated_numbers.py has files without the lists",
    "restore.address_kept": "tests/restore/test_rights.py gives somebody another's address",
    "restore.rights_of_others": "tests/restore/test_counted_keys.py has rights by content type and key",
    "restore.access_needed": "no table of the studio must lead to one that lets people in",
    "restore.may_not_read": "what may not be read ends the plan itself: database.permission",
    "restore.not_writable": "tests/restore/test_parachute.py has a folder that takes no files",
    "restore.default_failed": "tests/restore/test_fills.py has a default that cannot be made",
    "restore.sequence": "tests/restore/test_numbers.py states numbers that are not the file's business",
    "restore.storage_away": "tests/storages has storages that do not answer",
    "restore.acting_reference": "tests/restore/test_plan.py has an owner whose references go",
    "restore.file_rows": "tests/restore/test_file_entries.py forges entries of files",
    "restore.file_in_safe": "tests/restore/test_file_entries.py forges entries of files",
    "restore.file_column": "tests/restore/test_file_entries.py forges entries of files",
    "restore.section_scope": "tests/restore/test_scope_of_sections.py forges sections",
    "restore.section_table": "tests/restore/test_scope_of_sections.py forges sections",
    "restore.no_partition": "tests/restore/test_renamed_values.py has a partition that is dropped since",
}
# Codes that never block.
REMARKS = {
    *("restore.choice_unknown", "restore.column_gone", "restore.column_withheld"),
    *(
        "restore.content_kept",
        "restore.content_missing",
        "restore.secret_kept",
        "restore.secret_marked",
        "restore.gaps",
        "restore.no_password",
    ),
    *("restore.privileged_new", "restore.rule_unasked", "restore.storage_unsure"),
    *("restore.pairing", "restore.numbers_of_others"),
    *("restore.access_held_back", "restore.acting_unknown", "restore.choice_unmet"),
    *("restore.sequence_gone", "restore.numbers_translated", "restore.acting_gone"),
}


def as_superuser(statements: str) -> None:
    connection.close()
    with closing(superuser()) as session, session, session.cursor() as cursor:
        cursor.execute("DROP ROLE IF EXISTS somebody_else")
        if statements:
            cursor.execute(statements)


@pytest.fixture
def without_strangers(django_db_blocker):
    """Roles and event triggers outlive a database."""
    yield
    with django_db_blocker.unblock(), closing(superuser()) as session, session.cursor() as cursor:
        session.autocommit = True
        cursor.execute("DROP EVENT TRIGGER IF EXISTS forbids")
        cursor.execute("SELECT FROM pg_roles WHERE rolname = 'somebody_else'")
        if cursor.fetchone() is not None:
            cursor.execute("DROP OWNED BY somebody_else CASCADE")
            cursor.execute("DROP ROLE somebody_else")


@pytest.mark.parametrize(
    "name",
    [n if n in EVERYDAY else pytest.param(n, marks=pytest.mark.battery) for n in CASES],
)
def test_what_a_restore_is_refused_for_is_in_the_plan(
    studio, without_strangers, tmp_path, monkeypatch, name
) -> None:
    case = CASES[name]
    choices = dict(case.choices)
    stranger = choices.pop("stranger", False) or "accept_foreign" in choices
    make = foreign if stranger else ours
    file: Path = make(getattr(studio, case.scope), tmp_path / "f.json", case.edit)
    if case.sql:
        as_superuser(case.sql)
    case.patch(monkeypatch)
    acting = case.acting or OWNER
    plan = plan_as(file, acting, **choices)
    assert case.code in {f.code for f in plan.blocking}, [str(f.message) for f in plan.findings]
    before = rows_of_database()
    assert refusal(file, acting, **choices) in {f.code for f in plan.blocking}
    assert changed_tables(before, rows_of_database()) == {}


def test_every_code_of_a_restore_is_provoked_or_no_plan_can_say_it() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    codes = set(re.findall(r"`(restore\.[a-z_]+)`", page))
    provoked = {case.code for case in CASES.values()}
    assert codes - provoked == set(NOT_OF_A_PLAN) | REMARKS
