"""What a restore needs of the server beyond the rows: rights of the account, room for locks, nobody who
forbids that tables are altered. Asked beforehand, so that no restore ends in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveSequence, LiveTable
from restore.database.attempts import attempt
from restore.database.catalogue import PARTS, ForeignKey

# A tenth stays for everybody else.
_SHARE_OF_LOCKS = 0.9
# What an event trigger's function may say.
_ANY_REFUSAL = ("0", "1", "2", "3", "4", "5", "P", "X", "F")


@dataclass(frozen=True)
class Foreign:
    """A table or sequence that belongs to another role."""

    kind: str
    name: str
    owner: str


@dataclass(frozen=True)
class Locks:
    """``needed`` by one transaction, of ``room`` for all; ``setting`` is max_locks_per_transaction."""

    needed: int
    room: int
    setting: int

    @property
    def fit(self) -> bool:
        return self.fit_with(0)

    def fit_with(self, more: int) -> bool:
        """Whether so many more would fit too."""
        return self.needed + more <= self.room * _SHARE_OF_LOCKS

    @property
    def wanted_setting(self) -> int:
        """The setting with which they would fit."""
        return int(self.setting * self.needed / (self.room * _SHARE_OF_LOCKS)) + 1


# Members of the owning role may do what it may: https://www.postgresql.org/docs/current/role-membership.html
_OF_OTHERS = f"""{PARTS}
SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, c.relname, pg_get_userbyid(c.relowner)
FROM pg_class c
WHERE c.oid IN (SELECT oid FROM part UNION SELECT pg_catalog.unnest(%s::oid[]))
  AND NOT pg_has_role(c.relowner, 'USAGE')
ORDER BY 1, 2
"""

_NAMED = "SELECT format('%%I.%%I', s.schema, s.name)::regclass::oid FROM unnest(%s, %s) AS s(schema, name)"

# A lock on a table is one on its indexes and on what holds its long values, too.
_RELATIONS = f"""{PARTS}, held AS (
    SELECT oid FROM part
    UNION SELECT reltoastrelid FROM pg_class JOIN part USING (oid) WHERE reltoastrelid <> 0
)
SELECT (SELECT count(*) FROM held)
       + (SELECT count(*) FROM pg_index i JOIN held ON held.oid = i.indrelid),
       current_setting('max_locks_per_transaction')::int,
       current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int
"""

_EVENT_TRIGGERS = """
SELECT evtname FROM pg_event_trigger WHERE evtenabled IN ('O', 'A') AND evtevent <> 'login'
ORDER BY evtname
"""


def of_others(
    connection: Connection, tables: Iterable[LiveTable], keys: Iterable[ForeignKey]
) -> list[Foreign]:
    """The tables, partitions and referencing tables of other roles, which only these may alter."""
    oids = [table.oid for table in tables]
    referencing = _oids(connection, [(key.source.schema, key.source.name) for key in keys])
    return _of_others(connection, oids, referencing)


def sequences_of_others(connection: Connection, sequences: Iterable[LiveSequence]) -> list[Foreign]:
    """The sequences of other roles."""
    return _of_others(connection, [], _oids(connection, [(s.schema, s.name) for s in sequences]))


def _of_others(connection: Connection, tables: list[int], others: list[int]) -> list[Foreign]:
    with connection.cursor() as cursor:
        cursor.execute(_OF_OTHERS, [tables, others])
        return [Foreign(*row) for row in cursor.fetchall()]


def _oids(connection: Connection, names: Sequence[tuple[str, str]]) -> list[int]:
    if not names:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, [[schema for schema, _ in names], [name for _, name in names]])
        return [oid for (oid,) in cursor.fetchall()]


def locks_for(connection: Connection, tables: Iterable[LiveTable]) -> Locks:
    """How many locks a transaction takes that empties and fills these tables."""
    with connection.cursor() as cursor:
        cursor.execute(_RELATIONS, [[table.oid for table in tables]])
        needed, setting, sessions = cursor.fetchone()  # type: ignore[misc]
    return Locks(int(needed), int(setting) * int(sessions), int(setting))


def event_triggers(connection: Connection) -> list[str]:
    """The names of the event triggers that fire in an ordinary session."""
    with connection.cursor() as cursor:
        cursor.execute(_EVENT_TRIGGERS)
        return [name for (name,) in cursor.fetchall()]


def may_alter_tables(connection: Connection) -> bool:
    """Whether no event trigger forbids the statements of a restore, tried on a temporary table."""

    def try_all() -> None:
        with connection.cursor() as cursor:
            for statement in _AS_A_RESTORE_DOES:
                cursor.execute(sql.SQL(statement))

    return attempt(connection, try_all, _ANY_REFUSAL)


_AS_A_RESTORE_DOES = (
    "CREATE TEMPORARY TABLE altered_for_trial (id int, CONSTRAINT trial CHECK (id > 0))",
    "ALTER TABLE pg_temp.altered_for_trial DROP CONSTRAINT trial",
    "ALTER TABLE pg_temp.altered_for_trial ADD CONSTRAINT trial CHECK (id > 0)",
    "TRUNCATE pg_temp.altered_for_trial",
    "COMMENT ON TABLE pg_temp.altered_for_trial IS ''",
    "DROP TABLE pg_temp.altered_for_trial",
)


def may_make_temporary_tables(connection: Connection) -> bool:
    """Whether the account may: without them a file's rows cannot wait anywhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_database_privilege(current_database(), 'TEMPORARY')")
        return bool(cursor.fetchone()[0])  # type: ignore[index]
