"""Accounts of the file beside those of now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.artifact.native import INTEGERS
from backups.database.introspection import LiveTable
from restore.database import identities, questions
from restore.database.catalogue import ForeignKey
from restore.database.waiting_tables import WaitingTable, names, same


@dataclass(frozen=True)
class Columns:
    """Which columns mean what. ``active`` are the values an account must have to sign in; ``withheld`` are
    those that new accounts of a foreign file get instead of what it says, so that they may not sign in nor do
    anything; None where nobody said."""

    identity: identities.Identity
    email: str
    name: str
    password: str
    role: str
    active: tuple[tuple[str, str], ...]
    survives: tuple[str, ...]
    withheld: tuple[tuple[str, str | None], ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        return self.identity.key


@dataclass(frozen=True)
class FileAccount:
    """One account of the file, and what it is now; ``role_now`` is empty where it is not there now.

    Roles are as PostgreSQL prints them, so that a flag is a role too: ``true`` or ``false``.
    """

    key: tuple[str, ...]
    email: str
    name: str
    role: str
    active: bool
    has_password: bool
    role_now: str
    has_password_now: bool
    is_there: bool
    active_now: bool = False
    email_now: str = ""


@dataclass(frozen=True)
class LiveAccount:
    key: tuple[str, ...]
    email: str
    name: str
    role: str
    active: bool
    has_password: bool


def accounts_in_file(
    connection: Connection, waiting: WaitingTable, live: LiveTable, columns: Columns
) -> Iterator[FileAccount]:
    """Every account of the file, by e-mail."""
    states = [(f"active_{i}", value) for i, (_, value) in enumerate(columns.active)]
    now = identities.pairs(
        waiting,
        live.own_rows,
        columns.identity,
        [columns.role, columns.password, columns.email, *(name for name, _ in columns.active)],
    )
    # The pairs name the file's key first and the current columns behind it.
    paired = [f"k{i}" for i in range(len(columns.key))]
    has_password = columns.password in waiting.target.live_columns
    query = sql.SQL(
        "SELECT {key}, s.{email}, s.{name}, s.{role}::text, {active}, {password},"
        " coalesce(p.role_now::text, ''), {password_now}, p.{first} IS NOT NULL, {active_now},"
        " coalesce(p.email_now, '')"
        " FROM {waiting} AS s LEFT JOIN ({now}) AS p({paired}) ON {match}"
        ' ORDER BY s.{email} COLLATE "C"'
    ).format(
        key=_texts("s", columns.key),
        email=sql.Identifier(columns.email),
        name=sql.Identifier(columns.name),
        role=sql.Identifier(columns.role),
        active=questions.in_state("s", columns.active) if columns.active else sql.SQL("true"),
        password=_opens("s", columns.password) if has_password else sql.SQL("false"),
        password_now=_opens("p", "password_now"),
        active_now=questions.in_state("p", states) if states else sql.SQL("true"),
        first=sql.Identifier(paired[0]),
        waiting=waiting.relation,
        now=now,
        paired=names(
            [*paired, "role_now", "password_now", "email_now", *(name for name, _ in states)]
        ),
        match=sql.SQL(" AND ").join(
            sql.SQL("s.{} = p.{}").format(sql.Identifier(c), sql.Identifier(k))
            for c, k in zip(columns.key, paired, strict=True)
        ),
    )
    width = len(columns.key)
    for row in questions.rows_of(connection, query, name="accounts"):
        key, cells = row[:width], row[width:]
        email, name, role, active, has, role_now, has_now, there, active_now, email_now = cells
        yield FileAccount(
            tuple(str(part) for part in key),
            str(email or ""),
            str(name or ""),
            str(role or ""),
            bool(active),
            bool(has),
            str(role_now),
            bool(has_now),
            bool(there),
            bool(there and active_now),
            str(email_now),
        )


def accounts_that_go(
    connection: Connection, waiting: WaitingTable, live: LiveTable, columns: Columns
) -> Iterator[LiveAccount]:
    """The accounts of now that are not in the file, neither by key nor by e-mail."""
    query = sql.SQL(
        "SELECT {key}, t.{email}, t.{name}, t.{role}::text, {active}, {password} FROM {table} AS t"
        " WHERE NOT EXISTS (SELECT FROM {waiting} AS s WHERE {same})"
        " AND NOT EXISTS (SELECT FROM {waiting} AS s WHERE s.{email} = t.{email})"
        ' ORDER BY t.{email} COLLATE "C"'
    ).format(
        key=_texts("t", columns.key),
        email=sql.Identifier(columns.email),
        name=sql.Identifier(columns.name),
        role=sql.Identifier(columns.role),
        active=questions.in_state("t", columns.active) if columns.active else sql.SQL("true"),
        password=_opens("t", columns.password),
        table=live.own_rows,
        waiting=waiting.relation,
        same=same("s", "t", columns.key),
    )
    for row in questions.rows_of(connection, query, name="going"):
        yield _live_account(row, len(columns.key))


def _live_account(row: Sequence[Any], width: int) -> LiveAccount:
    mail, name, role, active, has_password = row[width:]
    return LiveAccount(
        tuple(str(part) for part in row[:width]),
        mail or "",
        name or "",
        role or "",
        bool(active),
        bool(has_password),
    )


def acting_now(
    connection: Connection, live: LiveTable, columns: Columns, email: str
) -> LiveAccount | None:
    """The live account with this e-mail address."""
    query = sql.SQL(
        "SELECT {key}, t.{email}, t.{name}, t.{role}::text, {active}, {password}"
        " FROM {table} AS t WHERE t.{email} = {wanted}"
    ).format(
        key=_texts("t", columns.key),
        email=sql.Identifier(columns.email),
        name=sql.Identifier(columns.name),
        role=sql.Identifier(columns.role),
        active=questions.in_state("t", columns.active) if columns.active else sql.SQL("true"),
        password=_opens("t", columns.password),
        table=live.own_rows,
        wanted=sql.Literal(email),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    if row is None:
        return None
    return _live_account(row, len(columns.key))


def acting_in_file(
    connection: Connection, waiting: WaitingTable, columns: Columns, now: LiveAccount
) -> list[tuple[str, ...]]:
    """Keys of the file's rows that are the account by key or by e-mail. A counted key alone is no proof: its
    name must agree too."""
    named = sql.SQL(" AND s.{} = {}").format(sql.Identifier(columns.name), sql.Literal(now.name))
    query = sql.SQL("SELECT {} FROM {} AS s WHERE ({}{}) OR s.{} = {}").format(
        _texts("s", columns.key),
        waiting.relation,
        key_is("s", columns.key, now.key),
        named if columns.identity.counted else sql.SQL(""),
        sql.Identifier(columns.email),
        sql.Literal(now.email),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [tuple(row) for row in cursor.fetchall()]


def number_beside(
    connection: Connection,
    waiting: WaitingTable,
    live: LiveTable,
    key_columns: Sequence[str],
    key: Sequence[str],
) -> tuple[str, ...]:
    """The number under which one live row can stand beside the file's: its own, or, where a row of the file
    has that, the next after all of them, but for numbers at the end of what the column can hold, behind which
    none would be left. For keys of one counted column."""
    taken = sql.SQL("SELECT count(*) FROM {} AS s WHERE {}").format(
        waiting.relation, key_is("s", key_columns, key)
    )
    if not questions.ask(connection, taken):
        return tuple(key)
    (column,) = map(sql.Identifier, key_columns)
    bits = INTEGERS.get(live.columns[key_columns[0]].type, 63)
    free = sql.SQL(
        "SELECT coalesce(pg_catalog.max(n.number), 0) + 1 FROM (SELECT {c}::numeric FROM {file}"
        " UNION ALL SELECT {c}::numeric FROM {live}) AS n(number) WHERE n.number < {most}"
    ).format(
        c=column,
        file=waiting.relation,
        live=live.own_rows,
        most=sql.Literal(2**bits - 2 ** (bits - 4)),
    )
    return (str(questions.ask(connection, free)),)


def add_to_waiting(
    connection: Connection,
    waiting: WaitingTable,
    live: LiveTable,
    key_columns: Sequence[str],
    key: Sequence[str],
    new_key: Sequence[str] = (),
) -> None:
    """Let one live row wait beside the file's, under ``new_key`` where there is one."""
    numbers = dict(zip(key_columns, new_key, strict=False))
    query = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} AS t WHERE {}").format(
        waiting.relation,
        names(waiting.columns),
        with_numbers("t", waiting.columns, numbers),
        live.own_rows,
        key_is("t", key_columns, key),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)


