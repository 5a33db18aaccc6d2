"""Whatever fails, and wherever: a restore gives back exactly what was there or changes nothing."""

import contextlib
import dataclasses
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection as django_connection

from backups.models import BackupRun
from backups.registry import registry
from backups.services import coverage
from restore.database.transaction import RestoreTransaction
from restore.models import Receipt, RestoreRun
from restore.services.applying import applying
from restore.services.applying.ahead import Ahead
from tests.battery.conftest import Studio
from tests.battery.injecting import (
    AHEAD,
    MAIN,
    Faults,
    Hanging,
    Log,
    Operation,
    Place,
    end_session,
    full_disk,
    hanging_is_an_error,
    injecting,
    interrupt,
    raise_error,
    tell,
)
from tests.battery.state import leftovers, sessions, stored_files, threads, unfinished_runs
from tests.databases import empty_folder
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, data_part, document, restore, stored, writing

Fault = Callable[[Operation], None]
FAULTS: tuple[Fault, ...] = (raise_error, end_session, interrupt)
# What ends the safety backup made ahead and not the restore: one is made under the locks then.
IN_THE_WAY: tuple[Fault, ...] = (end_session, full_disk)
SECOND_FILE = Place(MAIN, "storage", 2)
WAITING = 'CREATE TEMPORARY TABLE "waiting_'
# What is written into the restore's own transaction alone.
RECEIPT = 'INSERT INTO "public"."restore_receipt"'


@pytest.fixture
def zoo_alone(studio, monkeypatch) -> Iterator[Path]:
    """A backup of the zoo, while the engine knows no other table: a restore of few operations."""
    studio.become("then")
    zoo = [section for section in registry.sections if section.key.startswith("zoo.")]
    monkeypatch.setattr(registry, "_sections", zoo)
    monkeypatch.setattr(coverage, "require_covered", lambda *_: None)
    # The folder of backups may lie on another disk.
    artifact = Path(shutil.move(stored(back_up()), studio.folder / "zoo.json.zst"))
    studio.become("today")
    empty_folder(Path(settings.BACKUPS_ROOT))
    yield artifact
    artifact.unlink()


class AlmostAsThen(Studio):
    """Today but for two tables all is as the backup found it."""

    def become(self, which: str) -> None:
        super().become("then")
        if which == "today":
            with writing() as cursor:
                cursor.execute("DELETE FROM zoo_feeding")
                cursor.execute("UPDATE studio_organization SET name = name || ' since'")


@pytest.fixture
def almost_as_then(studio, settings) -> Studio:
    settings.BACKUPS_LEAVE_EQUAL_TABLES = True
    known = {field.name: getattr(studio, field.name) for field in dataclasses.fields(studio)}
    almost = AlmostAsThen(**known)
    almost.become("today")
    return dataclasses.replace(almost, today=dump_data(), files_today=stored_files())


def count_operations(studio: Studio, artifact: Path) -> tuple[Log, "Outcome"]:
    """What a restore does that nothing disturbs, and what it makes of the studio."""
    with injecting(Faults()) as faults:
        restore(artifact)
    after = Outcome(studio)
    start_again(studio)
    return faults.log, after


class Outcome:
    def __init__(self, studio: Studio) -> None:
        self.data, self.files = dump_data(), stored_files()
        self.before = rows_of_safety_backup()
        self.left_alone = len(RestoreRun.objects.first().report["left_alone"])

    def objections(self) -> list[str]:
        """How the studio differs from this."""
        found = differences(self.data, dump_data())
        found += sorted(map(str, self.files.items() ^ stored_files().items()))
        if self.before != rows_of_safety_backup():
            found.append("the safety backup holds something else")
        return found


def rows_of_safety_backup() -> bytes:
    run = RestoreRun.objects.first()
    return data_part(document(BackupRun.objects.get(pk=run.safety_backup)))


def start_again(studio: Studio) -> None:
    studio.become("today")
    empty_folder(Path(settings.BACKUPS_ROOT))


