"""After a restore the application goes on as if nothing had been, and nothing leaves by mistake."""

import datetime
import os
import subprocess
import sys
from pathlib import Path

import django_rq
import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from psycopg2 import sql
from rq import suspension

from backups import jobs
from backups.database import introspection
from backups.jobs.worker import NO_END
from backups.models import BackupRun
from backups.registry import SAFE
from backups.services import auditing, creating, runs
from restore.database import aftermath
from restore.files import Journal
from restore.jobs import others_paused
from restore.models import OutgoingHold, RestoreRun
from restore.services.applying.writing import Writer
from restore.services.asking import outgoing
from tests.restore.rewriting import rewrite
from tests.roundtrip.disturbance import empty_everything
from tests.roundtrip.engine import back_up, restore, stored, writing

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def redis(studio):
    """The queue's server, without a pause or a hold."""
    found = django_rq.get_queue("backups").connection
    found.delete(suspension.WORKERS_SUSPENDED)
    yield found
    found.delete(suspension.WORKERS_SUSPENDED)


def one(query: str):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_each_step_is_done_and_stands_in_the_report(studio) -> None:
    with writing() as cursor:
        cursor.execute(
            "CREATE MATERIALIZED VIEW battery_view AS SELECT count(*) AS n FROM studio_comment"
        )
        cursor.execute("DELETE FROM studio_comment WHERE id = (SELECT min(id) FROM studio_comment)")
        cursor.execute("REFRESH MATERIALIZED VIEW battery_view")
    fewer = one("SELECT n FROM battery_view")
    Session.objects.create(session_key="x", session_data="x", expire_date=timezone.now())
    cache.set("key", "of yesterday")
    report = restore(studio.complete).report
    assert one("SELECT n FROM battery_view") == one("SELECT count(*) FROM studio_comment") > fewer
    assert report["aftermath"]["views_refreshed"] == ["battery_view"]
    assert (Session.objects.count(), report["sessions_ended"]) == (0, 1)
    assert cache.get("key") is None and report["aftermath"]["caches_cleared"] == ["default"]
    assert report["aftermath"]["tables_analysed"] > 100
    known = one("SELECT reltuples FROM pg_class WHERE relname = 'studio_project'")
    assert known == one("SELECT count(*) FROM studio_project")
    assert report["aftermath"]["problems"] == []


def numbers_in_use() -> list[str]:
    """The sequences whose next number a row has already."""
    taken = []
    for sequence in introspection.live_sequences(connection_of_ours()):
        if not sequence.table:
            continue
        with writing() as cursor:
            cursor.execute("SELECT nextval(%s)", [sequence.identifier.as_string(cursor.connection)])
            (number,) = cursor.fetchone()
            query = sql.SQL("SELECT FROM {} WHERE {} = %s")
            names = sql.Identifier(sequence.table), sql.Identifier(sequence.column)
            cursor.execute(query.format(*names), [number])
            taken += [sequence.name] if cursor.rowcount else []
    return taken


@pytest.fixture
def sound(studio) -> BackupRun:
    """A backup of a database whose sequences are ahead of their rows; then the tables are emptied."""
    studio.become("then")
    while numbers_in_use():
        pass
    made = back_up()
    with writing() as cursor:
        empty_everything(cursor)
    return made


def test_the_next_insert_works_for_every_table_with_a_sequence(sound) -> None:
    restore(stored(sound))
    assert numbers_in_use() == []
    with writing() as cursor:
        cursor.execute("INSERT INTO zoo_serial (note) VALUES ('next')")
        cursor.execute("INSERT INTO zoo_alwaysidentity (note) VALUES ('next')")
        cursor.execute("INSERT INTO zoo_descending (note) VALUES ('next')")


@pytest.mark.battery
def test_sequences_that_are_forgotten_are_seen(sound, monkeypatch) -> None:
    monkeypatch.setattr(Writer, "_set_sequences", lambda self: None)
    restore(stored(sound))
    assert numbers_in_use()


def connection_of_ours():
    connection.ensure_connection()
    return connection.connection


@pytest.mark.battery
def test_a_view_that_cannot_be_refreshed_undoes_nothing_and_is_named(studio, monkeypatch) -> None:
    monkeypatch.setattr(aftermath, "refresh_materialized_views", lambda _: ([], ["some_view"]))
    run = restore(studio.complete)
    assert run.state == "succeeded"
    assert "some_view" in " ".join(run.report["aftermath"]["problems"])


def restore_foreign(studio, folder: Path):
    path = rewrite(studio.complete, folder / "foreign.json", signed_with=b"k" * 32)
    return restore(path, accept_foreign=True)