def with_numbers(alias: str, columns: Sequence[str], numbers: Mapping[str, str]) -> sql.Composable:
    """The columns of ``alias``, some of them with a number in their place."""
    return sql.SQL(", ").join(
        sql.SQL("{}::bigint").format(sql.Literal(numbers[c]))
        if c in numbers
        else sql.Identifier(alias, c)
        for c in columns
    )


def leads_nowhere(
    connection: Connection,
    waiting: WaitingTable,
    foreign: ForeignKey,
    target: WaitingTable,
    key_columns: Sequence[str],
    key: Sequence[str],
) -> bool:
    """Whether a reference of one waiting row has no target among the waiting rows."""
    query = sql.SQL("SELECT count(*) FROM {} AS s WHERE {} AND {} AND NOT {}").format(
        waiting.relation,
        key_is("s", key_columns, key),
        questions.filled("s", foreign.columns),
        foreign.leads_to("s", target.relation),
    )
    return questions.ask(connection, query) > 0


def key_is(alias: str, columns: Sequence[str], key: Sequence[str]) -> sql.Composed:
    """``alias``'s primary key, part by part as text, is ``key``."""
    return sql.SQL(" AND ").join(
        sql.SQL("{}::text = {}").format(sql.Identifier(alias, c), sql.Literal(part))
        for c, part in zip(columns, key, strict=True)
    )


def _opens(alias: str, column: str) -> sql.Composed:
    """Whether the password is one that can be typed: Django lets the others begin with ``!``."""
    return sql.SQL("coalesce(left({}::text, 1), '') NOT IN ('', '!')").format(
        sql.Identifier(alias, column)
    )


def _texts(alias: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(alias, c)) for c in columns)
