"""Any statement of a backup or a restore may fail, in any way: all is as before, and a retry works."""

from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import pytest
from django.conf import settings

from backups.errors import BackupSystemError
from backups.models import BackupRun, Run, State
from restore.models import RestoreRun
from tests.faults.statements import Fault, Statements, disk_full, exception, terminated
from tests.roundtrip.dump import Dump, differences, dump_data
from tests.roundtrip.engine import back_up, restore, stored, writing
from tests.zoo import rows

FAULTS = (exception, terminated, disk_full)


@pytest.fixture
def backup(surroundings: None) -> BackupRun:
    """A backup of the zoo, of which a row has gone since."""
    with writing() as cursor:
        rows.fill(cursor)
    run = back_up()
    with writing() as cursor:
        cursor.execute("DELETE FROM zoo_feeding")
    return run


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    return Statements(monkeypatch)


def test_a_statement_of_a_backup_may_fail(backup: BackupRun, statements: Statements) -> None:
    _let_backups_fail(statements, every=3, faults=FAULTS)


def test_a_statement_of_a_restore_may_fail(backup: BackupRun, statements: Statements) -> None:
    _let_restores_fail(backup, statements, every=3, faults=FAULTS)


@pytest.mark.battery
@pytest.mark.parametrize("fault", FAULTS)
def test_each_kind_of_statement_of_a_backup_may_fail(
    backup: BackupRun, statements: Statements, fault: Fault
) -> None:
    _let_backups_fail(statements, every=1, faults=[fault])


@pytest.mark.battery
@pytest.mark.parametrize("fault", FAULTS)
def test_each_kind_of_statement_of_a_restore_may_fail(
    backup: BackupRun, statements: Statements, fault: Fault
) -> None:
    _let_restores_fail(backup, statements, every=1, faults=[fault])


def test_a_statement_after_the_commit_may_fail(backup: BackupRun, statements: Statements) -> None:
    wanted = _counted(backup, statements)
    committed = max(n for n, s in enumerate(statements.log) if s.kind == "COMMIT")
    for number in (committed + 1, len(statements.log) - 1):
        with writing() as cursor:
            cursor.execute("DELETE FROM zoo_feeding")
        statements.fail(number, terminated)
        restore(stored(backup))
        statements.heal()
        assert RestoreRun.objects.latest("requested_at").state == State.SUCCEEDED
        assert differences(wanted, dump_data()) == []


def _let_backups_fail(statements: Statements, *, every: int, faults: Sequence[Fault]) -> None:
    back_up()
    numbers = statements.first_of_each_kind()[::every]
    _let_fail(statements, numbers, faults, back_up, BackupRun)
    assert back_up().state == State.SUCCEEDED


def _let_restores_fail(
    backup: BackupRun, statements: Statements, *, every: int, faults: Sequence[Fault]
) -> None:
    wanted = _counted(backup, statements)
    numbers = statements.first_of_each_kind()[::every]
    committed = max(n for n, s in enumerate(statements.log) if s.kind == "COMMIT")
    numbers = [*(number for number in numbers if number < committed), committed]
    with writing() as cursor:
        cursor.execute("DELETE FROM zoo_feeding")
    _let_fail(statements, numbers, faults, lambda: restore(stored(backup)), RestoreRun)
    assert differences(wanted, _restored(backup)) == []


def _counted(backup: BackupRun, statements: Statements) -> Dump:
    """As ``_restored``. What is asked depends on what is there: the log begins where those that fail will."""
    restore(stored(backup))
    with writing() as cursor:
        cursor.execute("DELETE FROM zoo_feeding")
    statements.log.clear()
    return _restored(backup)


def _restored(backup: BackupRun) -> Dump:
    restore(stored(backup))
    return dump_data()


def _let_fail(
    statements: Statements,
    numbers: list[int],
    faults: Sequence[Fault],
    work: Callable[[], Run],
    model: type[Run],
) -> None:
    """Each of the statements fails once, in one way after the other."""
    before, files = dump_data(), _files()
    for number, fault in zip(numbers, cycle(faults), strict=False):
        known = set(model._default_manager.values_list("pk", flat=True))
        statements.fail(number, fault)
        with pytest.raises((BackupSystemError, RuntimeError)):
            work()
        told = (number, statements.log[number], fault.__name__)
        statements.heal()
        for run in model._default_manager.exclude(pk__in=known):
            assert run.state == State.FAILED, told
            assert run.error_code and run.error_hint, told
        assert differences(before, dump_data()) == [], told
        assert _files() - files <= _safety_backups(), told


def _files() -> set[str]:
    return {path.name for path in Path(settings.BACKUPS_ROOT).iterdir()}


def _safety_backups() -> set[str]:
    """Whole and verified before the restore began to write, so they stay."""
    return set(BackupRun.objects.filter(purpose="safety").values_list("artifact", flat=True))
