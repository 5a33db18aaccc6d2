"""What looks at rows without backing them up: a plan, the sweep of files. Neither takes a table that is
rewritten just then for an empty one."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from backups.database import holding, introspection, standing
from backups.database.connection import connect, connected
from backups.errors import BusyError
from backups.stages import Stage
from backupsvc.studio.models import Asset
from restore.database.transaction import restore_transaction
from restore.plan import Choices
from restore.services.applying import superseded
from restore.services.planning.counting import plan_file
from tests.battery.test_ddl_of_others import every_table
from tests.battery.test_undo import expire
from tests.faults.workers import wait_until
from tests.roundtrip.engine import restore

NEW = "studio/in-use.png"
REWRITE = "ALTER TABLE studio_asset ALTER COLUMN url TYPE text USING url || ''"


@contextmanager
def rewritten_while_somebody_waits() -> Iterator[None]:
    """Another session rewrites a table, and commits when somebody waits for it."""
    with closing(connect(purpose="migration")) as other:
        with other.cursor() as cursor:
            cursor.execute(REWRITE)

        def commit() -> None:
            try:
                wait_until(somebody_waits, seconds=60)
            finally:
                other.commit()

        later = threading.Thread(target=commit)
        later.start()
        try:
            yield
        finally:
            later.join()


def somebody_waits() -> bool:
    with connected(purpose="look") as link, link.cursor() as cursor:
        cursor.execute("SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
        return bool(cursor.rowcount)


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "take", lambda *_, **__: None)
    monkeypatch.setattr(holding, "taken", every_table)
    monkeypatch.setattr(standing, "has_moved", lambda *_: False)


class AtCounting:
    """Told of a plan's stages; lets others begin when the file has been read."""

    def __init__(self, others: ExitStack) -> None:
        self._others = others

    def check(self) -> None: ...

    def at(self, bytes_done: int) -> None: ...

    def stage(self, stage: Stage, **values) -> None:
        if stage == Stage.COUNTING:
            self._others.enter_context(rewritten_while_somebody_waits())


def counted(studio) -> int:
    with ExitStack() as others:
        plan = plan_file(studio.complete, Choices(), watch=AtCounting(others))
    return next(table.now for table in plan.tables if table.table == "studio_asset")


def test_a_plan_counts_the_rows_of_a_table_that_is_rewritten_just_then(studio) -> None:
    assert counted(studio) == Asset.objects.count() > 0


def test_without_locks_it_would_count_none(studio, without_locks) -> None:
    assert counted(studio) == 0


@pytest.fixture
def expired(studio) -> None:
    """A file that only an undo needed, whose day has passed, and that a row has come to point to."""
    default_storage.save(NEW, ContentFile(b"new"))
    Asset.objects.filter(pk=Asset.objects.first().pk).update(url=NEW, type="IMAGE")
    run = restore(studio.complete)
    Asset.objects.filter(pk=Asset.objects.first().pk).update(url=NEW, type="IMAGE")
    expire(run)


def exists() -> bool:
    return (Path(settings.MEDIA_ROOT) / NEW).exists()


def test_no_file_is_swept_whose_row_is_being_rewritten(expired) -> None:
    with rewritten_while_somebody_waits():
        assert superseded.sweep() == 0
    assert exists()


def test_without_locks_it_would_be(expired, without_locks) -> None:
    with rewritten_while_somebody_waits():
        assert superseded.sweep() == 1
    assert not exists()


def test_a_restore_that_cannot_begin_says_who_is_in_the_way(studio) -> None:
    with closing(connect(purpose="night work")) as other, other.cursor() as cursor:
        cursor.execute("SELECT FROM studio_asset FOR UPDATE")
        with connected(purpose="test") as link:
            tables = introspection.live_tables(link)
            link.rollback()
            with pytest.raises(BusyError) as refused, restore_transaction(link) as work:
                work.hold([tables["studio_asset"]], wait_seconds=0.1)
    assert refused.value.code == "restore.tables_busy"
    assert "backups night work" in refused.value.message
    assert "studio_asset" in refused.value.message
