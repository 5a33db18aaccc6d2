"""The live database's schema in another database, as pg_dump, pg_restore and psql carry it over.

What is there counts, not what migrations would make today. Its tables come first, then the rows that
others lean on, then keys, indexes, rules and triggers, so that these have nothing to say to the rows.

Objects are made one by one and what cannot be made is told, as an account that is no superuser's may not
make everything again that an administrator once made for it.
"""

import re
import subprocess
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psycopg2
from psycopg2 import sql

from backups import conf
from backups.database.connection import Connection, connected
from backups.findings import Finding
from restore.database import catalogue
from restore.database.bystanders import bystanders, copy_rows
from restore.database.programs import Programs, address_of, environment_of, options_of
from restore.database.schema_troubles import (
    Trouble,
    left_out,
    not_read,
    program_failed,
    troubles_of,
    unmade,
)

PRE_DATA, POST_DATA = "pre-data", "post-data"
_ALIKE = (
    "--no-owner",
    "--no-privileges",
    "--no-publications",
    "--no-subscriptions",
    "--no-security-labels",
    "--no-tablespaces",
)
# Never carried over. A user mapping would let foreign tables of the copy reach what they reach today;
# only an extension's owner may comment on it, and its comment is its own.
_LEFT_ASIDE = re.compile(
    r"\d+; \d+ \d+ (USER MAPPING|COMMENT - EXTENSION|SUBSCRIPTION|PUBLICATION)"
)
_ALREADY_THERE = "42P06"  # a schema; every new database has "public"
_NO_SUCH_TABLE = "42P01"
_BROKEN_REFERENCE = "23503"
# Objects whose absence would let a test restore of their table prove less than it says.
_VITAL = (
    "TABLE",
    "DEFAULT",
    "CONSTRAINT",
    "CHECK CONSTRAINT",
    "FK CONSTRAINT",
    "INDEX",
    "TABLE ATTACH",
)


class Watch(Protocol):
    """Is asked often whether to go on, and may cut off what runs; ``backups.services.progress`` is one."""

    def check(self) -> None: ...

    def interruptible(self, statement: Any) -> AbstractContextManager[None]: ...


@dataclass(frozen=True)
class Key:
    """A foreign key that waits for the rows of the file: its own table's rows are there already."""

    schema: str
    table: str
    name: str


@dataclass
class Carried:
    """What a test restore has to know of the schema that was made for it."""

    findings: list[Finding] = field(default_factory=list)
    waiting: list[Key] = field(default_factory=list)


def carry_over(
    programs: Programs,
    target: str,
    folder: Path,
    *,
    restored: set[str],
    ours: set[str],
    watch: Watch,
    source: str = "default",
) -> Carried:
    """Give the empty database of alias ``target`` the schema of ``source``'s.

    Args:
        folder: private and empty, for what is on its way.
        restored: names of the tables that a file may hold.
        ours: names of tables whose rows nobody needs.

    Raises RestoreError: ``rehearsal.schema_unread``, ``rehearsal.schema_unmade``,
    ``rehearsal.extension``.
    """
    work = _Carrying(programs, source, target, folder, restored, watch)
    with (
        connected(source, purpose="rehearsal") as live,
        connected(target, purpose="rehearsal") as new,
    ):
        live.autocommit = new.autocommit = True
        work.read(_unreadable(live))
        _drop_public_where_it_is_not(live, new)
        work.make(PRE_DATA)
        with watch.interruptible(live), watch.interruptible(new):
            for table in bystanders(live, restored, ours):
                try:
                    copy_rows(live, new, table, watch.check)
                except psycopg2.Error as error:
                    work.miss(Trouble("rows of", table.name, table.schema, error.pgcode or ""))
        work.make(POST_DATA)
        work.put_off(catalogue.foreign_keys(live), new)
    return work.carried()


