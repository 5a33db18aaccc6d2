"""Others rewrite, empty and replace tables while backups and restores run: none ever seems empty."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from backups.database import holding, introspection, standing
from backups.errors import BackupSystemError
from backups.models import BackupRun, State
from backups.registry import COMPLETE, SAFE, registry
from restore.models import RestoreRun
from restore.services.applying import ahead
from tests.battery.rewriting_tables import REWRITES, Rewriting, counted, on_tables, others_at
from tests.battery.state import leftovers, sessions, unfinished_runs
from tests.battery.test_undo import undo
from tests.databases import empty_folder
from tests.restore.conftest import OWNER
from tests.restore.steps import restore_as
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, parsed

OF_A_BACKUP = ["turn", "checking", "rows", "locators", "reading back"]
OF_A_RESTORE = [
    *("inspecting", "ahead", "waiting", "planning", "safety backup"),
    *("emptying", "loading", "files", "verifying", "references", "committing"),
]
# What may end a run instead: said in words, and nothing was kept or changed.
REFUSALS = {"lock.tables", "schema.changing", "restore.tables_busy", "restore.schema_changed"}


@pytest.fixture(autouse=True)
def impatient(settings) -> None:
    settings.BACKUPS_LOCK_WAIT_SECONDS = 3
    settings.BACKUPS_DRAIN_SECONDS = 0.2
    settings.BACKUPS_LEAVE_EQUAL_TABLES = True


def anything(table: str) -> bool:
    return True


def only_complete(table: str) -> bool:
    """No table that a Safe restore writes."""
    return not registry.by_table()[table].in_safe


def attempted(work: Callable[[], object]) -> str:
    """The code with which it ends; empty where it succeeds."""
    try:
        work()
    except BackupSystemError as error:
        return error.code
    return ""


def missing(run: BackupRun, before: dict[str, int], after: dict[str, int]) -> list[str]:
    """Tables of which the file has as many rows as neither before nor after the others' work."""
    data = parsed(run)["data"]
    held = {s.table: len(data[s.key]) for s in registry.sections if s.key in data}
    return [
        f"{table}: {held[table]} rows in the file, {rows} in the table"
        for table, rows in before.items()
        if table in held and held[table] not in (rows, after[table])
    ]


def back_up_amid(stage: str, works: list[Rewriting], scope=COMPLETE) -> tuple[str, list[str]]:
    """Returns the code of the backup's end, and all that is wrong."""
    before = counted(works)
    BackupRun.objects.all().delete()
    with others_at(f"backup {stage}", works):
        code = attempted(lambda: back_up(scope))
    run = BackupRun.objects.get()
    if code:
        wrong = [] if code in REFUSALS and run.state == State.FAILED else [f"ended in {code}"]
    else:
        # What was committed before the instant may be in the file; later work may not.
        wrong = missing(run, before, emptied(works, before) if stage == "turn" else before)
    wrong += [f"{w.kind} on {w.table}: {w.error}" for w in works if w.error]
    return code, [f"at {stage}: {text}" for text in wrong]


def tell(amount: int, outcomes: list[str], wrong: list[str]) -> None:
    refused = [code for code in outcomes if code]
    head = f"{amount} statements, {len(outcomes)} runs, refused: {refused or 'none'}"
    print("", head, *wrong, sep="\n")  # noqa: T201


def test_a_backup_has_all_rows_whatever_others_do_to_the_tables_after_its_instant(studio) -> None:
    works = on_tables(anything)
    assert len(works) == len(REWRITES)
    assert back_up_amid("rows", works) == ("", [])


@pytest.mark.battery
def test_a_backup_has_all_rows_whatever_others_do_at_any_stage(studio) -> None:
    outcomes, wrong, amount = [], [], 0
    for scope in (SAFE, COMPLETE):
        for stage in OF_A_BACKUP + ["fetching"] * (scope is COMPLETE):
            works = on_tables(anything)
            code, found = back_up_amid(stage, works, scope)
            outcomes.append(code)
            wrong += found
            amount += len(works)
            studio.become("today")
    tell(amount, outcomes, wrong)
    assert wrong == []
    assert not any(outcomes), "backups wait for others, and others for them; none is refused"


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "take", lambda *_, **__: None)
    monkeypatch.setattr(holding, "taken", every_table)


def every_table(connection) -> set[int]:
    return set(standing.storage(connection, introspection.live_tables(connection).values()))


def without_the_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "has_moved", lambda *_: False)


def test_without_locks_and_second_look_a_backup_is_seen_to_lack_rows(studio, monkeypatch) -> None:
    without_locks(monkeypatch)
    without_the_second_look(monkeypatch)
    code, wrong = back_up_amid("rows", on_tables(anything))
    assert code == "" and len(wrong) >= 4
    assert any(": 0 rows in the file" in text for text in wrong)


def test_where_the_locks_fail_the_second_look_ends_the_backup(studio, monkeypatch) -> None:
    without_locks(monkeypatch)
    assert back_up_amid("rows", on_tables(anything)) == ("schema.changing", [])
    assert leftovers() == []


