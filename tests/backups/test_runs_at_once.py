"""A worker and its progress write to one row at once, whatever isolation the project's connections have."""

from collections.abc import Iterator
from contextlib import closing
from threading import Thread, current_thread
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection, transaction

from backups import models
from backups.database.connection import parameters_of
from backups.models import BackupRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["REPEATABLE READ", "SERIALIZABLE"])
def run(request: Any) -> Iterator[BackupRun]:
    made = BackupRun.objects.create(scope="safe")
    with connection.cursor() as cursor:
        level = request.param
        cursor.execute(f"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {level}")
    yield made
    connection.close()


def while_another_writes(run: BackupRun, work: Any) -> None:
    """``work`` waits for a row that another session has changed, and which is committed then."""

    def commit_when_waited_for() -> None:
        with other.cursor() as cursor:
            waiting = 0
            while not waiting and me.is_alive():
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                (waiting,) = cursor.fetchone()
        other.commit()

    me = current_thread()
    with closing(psycopg2.connect(**parameters_of("default"))) as other:
        with other.cursor() as cursor:
            cursor.execute("UPDATE backups_backuprun SET rows_done = 7 WHERE id = %s", [run.pk])
        committing = Thread(target=commit_when_waited_for, daemon=True)
        committing.start()
        try:
            work()
        finally:
            committing.join()


def test_both_are_written(run: BackupRun) -> None:
    run.section = "saved"
    while_another_writes(run, lambda: run.save(update_fields=["section"]))
    rows = BackupRun.objects.filter(pk=run.pk)
    while_another_writes(run, lambda: rows.update(stage="updated"))
    run.refresh_from_db()
    assert (run.section, run.stage, run.rows_done) == ("saved", "updated", 7)


def test_of_a_single_attempt_one_would_be_refused(run: BackupRun, monkeypatch: Any) -> None:
    def within() -> None:
        with transaction.atomic():
            run.refresh_from_db()
            run.save()

    with pytest.raises(
        OperationalError
    ):  # a transaction of somebody else's is theirs to begin anew
        while_another_writes(run, within)
    monkeypatch.setattr(models, "_ATTEMPTS", 1)
    with pytest.raises(OperationalError):
        while_another_writes(run, lambda: run.save(update_fields=["section"]))
