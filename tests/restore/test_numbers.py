"""A restore sets the sequences of the tables that it writes, to what they allow, and no others."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from backups.registry import COMPLETE, SAFE, Registry, exclude, registry
from backupsvc.studio.models import (
    ChecklistItem,
    DrawingChecklistItem,
    Room,
    RoomFFEItem,
    RoomSection,
)
from restore.services.planning import capping, numbers
from tests.restore.copies import become
from tests.restore.forging import Document, foreign, ours
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.roundtrip.engine import back_up, parsed, stored

pytestmark = pytest.mark.usefixtures("changing_schema")
AUDIT = "backups_auditevent_id_seq"


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def number(sequence: str) -> tuple[int, bool]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT last_value, is_called FROM {sequence}")
        return cursor.fetchone()


def stating(*states: tuple[str, str, int]) -> Callable[[Document], None]:
    """The file's sequences are these: name, section, number."""

    def edit(document: Document) -> None:
        plain = [
            {"name": name, "section": section, "last_value": value, "is_called": True}
            for name, section, value in states
        ]
        _, altered = document._middle.split(b"\n")
        document._middle = b'"sequences": ' + json.dumps(plain).encode() + b",\n" + altered

    return edit


@pytest.fixture
def twins(studio, monkeypatch) -> Iterator[str]:
    """Two schemas on the search path, with a table and a sequence of the same name in both. Yields the
    schema that is searched first."""
    own = connection.ops.quote_name(connection.settings_dict["USER"])
    execute(
        f"CREATE SCHEMA AUTHORIZATION CURRENT_USER; ALTER TABLE studio_tag SET SCHEMA {own}",
        f"CREATE SEQUENCE {own}.tag_numbers OWNED BY {own}.studio_tag.id",
        "CREATE TABLE public.studio_tag (id text)",
        "CREATE SEQUENCE public.tag_numbers OWNED BY public.studio_tag.id",
        f"SELECT setval('{own}.tag_numbers', 100), setval('public.tag_numbers', 7000)",
    )
    also = Registry()
    exclude("studio_tag", schema="public", because="another application's", to=also)
    monkeypatch.setattr(registry, "_exclusions", [*registry.exclusions, *also.exclusions])
    yield own
    execute("DROP TABLE public.studio_tag", f"ALTER TABLE {own}.studio_tag SET SCHEMA public")


@pytest.mark.parametrize("scope", [SAFE, COMPLETE])
def test_the_other_schema_s_sequence_is_left_alone(twins, scope) -> None:
    made = back_up(scope)
    stated = [s for s in parsed(made)["sequences"] if s["name"] == "tag_numbers"]
    assert [(s["section"], s["last_value"]) for s in stated] == [("tags", 100)]
    execute(f"SELECT setval('{twins}.tag_numbers', 555), setval('public.tag_numbers', 7777)")
    restore_as(stored(made))
    assert number(f"{twins}.tag_numbers") == (100, True)
    assert number("public.tag_numbers") == (7777, True)


FORGED = [(AUDIT, "", 1), (AUDIT, "tags", 1), (AUDIT, "nothing", 1)]


@pytest.mark.parametrize("state", FORGED)
def test_a_file_cannot_set_a_sequence_of_the_backup_system(studio, tmp_path, state) -> None:
    file = foreign(studio.complete, tmp_path / "f.json", stating(state))
    plan = plan_as(file, accept_foreign=True)
    expected = "restore.sequence_gone" if state[1] == "tags" else "restore.sequence"
    assert expected in codes(plan)
    before = number(AUDIT)
    outcome = refusal(file, accept_foreign=True)
    assert outcome == ("" if state[1] == "tags" else "restore.sequence")
    assert number(AUDIT) >= before


