"""What other people's migrations and maintenance do to tables, at a stage of a run that a test names.

Each kind gets a table of its own, so that one run meets all kinds at once. Who has to wait for the run's
locks waits in a thread; a test goes on when everybody has ended or waits.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import psycopg2
import pytest
from psycopg2 import sql

from backups.database.connection import connect, connected
from backups.models import BackupRun
from backups.registry import registry
from backups.services.progress import Progress
from backups.stages import Stage
from tests.databases import superuser
from tests.faults.workers import wait_until

# {t}: the table; {c}: a text column of it, no part of a key; {k}: the index of its primary key.
REWRITES = {
    "ALTER TYPE": "ALTER TABLE {t} ALTER COLUMN {c} TYPE varchar USING {c} || ''",
    "ADD COLUMN, volatile": "ALTER TABLE {t} ADD COLUMN x_ uuid DEFAULT gen_random_uuid();"
    " ALTER TABLE {t} DROP COLUMN x_",
    "TRUNCATE": "TRUNCATE {t}",
    "TRUNCATE and fill": "CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM {t};"
    " TRUNCATE {t}; INSERT INTO {t} SELECT * FROM kept",
    "CLUSTER": "CLUSTER {t} USING {k}",
    "VACUUM FULL": "VACUUM FULL {t}",
    "SET UNLOGGED": "ALTER TABLE {t} SET UNLOGGED",
    "SET TABLESPACE": "ALTER TABLE {t} SET TABLESPACE elsewhere_",
    "SET TABLESPACE and back": "ALTER TABLE {t} SET TABLESPACE elsewhere_;"
    " ALTER TABLE {t} SET TABLESPACE pg_default",
    "REINDEX": "REINDEX TABLE {t}",
    "REINDEX CONCURRENTLY": "REINDEX TABLE CONCURRENTLY {t}",
    "CREATE INDEX": "CREATE INDEX ON {t} ({c})",
    "another of its name": "CREATE TABLE other_ (LIKE {t} INCLUDING ALL);"
    " INSERT INTO other_ SELECT * FROM {t}; DROP TABLE {t}; ALTER TABLE other_ RENAME TO {t}",
    "away and back": "ALTER TABLE {t} RENAME TO gone_; CREATE TABLE {t} (LIKE gone_ INCLUDING ALL);"
    " INSERT INTO {t} SELECT * FROM gone_; DROP TABLE gone_",
    "fillfactor, VACUUM FULL": "ALTER TABLE {t} SET (fillfactor = 50); VACUUM FULL {t}",
    "REFRESH MATERIALIZED VIEW": "REFRESH MATERIALIZED VIEW seen_",
    "REFRESH CONCURRENTLY": "REFRESH MATERIALIZED VIEW CONCURRENTLY seen_at_once_",
}
# What must be there before.
_PREPARED = {
    "REFRESH MATERIALIZED VIEW": "CREATE MATERIALIZED VIEW seen_ AS SELECT * FROM {t}",
    "REFRESH CONCURRENTLY": "CREATE MATERIALIZED VIEW seen_at_once_ AS"
    " SELECT ctid::text AS place, {c} FROM {t}; CREATE UNIQUE INDEX ON seen_at_once_ (place)",
}
# These must not stand in a transaction with others.
_ALONE = ("VACUUM", "REINDEX TABLE CONCURRENTLY")

_CANDIDATES = """
SELECT c.relname, min(a.attname), min(x.relname)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  AND a.atttypid = 'text'::regtype
JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
JOIN pg_class x ON x.oid = i.indexrelid
WHERE c.relkind = 'r' AND c.relname = ANY (%s) AND c.relname ~ '^[a-z0-9_]+$'
  AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f')
  AND NOT EXISTS (SELECT FROM pg_index o WHERE o.indrelid = c.oid AND a.attnum = ANY (o.indkey))
  AND NOT EXISTS (SELECT FROM pg_inherits h WHERE c.oid IN (h.inhrelid, h.inhparent))
  AND c.relname NOT LIKE ALL (ARRAY['backups%%', 'restore%%'])