def restored(artifact: Path) -> RestoreRun:
    return restore_as(artifact, OWNER)


def restore_amid(stage: str, works: list[Rewriting], artifact: Path) -> tuple[str, list[str]]:
    before, everything = counted(works), dump_data()
    with others_at(stage, works):
        code = attempted(lambda: restored(artifact))
    run = RestoreRun.objects.latest("requested_at")
    wrong = []
    if code and (code not in REFUSALS or run.state != State.FAILED):
        wrong.append(f"ended in {code}")
    if not code:
        safety = BackupRun.objects.get(pk=run.safety_backup)
        wrong += missing(safety, before, emptied(works, before) if is_early(stage) else before)
    elif not any(w.kind.startswith("TRUNCATE") for w in works):
        wrong += differences(everything, dump_data())
    wrong += [f"session: {found}" for found in sessions()] + unfinished_runs()
    return code, [f"at {stage}: {text}" for text in wrong]


def emptied(works: list[Rewriting], before: dict[str, int]) -> dict[str, int]:
    """What the tables have when all of this has been done."""
    return before | {work.table: 0 for work in works if work.kind == "TRUNCATE"}


def is_early(stage: str) -> bool:
    """Whether others still come before the restore's own locks."""
    return stage.removeprefix("restore ") in ("inspecting", "ahead", "waiting", "planning")


def restores(
    studio, stages: list[str], artifact: Path, wanted: Callable[[str], bool], state: str = "today"
) -> None:
    outcomes, wrong, amount = [], [], 0
    for stage in stages:
        studio.become(state)
        works = on_tables(wanted)
        code, found = restore_amid(stage, works, artifact)
        outcomes.append(code)
        wrong += found
        amount += len(works)
        empty_folder(Path(settings.BACKUPS_ROOT))
    tell(amount, outcomes, wrong)
    assert wrong == []


def test_the_safety_backup_has_all_rows_whatever_others_do_meanwhile(studio) -> None:
    restores(studio, ["restore safety backup"], studio.complete, anything)


@pytest.mark.battery
def test_a_restore_amid_the_work_of_others_succeeds_or_changes_nothing(studio) -> None:
    stages = [f"restore {name}" for name in OF_A_RESTORE]
    restores(studio, stages, studio.complete, anything)


@pytest.fixture
def nothing_ahead(studio, monkeypatch) -> None:
    """The safety backup is made under the locks, as where there are few rows."""
    monkeypatch.setattr(ahead, "ROWS_WORTH_READING_AHEAD", 10**9)


@pytest.mark.battery
def test_a_safety_backup_amid_the_work_of_others_has_all_rows(studio, nothing_ahead) -> None:
    stages = [f"backup {name}" for name in OF_A_BACKUP]
    restores(studio, stages, studio.complete, anything)


def test_the_undo_of_a_safe_restore_deletes_no_row_of_a_table_that_it_did_not_write(
    studio, nothing_ahead
) -> None:
    without_loss("backup rows", studio, on_tables(only_complete))


def test_nor_does_the_undo_by_a_safety_backup_that_was_made_ahead(studio) -> None:
    """What alters a table then lets the restore be refused; what only rewrites it does not."""
    rewriting = ("TRUNCATE and fill", "CLUSTER", "VACUUM FULL")
    works = [work for work in on_tables(only_complete) if work.kind in rewriting]
    without_loss("restore ahead", studio, works)


def without_loss(stage: str, studio, works: list[Rewriting]) -> None:
    studio.become("then")
    before = counted(works)
    assert restore_amid(stage, works, studio.safe) == ("", [])
    undo(RestoreRun.objects.latest("requested_at"))
    assert counted(works) == before


def test_without_locks_and_second_look_that_undo_is_seen_to_delete_rows(
    studio, nothing_ahead, monkeypatch
) -> None:
    studio.become("then")
    # The restore itself would fail at what replaces a table.
    works = [work for work in on_tables(only_complete) if work.kind == "ALTER TYPE"]
    before = counted(works)
    monkeypatch.setattr(holding, "take", lambda *_, **__: None)
    monkeypatch.setattr(holding, "taken", every_table)
    without_the_second_look(monkeypatch)
    with others_at("backup rows", works):
        run = restored(studio.safe)
    undo(run)
    after = counted(works)
    assert [name for name, rows in before.items() if after[name] < rows]


@pytest.mark.battery
def test_a_safe_restore_amid_the_work_of_others_on_tables_that_it_does_not_write(studio) -> None:
    stages = [f"restore {name}" for name in OF_A_RESTORE]
    restores(studio, stages, studio.safe, only_complete, "then")


@pytest.mark.battery
def test_its_safety_backup_amid_the_work_of_others_on_such_tables(studio, nothing_ahead) -> None:
    stages = [f"backup {name}" for name in OF_A_BACKUP]
    restores(studio, stages, studio.safe, only_complete, "then")