class _Carrying:
    def __init__(
        self,
        programs: Programs,
        source: str,
        target: str,
        folder: Path,
        restored: set[str],
        watch: Watch,
    ) -> None:
        self._programs = programs
        self._source, self._target = source, target
        self._archive, self._list = folder / "schema", folder / "list"
        self._restored = restored
        self._watch = watch
        self._troubles: list[Trouble] = []
        self._waiting: list[Key] = []
        self._unreadable: list[str] = []

    def read(self, unreadable: list[tuple[str, str]]) -> None:
        """Put the schema into the folder, and list what of it is to be made."""
        self._unreadable = [f"{schema}.{name}" for schema, name in unreadable]
        role = options_of(self._source).get("assume_role")
        self._run(
            "pg_dump",
            "--schema-only",
            "--format=custom",
            *_ALIKE,
            f"--lock-wait-timeout={int(conf.lock_wait_seconds() * 1000)}",
            *(f"--exclude-table={_pattern(schema, name)}" for schema, name in unreadable),
            *([f"--role={role}"] if role else []),
            f"--file={self._archive}",
            "--no-password",
            f"--dbname={address_of(self._source)}",
            database=self._source,
        )
        entries = self._run("pg_restore", "--list", str(self._archive)).decode(errors="replace")
        wanted = [line for line in entries.splitlines() if not _LEFT_ASIDE.match(line)]
        self._list.write_text("\n".join(wanted) + "\n")

    def make(self, section: str) -> None:
        """Make what belongs before the rows or behind them."""
        statements = self._run(
            "pg_restore",
            f"--section={section}",
            f"--use-list={self._list}",
            *_ALIKE,
            "--file=-",
            str(self._archive),
        )
        script = self._preamble() + statements
        self._troubles += troubles_of(script, self._psql(script))

    def miss(self, trouble: Trouble) -> None:
        self._troubles.append(trouble)

    def put_off(self, keys: list[catalogue.ForeignKey], new: Connection) -> None:
        """Foreign keys whose rows are here and whose target's are not yet: they hold for what comes,
        and are asked for the rest when the file's rows are there."""
        broken = [
            t for t in self._troubles if (t.kind, t.state) == ("FK CONSTRAINT", _BROKEN_REFERENCE)
        ]
        for trouble in broken:
            key = next(
                (
                    k
                    for k in keys
                    if (k.source.schema, f"{k.source.name} {k.name}")
                    == (trouble.schema, trouble.name)
                ),
                None,
            )
            if key and _add_unasked(new, key):
                self._troubles.remove(trouble)
                self._waiting.append(Key(key.source.schema, key.source.name, key.name))

    def carried(self) -> Carried:
        """Raises RestoreError where a table of the file could not be made whole."""
        troubles = [t for t in self._troubles if (t.kind, t.state) != ("SCHEMA", _ALREADY_THERE)]
        troubles = [t for t in troubles if t.kind not in ("", "COMMENT")]
        vital = [t for t in troubles if t.kind in _VITAL and self._is_vital(t)]
        if vital:
            raise unmade(vital, [t.name for t in troubles if t.kind == "EXTENSION"])
        return Carried([*left_out(troubles), *not_read(self._unreadable)], self._waiting)

    def _is_vital(self, trouble: Trouble) -> bool:
        if trouble.state == _NO_SUCH_TABLE and trouble.kind != "TABLE":
            return False  # of a table that itself could not be made, or points at one
        return trouble.kind == "INDEX" or trouble.is_of(self._restored)

    def _preamble(self) -> bytes:
        """Nothing of this must survive a crash, and whatever the account is set to, this writes."""
        lines = ["SET synchronous_commit = off;", "SET default_transaction_read_only = off;"]
        if role := options_of(self._target).get("assume_role"):
            with connected(self._target, purpose="rehearsal") as connection:
                become = sql.SQL("SET ROLE {};").format(sql.Identifier(role))
                lines.append(become.as_string(connection))
        return "\n".join(lines).encode() + b"\n"

    def _psql(self, script: bytes) -> str:
        process = subprocess.Popen(
            [
                self._programs.path("psql"),
                *("--no-psqlrc", "--quiet", "--no-password", "--file=-"),
                *("--set=VERBOSITY=sqlstate", "--set=ON_ERROR_STOP=off"),
                f"--dbname={address_of(self._target)}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment_of(self._target),
        )
        _none, said = self._to_its_end(process, script)
        if process.returncode:
            raise program_failed("rehearsal.schema_unmade", said)
        return said.decode(errors="replace")

    def _run(self, program: str, *arguments: str, database: str = "") -> bytes:
        process = subprocess.Popen(
            [self._programs.path(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment_of(database or self._source),
        )
        out, said = self._to_its_end(process, None)
        if process.returncode:
            raise program_failed("rehearsal.schema_unread", said)
        return out

    def _to_its_end(
        self, process: "subprocess.Popen[bytes]", given: bytes | None
    ) -> tuple[bytes, bytes]:
        try:
            with self._watch.interruptible(_Ended(process.kill)):
                out, said = process.communicate(given)
                # Killed by a cancelled run, it ends like any other that fails.
                self._watch.check()
        finally:
            process.kill()
            process.wait()
        return out, said


@dataclass(frozen=True)
class _Ended:
    """A program as something that can be cancelled."""

    cancel: Callable[[], None]


def _pattern(schema: str, name: str) -> str:
    """pg_dump's patterns take a quoted name as it is."""
    quoted = [part.replace('"', '""') for part in (schema, name)]
    return f'"{quoted[0]}"."{quoted[1]}"'


def _unreadable(live: Connection) -> list[tuple[str, str]]:
    """Tables that pg_dump would look at, and that this account may not."""
    with live.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'"
            " AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
            " AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))"
            " ORDER BY 1, 2"
        )
        return [(schema, name) for schema, name in cursor.fetchall()]


def _drop_public_where_it_is_not(live: Connection, new: Connection) -> None:
    with live.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('public') IS NULL")
        if not cursor.fetchone()[0]:  # type: ignore[index]
            return
    with new.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS public")


def _add_unasked(new: Connection, key: catalogue.ForeignKey) -> bool:
    definition = (
        key.definition if key.definition.endswith("NOT VALID") else f"{key.definition} NOT VALID"
    )
    try:
        with new.cursor() as cursor:
            cursor.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                    key.identifier, sql.Identifier(key.name), sql.SQL(definition)
                )
            )
    except psycopg2.Error:
        return False
    return True


def ask_waiting(connection: Connection, waiting: Iterable[Key]) -> None:
    """Validate the keys that waited for the file's rows. Raises psycopg2's error for a broken one."""
    for key in waiting:
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
                    sql.Identifier(key.schema, key.table), sql.Identifier(key.name)
                )
            )
