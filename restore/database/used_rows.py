"""Whether the rows that file entries name are rows of the file."""

from collections.abc import Sequence

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.artifact.rows import copy_text
from restore.database.copying import copy_in
from restore.database.questions import ask
from restore.database.targets import Target
from restore.database.waiting_tables import WaitingTable

_BATCH = 5000


class UsedRows:
    """Lists keys, in temporary tables where they are many, and counts those that no waiting row has.
    ``waiting`` is by table."""

    def __init__(self, connection: Connection, waiting: dict[str, WaitingTable]) -> None:
        self._connection = connection
        self._waiting = waiting
        self._lists: dict[str, _List] = {}

    def add(self, target: Target, keys: Sequence[str | list[str]]) -> bool:
        """Whether all keys have the parts of the table's primary key; those that have are listed."""
        table = self._waiting.get(target.table.name)
        parts = len(target.reading.primary_key)
        given = [(key,) if isinstance(key, str) else tuple(key) for key in keys]
        right = [key for key in given if len(key) == parts and not any("\0" in p for p in key)]
        if table is not None:
            self._list_of(table).add(right)
        return len(right) == len(given)

    def absent(self) -> int:
        """How many of the listed keys no row of the file has. To be called once."""
        return sum(found.absent() for found in self._lists.values())

    def _list_of(self, table: WaitingTable) -> "_List":
        name = table.target.table.name
        if name not in self._lists:
            self._lists[name] = _List(self._connection, table, len(self._lists))
        return self._lists[name]


class _List:
    def __init__(self, connection: Connection, table: WaitingTable, number: int) -> None:
        self._connection = connection
        self._table = table
        self._relation = sql.Identifier("pg_temp", f"used_{number}")
        self._names = [f"key_{n}" for n in range(len(table.target.reading.primary_key))]
        self._pending: list[tuple[str, ...]] = []
        self._is_made = False

    def add(self, keys: Sequence[tuple[str, ...]]) -> None:
        self._pending += keys
        if len(self._pending) >= _BATCH:
            self._flush()

    def absent(self) -> int:
        if self._is_made:
            self._flush()
        same = sql.SQL(" AND ").join(
            sql.SQL("w.{}::text = u.{}").format(sql.Identifier(c.name), sql.Identifier(name))
            for c, name in zip(self._table.target.reading.primary_key, self._names, strict=True)
        )
        count = ask(
            self._connection,
            sql.SQL(
                "SELECT count(*) FROM {} AS u WHERE NOT EXISTS (SELECT FROM {} AS w WHERE {})"
            ).format(self._keys(), self._table.relation, same),
        )
        if self._is_made:
            with self._connection.cursor() as cursor:
                cursor.execute(sql.SQL("DROP TABLE {}").format(self._relation))
        return count

    def _keys(self) -> sql.Composable:
        """What they are read from: a few go along with the question."""
        if self._is_made:
            return self._relation
        parts = [sql.Literal([key[n] for key in self._pending]) for n in range(len(self._names))]
        return sql.SQL("(SELECT * FROM unnest({}) AS k({}))").format(
            sql.SQL(", ").join(sql.SQL("{}::text[]").format(part) for part in parts),
            sql.SQL(", ").join(map(sql.Identifier, self._names)),
        )

    def _flush(self) -> None:
        """Into a temporary table, which is made with the first of them."""
        creation = sql.SQL("CREATE TEMPORARY TABLE {} ({})").format(
            sql.Identifier(self._relation.strings[-1]),
            sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(n)) for n in self._names),
        )
        lines = ((copy_text(list(key), careful=True) + "\n").encode() for key in self._pending)
        made_by = None if self._is_made else creation
        copy_in(self._connection, self._relation, self._names, lines, made_by=made_by)
        self._is_made = True
        self._pending = []