def test_without_the_guard_it_would_be_set(studio, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(numbers, "may_be_set", lambda *_: True)
    file = foreign(studio.complete, tmp_path / "f.json", stating((AUDIT, "", 999_999)))
    refusal(file, accept_foreign=True)
    assert number(AUDIT)[0] >= 999_999


def test_a_sequence_of_nobody_s_that_others_take_numbers_from_is_theirs(studio, tmp_path) -> None:
    execute(
        "CREATE SEQUENCE drill_shared; SELECT setval('drill_shared', 50)",
        "ALTER TABLE backups_backuprun ALTER stored_bytes SET DEFAULT nextval('drill_shared')",
    )
    plan = stating(("drill_shared", "", 1))
    assert codes(plan_as(ours(studio.complete, tmp_path / "o.json", plan)))["restore.sequence"] == (
        "warning"
    )
    execute("ALTER TABLE backups_backuprun ALTER stored_bytes DROP DEFAULT")
    file = ours(studio.complete, tmp_path / "o.json", plan)
    assert "restore.sequence" not in codes(plan_as(file))
    restore_as(file)
    assert number("drill_shared") == (1, True)


def narrowed(studio) -> Path:
    """The sequence of tags allows less than it did when the backup was made."""
    execute("CREATE SEQUENCE tag_numbers OWNED BY studio_tag.id; SELECT setval('tag_numbers', 500)")
    file = stored(back_up(COMPLETE))
    execute("ALTER SEQUENCE tag_numbers RESTART MAXVALUE 10")
    return file


def test_a_number_beyond_the_sequence_s_bounds_is_in_the_plan_and_not_set(studio) -> None:
    file = narrowed(studio)
    assert codes(plan_as(file))["restore.sequence"] == "warning"
    restore_as(file)
    assert number("tag_numbers") == (1, False)


@pytest.mark.parametrize("value", [0, 2**63 - 1])
def test_of_another_s_file_such_a_number_is_refused(studio, tmp_path, value) -> None:
    narrowed(studio)
    file = foreign(studio.complete, tmp_path / "f.json", stating(("tag_numbers", "tags", value)))
    assert codes(plan_as(file, accept_foreign=True))["restore.sequence"] == "error"


def test_without_looking_at_the_bounds_the_restore_would_end_in_them(studio, monkeypatch) -> None:
    file = narrowed(studio)
    monkeypatch.setattr(numbers._Matching, "_fits", lambda *_: True)
    assert not plan_as(file).blocking
    assert refusal(file) != ""


def test_a_sequence_stated_twice_is_refused(studio, tmp_path) -> None:
    execute("CREATE SEQUENCE tag_numbers OWNED BY studio_tag.id")
    twice = stating(("tag_numbers", "tags", 3), ("tag_numbers", "tags", 4))
    file = foreign(studio.complete, tmp_path / "f.json", twice)
    assert codes(plan_as(file, accept_foreign=True))["restore.sequence"] == "error"


def test_many_sequences_that_nobody_has_are_few_findings(studio, tmp_path) -> None:
    many = stating(*((f"s{n}", "", 1) for n in range(5000)))
    plan = plan_as(foreign(studio.complete, tmp_path / "f.json", many), accept_foreign=True)
    found = [f for f in plan.findings if f.code == "restore.sequence_gone"]
    assert len(found) == capping.SHOWN + 1
    assert found[-1].count == 5000 - capping.SHOWN


NEW = [
    ("", (1, 7), (7, True)),
    ("MAXVALUE 3", (1, 7), (3, True)),
    ("START 100", (1, 7), (100, False)),
    ("INCREMENT -1 MINVALUE -3 START -1", (-7, -2), (-3, True)),
    ("INCREMENT -1 MINVALUE -30 START -1", (-7, -2), (-7, True)),
]
# Each sequence is a column's of a table of its own.
NUMBERED = (Room, ChecklistItem, DrawingChecklistItem, RoomSection, RoomFFEItem)


@pytest.fixture(scope="module")
def numbers_of_new(prepared, django_db_blocker) -> dict[str, tuple[int, bool]]:
    """By their options: what the sequences say after one restore of a file that was made before them."""
    with django_db_blocker.unblock():
        become("seeded")
        for model, (_, rows, _) in zip(NUMBERED, NEW, strict=True):
            assert model.objects.count() > 1
            model.objects.update(order=rows[0])
            model.objects.filter(pk=model.objects.first().pk).update(order=rows[1])
        file = stored(back_up(COMPLETE))
        for n, (model, (options, _, _)) in enumerate(zip(NUMBERED, NEW, strict=True)):
            execute(f'CREATE SEQUENCE new_{n} {options} OWNED BY {model._meta.db_table}."order"')
        restore_as(file)
        return {options: number(f"new_{n}") for n, (options, _, _) in enumerate(NEW)}


@pytest.mark.parametrize(("options", "rows", "expected"), NEW)
def test_a_new_sequence_goes_on_behind_the_rows_within_its_bounds(
    transactional_db, numbers_of_new, options, rows, expected
) -> None:
    assert numbers_of_new[options] == expected