def fail_at(
    at: Place, fault: Fault, studio: Studio, artifact: Path, after: Outcome
) -> list[str] | None:
    """Restore with one fault. Returns all that is wrong then, None where the place was not reached."""
    faults = Faults(fault, at)
    try:
        with injecting(faults), hanging_is_an_error():
            restore(artifact)
    except BaseException as error:
        known = error
    else:
        known = None
    django_connection.close()  # it may have been the one that was lost
    wrong = list(_objections(studio, after, known, expected=faults.injected))
    if at.thread == AHEAD and fault in IN_THE_WAY and not Receipt.objects.exists():
        wrong.append("what is in the way of reading ahead ended the restore")
    if wrong:
        wrong.insert(0, f"{fault.__name__} before {at}: {known!r}")
    if Receipt.objects.exists() or wrong:
        start_again(studio)
    else:
        empty_folder(Path(settings.BACKUPS_ROOT))
        BackupRun.objects.all().delete()
        RestoreRun.objects.all().delete()
    return wrong if faults.injected or wrong else None


def _objections(
    studio: Studio, after: Outcome, error: BaseException | None, expected: bool
) -> Iterator[str]:
    yield from (f"thread: {name}" for name in threads())
    run = RestoreRun.objects.first()
    if Receipt.objects.exists():
        yield from after.objections()
        if run.state != "succeeded":
            yield f"committed, and the run is {run.state}"
    else:
        yield from differences(studio.today, dump_data())
        if studio.files_today != stored_files():
            yield "the files are not as they were"
        if run and (run.state not in ("failed", "cancelled") or not run.error_code):
            yield f"not committed, and the run is {run.state} {run.error_code}"
        if error is None:
            yield "nobody was told"
    if isinstance(error, Hanging):
        yield "it waited for ever"
    if error is not None and not expected:
        yield "it failed without a fault"
    yield from (f"left over: {name}" for name in leftovers())
    yield from (f"session: {found}" for found in sessions())
    yield from (f"unfinished: {found}" for found in unfinished_runs())