GROUP BY c.relname ORDER BY c.relname
"""


@dataclass
class Rewriting:
    """One kind on one table; ``error`` is what became of it otherwise."""

    kind: str
    table: str
    column: str
    index: str
    error: str = ""
    pid: int = 0
    done: bool = False

    def run(self) -> None:
        try:
            with contextlib.closing(connect(purpose="migration")) as link:
                self.pid = link.info.backend_pid
                self._execute(link)
        except psycopg2.Error as error:
            self.error = str(error).splitlines()[0]
        finally:
            self.done = True

    def _execute(self, link) -> None:
        steps = [step.strip() for step in REWRITES[self.kind].split(";")]
        link.autocommit = any(step.startswith(_ALONE) for step in steps)
        with link.cursor() as cursor:
            for step in steps:
                cursor.execute(self.filled_in(step))
        if not link.autocommit:
            link.commit()

    def filled_in(self, statement: str) -> sql.Composed:
        """With the names of its table."""
        return sql.SQL(statement).format(
            t=sql.Identifier(self.table),
            c=sql.Identifier(self.column),
            k=sql.Identifier(self.index),
        )


@contextlib.contextmanager
def others_at(stage: str, works: list[Rewriting]) -> Iterator[None]:
    """All of ``works`` begin when a run comes to ``stage``, such as ``restore loading``; they have
    ended when the block has."""
    threads: list[threading.Thread] = []
    begin = Progress.stage

    def and_others(self, name: Stage, **values) -> None:
        begin(self, name, **values)
        which = "backup" if self._model is BackupRun else "restore"
        if f"{which} {name}" == stage and not threads:
            threads.extend(threading.Thread(target=work.run, daemon=True) for work in works)
            for thread in threads:
                thread.start()
            wait_until(lambda: all(_ended_or_waiting(works)), seconds=60)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Progress, "stage", and_others)
        try:
            yield
        finally:
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()
    assert threads, f"no run came to {stage!r}"


def _ended_or_waiting(works: list[Rewriting]) -> Iterable[bool]:
    with connected(purpose="test") as link, link.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_locks WHERE NOT granted")
        waiting = {pid for (pid,) in cursor.fetchall()}
    return [work.done or work.pid in waiting for work in works]


def make_the_tablespace() -> None:
    """Within the server's own folder; it stays, for it belongs to no database."""
    with contextlib.closing(superuser("postgres")) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_tablespace WHERE spcname = 'elsewhere_'")
            if not cursor.fetchone():
                cursor.execute("SET allow_in_place_tablespaces = on")
                cursor.execute("CREATE TABLESPACE elsewhere_ LOCATION ''")
                cursor.execute("GRANT CREATE ON TABLESPACE elsewhere_ TO public")


def on_tables(wanted: Callable[[str], bool]) -> list[Rewriting]:
    """Each kind on another table that has rows and that ``wanted`` takes, over and over until each
    kind has one."""
    with connected(purpose="test") as link, link.cursor() as cursor:
        cursor.execute(_CANDIDATES, [[s.table for s in registry.sections]])
        found = [row for row in cursor.fetchall() if wanted(row[0])]
        filled = [row for row in found if rows_in(cursor, row[0])]
    assert filled
    make_the_tablespace()
    works = [Rewriting(kind, *row) for kind, row in zip(REWRITES, filled, strict=False)]
    with contextlib.closing(connect(purpose="migration")) as link, link, link.cursor() as cursor:
        for work in works:
            if statements := _PREPARED.get(work.kind):
                cursor.execute(work.filled_in(statements))
    return works


def rows_in(cursor, table: str) -> int:
    cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
    return int(cursor.fetchone()[0])


def counted(works: list[Rewriting]) -> dict[str, int]:
    """How many rows each of their tables has now."""
    with connected(purpose="test") as link, link.cursor() as cursor:
        return {work.table: rows_in(cursor, work.table) for work in works}
