"""How far a backup is: of the whole of it, by the last one's size, and what it counts."""

import datetime

from django.utils import timezone

from backups.models import BackupRun, State
from backups.views.going import Count, Pace, counts_of_backup, elapsed, pace_of_whole

NOW = timezone.now()


def begun(**fields):
    at = NOW - datetime.timedelta(seconds=10)
    return BackupRun(state=State.RUNNING, started_at=at, **fields)


def test_the_whole_of_a_backup_is_measured_by_the_last_ones_size():
    run = begun(stage="fetching", bytes_done=250, rows_done=3, rows_total=3)
    whole = Pace(0.25, bytes_rate=25, seconds_left=30, of_whole=True)
    assert pace_of_whole(run, 1000, NOW) == whole


def test_without_a_last_one_its_rows_measure_it_while_they_are_read():
    run = begun(stage="rows", rows_done=50, rows_total=200)
    assert pace_of_whole(run, 0, NOW) == Pace(0.25, seconds_left=30, of_whole=True)
    run.stage = "locators"
    assert pace_of_whole(run, 0, NOW) == Pace(of_whole=True)


def test_while_it_is_read_back_nothing_is_foretold():
    run = begun(stage="reading back", bytes_done=1000)
    assert pace_of_whole(run, 1000, NOW) == Pace(bytes_rate=100, of_whole=True)


def test_it_never_says_that_all_is_done():
    assert pace_of_whole(begun(stage="rows", bytes_done=1001), 1000, NOW).percent == 99


def test_the_time_of_one_that_has_ended_stands_still():
    run = begun()
    assert elapsed(run, NOW) == datetime.timedelta(seconds=10)
    run.finished_at = NOW - datetime.timedelta(seconds=7)
    assert elapsed(run, NOW) == datetime.timedelta(seconds=3)


def test_a_total_that_was_passed_or_that_nobody_knows_is_not_shown():
    assert Count("Rows", 5, 5).has_total
    assert not Count("Rows", 6, 5).has_total
    assert not Count("Rows", 0, 0).has_total
    assert not Count("Read", None, 5).has_total


def test_files_are_counted_where_some_are_fetched():
    run = begun(files_done=7, files_failed=2, files_skipped=1)
    with_files = {c.words: c.done for c in counts_of_backup(run, files=True)}
    assert with_files["Files fetched"] == 7
    assert (with_files["Files failed"], with_files["Files skipped"]) == (2, 1)
    assert not any("Files" in count.words for count in counts_of_backup(run))