def test_mail_is_held_after_a_foreign_file_until_an_owner_decides(
    studio, redis, tmp_path, settings
) -> None:
    settings.EMAIL_BACKEND = "restore.mail.HoldingEmailBackend"
    settings.BACKUPS_EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    restore(studio.complete)
    assert mail.send_mail("ours", "x", None, ["client@studio.example"]) == 1
    assert len(mail.outbox) == 1 and not outgoing.is_held()

    run = restore_foreign(studio, tmp_path)
    assert run.report["outgoing_held"]
    assert OutgoingHold.objects.get().restore_run == run.pk
    mail.send_mail("held", "the body", None, ["client@studio.example"], html_message="<b>x</b>")
    assert len(mail.outbox) == 1 and outgoing.held_messages() == 1
    call_command("restore_release", send=True)
    assert not outgoing.is_held() and outgoing.held_messages() == 0
    assert (mail.outbox[1].subject, mail.outbox[1].to) == ("held", ["client@studio.example"])
    assert mail.outbox[1].alternatives[0][0] == "<b>x</b>"  # type: ignore[union-attr]

    OutgoingHold.objects.create(restore_run=run.pk)
    mail.send_mail("held", "x", None, ["client@studio.example"])
    call_command("restore_release", discard=True)
    assert len(mail.outbox) == 2 and outgoing.held_messages() == 0


def test_other_jobs_pause_for_as_long_as_the_restore_lives(redis) -> None:
    with jobs.others_paused():
        for _ in range(50):
            if suspension.is_suspended(redis):
                break
        assert suspension.is_suspended(redis)
        assert 0 < redis.ttl(suspension.WORKERS_SUSPENDED) <= jobs.PAUSE_SECONDS
    assert not suspension.is_suspended(redis)


def test_a_hold_outlives_a_pause_and_our_own_worker_goes_on(studio, redis) -> None:
    with others_paused():
        OutgoingHold.objects.create(restore_run="x")
    assert redis.ttl(suspension.WORKERS_SUSPENDED) == NO_END
    run = creating.request(SAFE, auditing.COMMAND_LINE)
    jobs.enqueue_backup(run)
    work()
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert suspension.is_suspended(redis)


def test_a_hold_that_redis_forgot_is_put_back_until_it_is_released(studio, redis) -> None:
    OutgoingHold.objects.create(restore_run="x")
    redis.flushdb()
    jobs.clear_up()
    assert redis.ttl(suspension.WORKERS_SUSPENDED) == NO_END
    call_command("restore_release", discard=True)
    jobs.clear_up()
    assert not suspension.is_suspended(redis)


def work() -> None:
    """A worker of ours, until nothing is left to do."""
    subprocess.run(
        [sys.executable, "manage.py", "backup_worker", "--burst"],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        timeout=120,
        check=True,
    )


# How runs end that nobody ends


def test_a_run_whose_job_the_queue_lost_is_ended(studio, redis) -> None:
    run = creating.request(SAFE, auditing.COMMAND_LINE)
    jobs.enqueue_backup(run)
    jobs.clear_up()
    run.refresh_from_db()
    assert run.state == "queued"
    redis.flushdb()
    jobs.clear_up()
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "worker.job_lost")
    assert run.error_hint


def test_a_run_that_nobody_ever_began_does_not_wait_for_ever(studio, redis) -> None:
    run = creating.request(SAFE, auditing.COMMAND_LINE)
    jobs.clear_up()
    run.refresh_from_db()
    assert run.state == "queued"
    early = timezone.now() - datetime.timedelta(seconds=jobs.UNCLAIMED_SECONDS + 1)
    BackupRun.objects.filter(pk=run.pk).update(requested_at=early)
    with runs.prepared(run):
        jobs.clear_up()
        run.refresh_from_db()
        assert run.state == "queued"
    jobs.clear_up()
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "worker.job_lost")


def test_somebody_looks_within_two_minutes() -> None:
    assert jobs.UNCLAIMED_SECONDS + jobs.LOOK_SECONDS + 15 < 120


def test_a_restore_that_died_after_its_commit_has_succeeded(studio) -> None:
    run = restore(studio.complete)
    type(run).objects.filter(pk=run.pk).update(state="running", finished_at=None)
    jobs.clear_up()
    run.refresh_from_db()
    assert (run.state, run.error_code, bool(run.finished_at)) == ("succeeded", "", True)


def test_a_restore_that_died_before_it_takes_its_files_along(studio) -> None:
    run = RestoreRun.objects.create(state="running", source="x")
    stray = Path(django_settings.MEDIA_ROOT) / "stray.png"
    stray.write_bytes(b"x")
    journal = Journal(run.pk)
    journal.note("default", "stray.png")
    journal.close()
    jobs.clear_up()
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "worker.lost")
    assert not stray.exists()
    assert BackupRun.objects.count() == 0
