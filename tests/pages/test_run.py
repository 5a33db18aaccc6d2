"""A run's page: while it works, and what came of it."""

import pytest
from django.utils import timezone

from backups.database import locks
from backups.database.connection import connected
from backups.models import AuditEvent, BackupRun, Purpose, State
from backups.services import auditing, keeping, vault
from tests.pages.conftest import PAGES, PASSWORD, RULES, statistics


def page_of(browser, run, path=""):
    return browser.get(f"{PAGES}runs/{run.pk}/{path}").content.decode()


@pytest.fixture
def running(db):
    """A run that somebody is at work on: its lock is held."""
    run = BackupRun.objects.create(
        scope="complete",
        state=State.RUNNING,
        started_at=timezone.now() - timezone.timedelta(seconds=30),
        stage="rows",
        section="users",
        sections_done=3,
        sections_total=82,
        rows_done=12_345,
        rows_total=50_000,
        bytes_done=4_000_000,
        files_done=7,
        files_failed=2,
        files_skipped=1,
    )
    with connected(purpose="test") as alive:
        assert locks.hold_run(alive, run.pk)
        yield run


def test_a_running_backup_shows_how_far_it_is(owner, running):
    page = page_of(owner, running, "live/")

    for shown in [
        "Reading the rows",
        "users",
        "12,345",
        "of about 50,000",
        "of 82",
        "25 %",
        "KB/s",
    ]:
        assert shown in page
    assert 'hx-trigger="every 1s"' in page


def test_time_left_is_judged_by_the_last_backup(owner, running, backup):
    backup("complete", plain_bytes=8_000_000)

    assert "about 30 s" in page_of(owner, running, "live/").replace("31 s", "30 s")


def test_the_browser_is_told_to_stop_asking_at_the_end(owner, backup):
    response = owner.get(f"{PAGES}runs/{backup().pk}/live/")

    assert response.headers["HX-Refresh"] == "true"


def test_a_run_whose_worker_died_is_shown_as_failed(owner, db):
    run = BackupRun.objects.create(scope="safe", state=State.RUNNING, started_at=timezone.now())

    page = page_of(owner, run)

    assert "died before the end" in page
    assert "worker.lost" in page


def test_cancelling_is_written_down_and_asked_of_the_work(owner, running):
    owner.post(f"{PAGES}runs/{running.pk}/cancel/")

    running.refresh_from_db()
    assert running.cancel_requested
    assert AuditEvent.objects.filter(action="backup.cancel", subject=running.pk).exists()
    assert "Cancelling." in page_of(owner, running)


def test_gaps_are_listed_with_their_reasons(owner, backup):
    gap = {"state": "gap", "name": "plan.pdf", "reason": "The server said 404.", "code": "file.404"}
    listed = [gap | {"used_by": ["assets.url"], "rows": 2}]
    run = backup(
        "complete",
        state=State.INCOMPLETE,
        statistics=statistics(gaps=1) | {"not_embedded": listed},
    )

    page = page_of(owner, run)

    for shown in ["1 file could not be fetched", "plan.pdf", "The server said 404.", "Fetch again"]:
        assert shown in page


def test_files_that_were_not_fetched_again_are_counted(owner, backup):
    counted = {"unchanged_files": {"files": 4, "bytes": 2_000_000}}
    run = backup("complete", statistics=statistics() | counted)

    assert "4 had not changed since an earlier backup" in page_of(owner, run)
    assert "had not changed" not in page_of(owner, backup("complete"))


def test_local_files_are_counted_as_on_the_dashboard(owner, backup):
    """Several names of one file are one file to whoever reads it."""
    run = backup("safe")
    run.statistics |= {"counted_files": {"places": 5, "local": 3, "in_rows": 0}}
    run.save()
    shown = " ".join(page_of(owner, run).split())
    assert "It does not hold the content of 3 local files." in shown
    assert "3 local files are in Complete Backups only" in owner.get(PAGES).content.decode()


def test_a_file_that_went_missing_is_said_to_be(owner, backup):
    run = backup()
    vault.delete(run.artifact)

    assert "not in its folder any more" in page_of(owner, run)


def test_verifying_again_finds_damage(owner, backup):
    run = backup()

    assert not keeping.verify_again(run, auditing.Actor("Olivia"))

    assert "cannot be relied on any more" in page_of(owner, run)
    assert AuditEvent.objects.get(action="backup.verify").outcome.startswith("artifact.")


def test_a_pinned_backup_is_not_deleted_until_released(owner, backup):
    run = backup()
    owner.post(f"{PAGES}runs/{run.pk}/pin/")

    owner.post(f"{PAGES}runs/{run.pk}/delete/")
    assert BackupRun.objects.filter(pk=run.pk).exists()

    owner.post(f"{PAGES}runs/{run.pk}/release/")
    owner.post(f"{PAGES}runs/{run.pk}/delete/")
    assert not BackupRun.objects.filter(pk=run.pk).exists()
    assert not (vault.folder() / run.artifact).exists()
    assert AuditEvent.objects.get(action="backup.delete").details["digest"] == run.digest


def test_the_way_back_of_a_restore_is_not_deleted_before_its_day(owner, backup):
    day = timezone.now() + timezone.timedelta(days=3)
    run = backup("complete", purpose=Purpose.SAFETY, keep_until=day, pinned=True)

    for step in ("release", "delete"):
        owner.post(f"{PAGES}runs/{run.pk}/{step}/")

    assert BackupRun.objects.filter(pk=run.pk).exists()
    assert "it is kept until" in page_of(owner, run, "delete/")


@pytest.mark.parametrize(
    "said",
    [
        "2 rows of studio_tag stand more than once by the unique index names.",
        "4 rows of studio_tag point by its_key to rows that are not there.",
        "1 row of studio_tag breaks the rule later.",
        "3 rows of studio_tag break the rule filled.",
        "The index half_built of studio_tag is not valid",
        "6 more rules are broken.",
        "Whether rows keep 7 of the rules could not be asked.",
    ],
)
def test_it_lists_the_rules_that_rows_break(owner, backup, said):
    run = backup("safe", statistics=statistics() | RULES)
    assert said in page_of(owner, run)


def test_of_a_backup_that_did_not_ask_no_rule_is_said_to_be_kept_or_broken(owner, backup):
    run = backup("safe")
    assert "Rows that break rules" not in page_of(owner, run)


@pytest.mark.parametrize("typed", [{}, {"password": ""}, {"password": "a guess"}])
def test_a_complete_backup_is_not_deleted_without_the_password(owner, backup, typed):
    run = backup("complete")
    assert "Your password, again" in page_of(owner, run, "delete/")

    owner.post(f"{PAGES}runs/{run.pk}/delete/", typed)

    assert BackupRun.objects.filter(pk=run.pk).exists()
    owner.post(f"{PAGES}runs/{run.pk}/delete/", {"password": PASSWORD})
    assert not BackupRun.objects.filter(pk=run.pk).exists()
    assert AuditEvent.objects.filter(action="password.again", subject=run.pk).last()


def test_an_empty_request_deletes_no_complete_backup(owner, backup):
    """``request.POST or None`` leaves a form unbound, which is valid for nobody."""
    run = backup("complete")
    page = f"{PAGES}runs/{run.pk}/delete/"
    answer = owner.post(page)
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert BackupRun.objects.filter(pk=run.pk).exists()