def few_of_each_kind(log: Log) -> list[Place]:
    """Of each kind of operation all where there are few, else the first, a middle one and the last.
    What a statement names is not part of its kind."""
    kinds: dict[tuple[str, str], list[Place]] = {}
    for place in log.places():
        kind = " ".join(w for w in place.what.split() if w.isupper()) or place.what
        kinds.setdefault((place.thread, kind), []).append(place)
    picked: list[Place] = []
    for places in kinds.values():
        few = len(places) <= 6
        picked += places if few else (places[0], places[len(places) // 2], places[-1])
    return picked


def spread(places: Sequence[Place], amount: int) -> Sequence[Place]:
    return places[:: max(1, len(places) // amount)]


def fail_at_each(
    turns: Sequence[tuple[Place, Fault]], studio: Studio, artifact: Path, after: Outcome
) -> None:
    found = [fail_at(place, fault, studio, artifact, after) for place, fault in turns]
    tell(len(turns), found.count(None), [wrong for each in found for wrong in each or ()])


def inject(places: Sequence[Place], studio: Studio, artifact: Path, after: Outcome) -> None:
    fail_at_each(list(zip(places, cycle(FAULTS), strict=False)), studio, artifact, after)
    restore(artifact)
    assert after.objections() == [], "a retry works"


def test_a_dozen_operations_fail(studio, zoo_alone) -> None:
    log, after = count_operations(studio, zoo_alone)
    inject(spread(log.places(), 12), studio, zoo_alone, after)


@pytest.mark.battery
def test_every_operation_fails(studio, zoo_alone) -> None:
    log, after = count_operations(studio, zoo_alone)
    inject(log.places(), studio, zoo_alone, after)


@pytest.mark.battery
@pytest.mark.parametrize("fault", (*FAULTS, full_disk))
def test_every_operation_of_the_safety_backup_beside_the_reading_fails(
    studio, zoo_alone, fault
) -> None:
    log, after = count_operations(studio, zoo_alone)
    turns = [(place, fault) for place in log.of(AHEAD)]
    assert {"draft write", "draft read"} <= {place.what for place, _ in turns}
    fail_at_each(turns, studio, zoo_alone, after)


@pytest.mark.battery
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("leave", [False, True], ids=["all written", "equal tables left alone"])
def test_each_kind_of_operation_fails_while_the_whole_studio_comes_back(
    studio, settings, leave, fault
) -> None:
    settings.BACKUPS_LEAVE_EQUAL_TABLES = leave
    log, after = count_operations(studio, studio.complete)
    turns = [(place, fault) for place in few_of_each_kind(log)]
    fail_at_each(turns, studio, studio.complete, after)


@pytest.mark.battery
def test_each_kind_of_operation_fails_while_most_tables_are_left_alone(almost_as_then) -> None:
    log, after = count_operations(almost_as_then, almost_as_then.complete)
    assert after.left_alone > 40
    inject(few_of_each_kind(log), almost_as_then, almost_as_then.complete, after)


def test_whoever_is_interrupted_behind_the_asking_leaves_no_run_that_waits(
    studio, zoo_alone
) -> None:
    log, after = count_operations(studio, zoo_alone)
    noting = [place for place in log.main if '"backups_auditeve' in place.what]
    assert len(noting) > 2
    turns = [(place, interrupt) for place in noting]
    fail_at_each(turns, studio, zoo_alone, after)


def test_it_fails_around_the_files_and_the_commit(studio) -> None:
    log, after = count_operations(studio, studio.complete)
    assert studio.files_today.items() < after.files.items()
    receipt = log.main.index(next(place for place in log.main if RECEIPT in place.what))
    # Each of the waiting tables is made, filled and committed in one way to the server.
    before = [place for place in log.main[:receipt] if place.what.startswith(WAITING)]
    final = commits(log.main[receipt:])
    assert len(before) > 2 and final
    around = [before[0], before[-1], *final]
    # What a storage raises is tried again, what comes from outside is not.
    fail_at_each([(SECOND_FILE, interrupt)], studio, studio.complete, after)
    places = [*around, *map(log.following, around), log.main[-1]]
    inject(places, studio, studio.complete, after)


@pytest.mark.battery
def test_it_fails_around_each_commit(studio) -> None:
    log, after = count_operations(studio, studio.complete)
    around = [place for place in log.main if place.what == "COMMIT" or WAITING in place.what]
    inject([*around, *map(log.following, around)], studio, studio.complete, after)


def commits(places: Sequence[Place]) -> list[Place]:
    return [place for place in places if place.what == "COMMIT"]


# Each guard, taken away: the tests above must see it.


def test_a_failure_that_is_committed_all_the_same_is_seen(studio, zoo_alone, monkeypatch) -> None:
    log, after = count_operations(studio, zoo_alone)

    @contextlib.contextmanager
    def careless(connection):
        connection.autocommit = False
        try:
            yield RestoreTransaction(connection)
        finally:
            connection.commit()

    monkeypatch.setattr(applying, "restore_transaction", careless)
    emptied = log.following(log.last("TRUNCATE"))
    assert fail_at(emptied, raise_error, studio, zoo_alone, after)


@pytest.mark.battery
def test_a_safety_backup_that_nobody_ends_is_seen(studio, zoo_alone, monkeypatch) -> None:
    log, after = count_operations(studio, zoo_alone)
    wanted, left = threading.Event(), list[Ahead]()
    monkeypatch.setattr(Ahead, "_note_and_stream", lambda *_: wanted.wait(60))
    monkeypatch.setattr(Ahead, "__exit__", lambda ahead, *_: left.append(ahead))
    reading = next(place for place in log.main if place.what.startswith(WAITING))
    wrong = fail_at(reading, raise_error, studio, zoo_alone, after) or []
    wanted.set()
    for ahead in left:
        ahead.give_up()
    assert f"thread: {AHEAD}" in wrong, wrong
    assert any(found.startswith("left over") for found in wrong), wrong
    assert any("backups snapshot" in found for found in wrong), wrong


@pytest.mark.battery
def test_files_that_are_not_taken_away_again_are_seen(studio, monkeypatch) -> None:
    _, after = count_operations(studio, studio.complete)
    monkeypatch.setattr(applying, "undo_journal", lambda run_id: 0)
    wrong = fail_at(SECOND_FILE, interrupt, studio, studio.complete, after)
    assert wrong and "the files are not as they were" in wrong
