"""Whatever fails, and wherever: a backup is whole and verified, or there is none."""

import contextlib
from collections.abc import Iterator, Sequence
from itertools import cycle

import pytest
from django.db import connection as django_connection

from backups.models import BackupRun
from backups.registry import COMPLETE
from backups.services import auditing, creating
from tests.battery.conftest import Studio
from tests.battery.injecting import (
    READING_BACK,
    Faults,
    Hanging,
    Log,
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
from tests.battery.test_faults_in_a_restore import Fault, few_of_each_kind, spread
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up

FAULTS: tuple[Fault, ...] = (full_disk, end_session, raise_error, interrupt)


def operations() -> Log:
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    with injecting(Faults()) as faults:
        creating.carry_out(run)
    return faults.log


def fail_at(at: Place, fault: Fault, studio: Studio) -> list[str] | None:
    """Back up with one fault. Returns all that is wrong then, None where the place was not reached."""
    faults = Faults(fault, at)
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    error: BaseException | None = None
    try:
        with injecting(faults), hanging_is_an_error():
            creating.carry_out(run)
    except BaseException as caught:
        error = caught
    django_connection.close()  # it may have been the one that was lost
    wrong = list(_objections(run, error, studio))
    if isinstance(error, Hanging):
        wrong.append("it waited for ever")
    if error and not faults.injected:
        wrong.append("it failed without a fault")
    if wrong:
        return [f"{fault.__name__} before {at}: {error!r}", *wrong]
    return [] if faults.injected else None


def _objections(run: BackupRun, error: BaseException | None, studio: Studio) -> Iterator[str]:
    yield from (f"thread: {name}" for name in threads())
    run.refresh_from_db()
    failed = run.state in ("failed", "cancelled") and run.error_code and run.error_hint
    if not (failed if error else run.state in ("succeeded", "incomplete")):
        yield f"the run is {run.state} {run.error_code}"
    if error and run.artifact:
        yield "a failed run has a file"
    yield from differences(studio.today, dump_data())
    if studio.files_today != stored_files():
        yield "the files are not as they were"
    yield from (f"left over: {name}" for name in leftovers())
    yield from (f"session: {found}" for found in sessions())
    yield from (f"unfinished: {found}" for found in unfinished_runs())


def inject(places: Sequence[Place], studio: Studio, faults: Sequence[Fault] = FAULTS) -> None:
    turns = zip(places, cycle(faults), strict=False)
    found = [fail_at(place, fault, studio) for place, fault in turns]
    tell(len(places), found.count(None), [wrong for each in found for wrong in each or ()])
    assert back_up().state in ("succeeded", "incomplete"), "a retry works"


def test_operations_here_and_there_fail(studio) -> None:
    inject(spread(operations().places(), 8), studio)


def test_the_disk_is_full_at_the_first_and_the_last_write(studio) -> None:
    writes = [place for place in operations().places() if place.what == "draft write"]
    inject([writes[0], writes[-1]], studio, [full_disk])


def test_the_first_and_the_last_reading_back_fail(studio) -> None:
    reads = [place for place in operations().places() if place.thread == READING_BACK]
    inject([reads[0], reads[-1]], studio, [raise_error])


def test_an_interrupt_behind_the_commit_is_too_late(studio) -> None:
    noting = [place for place in operations().main if '"backups_auditeve' in place.what]
    inject(noting[-1:], studio, [interrupt])
    assert BackupRun.objects.filter(state__in=("failed", "cancelled")).count() == 0


@pytest.mark.battery
def test_the_disk_is_full_at_each_write_of_the_draft(studio) -> None:
    writes = [place for place in operations().places() if place.what.startswith("draft")]
    inject(writes, studio, [full_disk])


@pytest.mark.battery
def test_every_operation_fails(studio) -> None:
    inject(operations().places(), studio)


@pytest.mark.battery
@pytest.mark.parametrize("fault", FAULTS)
def test_each_kind_of_operation_fails(studio, fault) -> None:
    inject(few_of_each_kind(operations()), studio, [fault])


def test_a_file_that_no_run_names_is_seen(studio, monkeypatch) -> None:
    log = operations()
    monkeypatch.setattr(
        creating, "_dropped_unless_written_down", lambda *_: contextlib.nullcontext()
    )
    wrong = fail_at(log.last("bookkeeping UPDATE"), full_disk, studio)
    assert wrong and any(found.startswith("left over") for found in wrong), wrong
