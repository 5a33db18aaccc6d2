"""The live database's schema in another database, as pg_dump, pg_restore and psql carry it over.

What is there counts, not what migrations would make today. Its tables come first, then the rows that
others lean on, then keys, indexes, rules and triggers, so that these have nothing to say to the rows.

Objects are made one by one and what cannot be made is told, as an account that is no superuser's may not
make everything again that an administrator once made for it.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psycopg2
from django.db import connections
from psycopg2 import extensions, sql

from backups import conf
from backups.database.connection import Connection, connected
from backups.errors import RestoreError
from backups.findings import Finding, Severity
from backups.wording import Sentence, _
from restore.database import catalogue
from restore.database.bystanders import bystanders, copy_rows
from restore.database.programs import Programs

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
_ENTRY = re.compile(rb"-- Name: (.*); Type: (.*); Schema: (.*); Owner: ")
_ERROR = re.compile(r"psql:<stdin>:(\d+): .*?\b([0-9A-Z]{5})\s*$")
_FINE = ("00", "01", "02")  # classes of notices and warnings
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
_NAMED_AT_MOST = 5


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


@dataclass(frozen=True)
class _Trouble:
    """What could not be made, by pg_dump's own words for it, and the SQLSTATE."""

    kind: str
    name: str
    schema: str
    state: str

    def is_of(self, tables: Iterable[str]) -> bool:
        return any(self.name == table or self.name.startswith(f"{table} ") for table in tables)


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
                    work.miss(_Trouble("rows of", table.name, table.schema, error.pgcode or ""))
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
        self._troubles: list[_Trouble] = []
        self._waiting: list[Key] = []
        self._unreadable: list[str] = []

    def read(self, unreadable: list[tuple[str, str]]) -> None:
        """Put the schema into the folder, and list what of it is to be made."""
        self._unreadable = [f"{schema}.{name}" for schema, name in unreadable]
        role = _options(self._source).get("assume_role")
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
            f"--dbname={_address(self._source)}",
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
        self._troubles += _troubles(script, self._psql(script))

    def miss(self, trouble: _Trouble) -> None:
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
                    if (k.schema, f"{k.table} {k.name}") == (trouble.schema, trouble.name)
                ),
                None,
            )
            if key and _add_unasked(new, key):
                self._troubles.remove(trouble)
                self._waiting.append(Key(key.schema, key.table, key.name))

    def carried(self) -> Carried:
        """Raises RestoreError where a table of the file could not be made whole."""
        troubles = [t for t in self._troubles if (t.kind, t.state) != ("SCHEMA", _ALREADY_THERE)]
        troubles = [t for t in troubles if t.kind not in ("", "COMMENT")]
        vital = [t for t in troubles if t.kind in _VITAL and self._is_vital(t)]
        if vital:
            raise _unmade(vital, [t.name for t in troubles if t.kind == "EXTENSION"])
        return Carried([*_left_out(troubles), *_not_read(self._unreadable)], self._waiting)

    def _is_vital(self, trouble: _Trouble) -> bool:
        if trouble.state == _NO_SUCH_TABLE and trouble.kind != "TABLE":
            return False  # of a table that itself could not be made, or points at one
        return trouble.kind == "INDEX" or trouble.is_of(self._restored)

    def _preamble(self) -> bytes:
        """Nothing of this must survive a crash, and whatever the account is set to, this writes."""
        role = _options(self._target).get("assume_role")
        settings = [
            "SET synchronous_commit = off;",
            "SET default_transaction_read_only = off;",
            *([sql.SQL("SET ROLE {};").format(sql.Identifier(role))] if role else []),
        ]
        with connected(self._target, purpose="rehearsal") as connection:
            parts = [s if isinstance(s, str) else s.as_string(connection) for s in settings]
        return "\n".join(parts).encode() + b"\n"

    def _psql(self, script: bytes) -> str:
        process = subprocess.Popen(
            [
                self._programs.path("psql"),
                *("--no-psqlrc", "--quiet", "--no-password", "--file=-"),
                *("--set=VERBOSITY=sqlstate", "--set=ON_ERROR_STOP=off"),
                f"--dbname={_address(self._target)}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(self._target),
        )
        _none, said = self._to_its_end(process, script)
        if process.returncode:
            raise _failed("rehearsal.schema_unmade", said)
        return said.decode(errors="replace")

    def _run(self, program: str, *arguments: str, database: str = "") -> bytes:
        process = subprocess.Popen(
            [self._programs.path(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(database or self._source),
        )
        out, said = self._to_its_end(process, None)
        if process.returncode:
            raise _failed("rehearsal.schema_unread", said)
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


def _options(alias: str) -> dict[str, Any]:
    return connections[alias].settings_dict.get("OPTIONS") or {}


def _parameters(alias: str) -> dict[str, Any]:
    parameters = dict(connections[alias].get_connection_params())
    for name in ("cursor_factory", "assume_role", "isolation_level", "server_side_binding", "pool"):
        parameters.pop(name, None)
    return parameters


def _address(alias: str) -> str:
    """What may be seen in a list of processes: everything but the password."""
    shown = {
        k: v for k, v in _parameters(alias).items() if k not in ("password", "client_encoding")
    }
    return str(extensions.make_dsn(**shown))


def _environment(alias: str) -> dict[str, str]:
    """Of a program's environment nobody sees anything but its own account."""
    environment = os.environ | {"PGAPPNAME": "backups rehearsal", "PGCLIENTENCODING": "UTF8"}
    if password := _parameters(alias).get("password"):
        environment["PGPASSWORD"] = str(password)
    return environment


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


def _troubles(script: bytes, said: str) -> list[_Trouble]:
    """What psql objected to, by the entry of the dump that its line stands under."""
    heads = list(_heads(script))
    found = []
    for line in said.splitlines():
        error = _ERROR.match(line)
        if error and not error[2].startswith(_FINE):
            at = int(error[1])
            head = next((h for number, h in reversed(heads) if number <= at), ("", "", ""))
            found.append(_Trouble(*head, error[2]))
    return found


def _heads(script: bytes) -> Iterable[tuple[int, tuple[str, str, str]]]:
    for number, line in enumerate(script.split(b"\n"), start=1):
        if entry := _ENTRY.match(line):
            name, kind, schema = (part.decode(errors="replace") for part in entry.groups())
            yield number, (kind, name, schema)


def _failed(code: str, said: bytes) -> RestoreError:
    # Its own words may hold an address or a path: they go where the programs' words go, not into ours.
    os.write(2, said[-4096:])
    if code == "rehearsal.schema_unmade":
        return RestoreError(
            code,
            _("The schema could not be made in the throwaway database."),
            hint=_("What psql said stands in the output of the worker or of the command."),
        )
    return RestoreError(
        code,
        _("pg_dump could not read the live schema."),
        hint=_(
            "What it said stands in the output of the worker or of the command. Often a migration holds"
            " a table, or a pooler such as PgBouncer stands between: connect to PostgreSQL itself."
        ),
    )


def _unmade(vital: list[_Trouble], extensions_missing: list[str]) -> RestoreError:
    if extensions_missing:
        return RestoreError(
            "rehearsal.extension",
            _(
                "The account may not make the extension {names}, which tables of the backup need.",
                names=", ".join(extensions_missing),
            ),
            hint=_(
                "Let an administrator mark it as trusted, or run the test restore with an account that may"
                " make it."
            ),
        )
    return RestoreError(
        "rehearsal.schema_unmade",
        _("Parts of the live schema could not be made again: {names}.", names=_named(vital)),
        hint=_(
            "Look up the SQLSTATE in PostgreSQL's manual; pg_dump and psql by hand show the same."
        ),
    )


def _left_out(troubles: list[_Trouble]) -> list[Finding]:
    if not troubles:
        return []
    return [
        Finding(
            "rehearsal.left_out",
            Severity.WARNING,
            _(
                "Parts of the live schema could not be made again and were not tried: {names}.",
                names=_named(troubles),
            ),
            _("What only a superuser may make is missing from a test restore. The rest was tried."),
            count=len(troubles),
        )
    ]


def _not_read(tables: list[str]) -> list[Finding]:
    if not tables:
        return []
    return [
        Finding(
            "rehearsal.unreadable",
            Severity.WARNING,
            _("Tables that the account may not read were left out: {names}.", names=_some(tables)),
            _("Let the account read them, if rules or keys of your tables need them."),
            count=len(tables),
        )
    ]


def _named(troubles: list[_Trouble]) -> Sentence:
    return _some([f"{t.kind.lower()} {t.name} ({t.state})" for t in troubles])


def _some(names: list[str]) -> Sentence:
    shown = ", ".join(names[:_NAMED_AT_MOST])
    rest = len(names) - _NAMED_AT_MOST
    return _("{names} and {rest} more", names=shown, rest=rest) if rest > 0 else Sentence(shown)
