"""A file with one row that does not fit: nothing changes, and the message says which row it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.utils import timezone
from psycopg2.extensions import connection as Connection

from backups.errors import BackupSystemError
from backups.models import BackupRun
from backups.services import installation
from backupsvc.studio.models import VerificationToken
from restore.database import questions, redacted
from restore.plan import Choices
from restore.services.planning.counting import plan_file
from tests.databases import become, copy_of_database
from tests.faults.forgery import foreign_seal, forged, replaced
from tests.roundtrip.dump import Dump, differences, dump_data
from tests.roundtrip.engine import back_up, restore, writing
from tests.zoo import rows


class Case(NamedTuple):
    """What is forged where, and what the refusal must name and must not repeat."""

    section: str
    old: str
    new: str
    row: int
    code: str
    named: str
    unsaid: str = "banana"


CASES = {
    "a repeated unique value": Case(
        "zoo.Exclusive", '"place":1', '"place":0', 2, "restore.duplicate", "zoo.Exclusive, row 2, key "
    ),
    "a repeated key": Case(
        "zoo.Boat", '"id":3', '"id":1', 2, "restore.duplicate", "zoo.Boat, row 2, key 1", "galley"
    ),
    "a missing value": Case(
        "zoo.Boat", '"oars":60', '"oars":null', 2, "restore.null", "zoo.Boat, row 2, key 3", "galley"
    ),
    "a reference to nowhere": Case(
        "zoo.Egg", '"laid_by_id":2', '"laid_by_id":77', 2, "restore.reference", "zoo.Egg, row 2, key 2", "77"
    ),
    "a broken rule": Case(
        "zoo.Exclusive", '"place":1', '"place":-77', 2, "restore.check", "zoo.Exclusive, row 2, key ", "-77"
    ),
    "rows that exclude one another": Case(
        "zoo.Exclusive", "[1,5)", "[1,7)", 1, "restore.exclusion", "zoo.Exclusive, row 2, key ", "[1,7)"
    ),
    "a broken domain": Case(
        "zoo.EveryType", '_label":"plain"', '_label":"forbidden"', 4, "restore.check",
        "zoo.EveryType, row 4, key ", "forbidden",
    ),
    "a text that is too long": Case(
        "zoo.EveryType", '_varchar_30":"plain"', f'_varchar_30":"{"banana" * 6}"', 4,
        "restore.too_long", "zoo.EveryType, row 4, key ",
    ),
    "a number that is too large": Case(
        "zoo.Boat", '"oars":60', '"oars":6000000000', 2, "artifact.row", "zoo.Boat, row 2", "6000000000"
    ),
    "a value of another form": Case(
        "zoo.Exclusive", "[1,5)", "banana", 1, "restore.malformed", "zoo.Exclusive, row 1, key "
    ),
    "an unknown choice of an enum": Case(
        "zoo.EveryType", '_mood":"calm"', '_mood":"banana"', 2, "restore.malformed",
        "zoo.EveryType, row 2, key ",
    ),
    "malformed JSON": Case(
        "zoo.WeirdName", '{"k": 1.0}', '{"k": banana}', 1, "artifact.row", "zoo.WeirdName, row 1"
    ),
    "an unknown column": Case(
        "zoo.Boat", '"oars":60', '"banana":60', 2, "artifact.row", "zoo.Boat, row 2"
    ),
}  # fmt: skip


@pytest.fixture
def zoo() -> tuple[BackupRun, Dump]:
    """A backup of the zoo, and what the database holds."""
    with writing() as cursor:
        rows.fill(cursor)
    return back_up(), dump_data()


def test_a_row_that_does_not_fit_is_named_and_nothing_changes(
    zoo: tuple[BackupRun, Dump], tmp_path: Path
) -> None:
    backup, before = zoo
    for name, case in CASES.items():
        change = replaced(case.old, case.new, row=case.row)
        # Of a backup that was made here, a row comes back whatever rule it breaks; of others, none does.
        gives_way = case.code in ("restore.check", "restore.reference")
        seal = foreign_seal if gives_way else installation.seal
        file = forged(backup, tmp_path / f"{name}.json", {case.section: change}, seal=seal)
        message, hint = _objection(file, case.code, accept_foreign=gives_way)
        assert case.named in message, (name, message)
        assert case.unsaid not in message + hint, (name, message)
        assert hint, name
        assert differences(before, dump_data()) == [], name


def _objection(file: Path, code: str, *, accept_foreign: bool) -> tuple[str, str]:
    """What the restore says. Of a foreign file that has no owner either: what its plan says of the code."""
    with pytest.raises(BackupSystemError) as refusal:
        restore(file, accept_foreign=accept_foreign)
    error = refusal.value
    if accept_foreign:
        found = plan_file(file, Choices(accept_foreign=True)).blocking
        return next((f.message, f.hint) for f in found if f.code == code)
    assert error.code == code
    return error.message, error.hint


def test_a_key_that_is_a_secret_is_not_shown(surroundings: None, tmp_path: Path) -> None:
    for number in range(3):
        VerificationToken.objects.create(
            identifier=f"person-{number}", token=f"tok-{number}", expires=timezone.now()
        )
    backup = back_up()
    for old, new in (
        ('"token":"tok-1"', '"token":"tok-0"'),
        ('"identifier":"person-1"', '"identifier":null'),
    ):
        change = replaced(old, new, row=2)
        file = forged(backup, tmp_path / "forged.json", {"verificationTokens": change})
        with pytest.raises(BackupSystemError) as refusal:
            restore(file)
        assert "verificationTokens, row 2" in refusal.value.message
        assert "tok-" not in refusal.value.message + refusal.value.hint


@pytest.fixture
def tables_to_break(surroundings: None, django_db_blocker: Any) -> Iterator[None]:
    """The test may leave the tables without their keys; the next one finds them whole."""
    with django_db_blocker.unblock(), copy_of_database("whole"):
        yield
        become("whole")


def test_without_one_transaction_the_database_would_be_half_restored(
    tables_to_break: None,
    zoo: tuple[BackupRun, Dump],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backup, before = zoo
    case = CASES["rows that exclude one another"]  # where no plan asks about them
    change = replaced(case.old, case.new, row=case.row)
    file = forged(backup, tmp_path / "forged.json", {case.section: change})

    def insert_and_commit(connection: Connection, *arguments: Any) -> int:
        inserted = insert(connection, *arguments)
        connection.commit()
        return inserted

    insert = redacted.insert_waiting
    monkeypatch.setattr(redacted, "insert_waiting", insert_and_commit)
    monkeypatch.setattr(questions, "try_exclusion", lambda *_: None)
    with pytest.raises(BackupSystemError):
        restore(file)
    assert differences(before, dump_data())
