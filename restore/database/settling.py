"""What becomes of accounts after the file's rows are in place: roles, passwords, and who acts."""

from collections.abc import Sequence

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from restore.database import identities
from restore.database.accounts import Columns, key_is, with_numbers
from restore.database.catalogue import ForeignKey
from restore.database.redacted import Aside, clear_dangling, execute, take_from
from restore.database.waiting_tables import WaitingTable, create_aside, names, same


def set_roles(
    connection: Connection,
    aside: Aside,
    columns: Columns,
    *,
    fallback: str,
    granted: Sequence[str],
) -> int:
    """Accounts of a foreign file keep their current role, flags, password, address (to which links for new
    passwords go) and leave to sign in; new ones get the least role, no flags, no password and no leave; but
    for those granted. Whoever took any of these from the file would let its maker in."""
    paired = [f"k{i}" for i in range(len(aside.key))]
    withheld = [name for name, _ in columns.withheld]
    now = ["role_now", "password_now", "email_now"]
    now += [f"withheld_{i}" for i in range(len(withheld))]
    return execute(
        connection,
        sql.SQL(
            "UPDATE {table} AS t SET {role} = coalesce(p.role_now, {fallback}),"
            " {password} = CASE WHEN p.found THEN p.password_now ELSE {no_password} END,"
            " {email} = CASE WHEN p.found THEN p.email_now ELSE t.{email} END{withheld}"
            " FROM {waiting} AS s LEFT JOIN (SELECT q.*, true FROM ({pairs}) AS q)"
            " AS p({paired}, found) ON {match}"
            " WHERE {same} AND NOT (s.{email} = ANY ({granted}::text[]))"
        ).format(
            table=aside.rows,
            role=sql.Identifier(columns.role),
            password=sql.Identifier(columns.password),
            fallback=sql.Literal(fallback),
            no_password=sql.Literal(_no_password(aside, columns)),
            withheld=_withheld(columns),
            waiting=aside.waiting.relation,
            pairs=identities.pairs(
                aside.waiting,
                aside.relation,
                aside.identity,
                [columns.role, columns.password, columns.email, *withheld],
            ),
            paired=names([*paired, *now]),
            match=same("s", "p", aside.key, paired),
            same=same("t", "s", aside.key),
            email=sql.Identifier(columns.email),
            granted=sql.Literal(list(granted)),
        ),
    )


def _no_password(aside: Aside, columns: Columns) -> str | None:
    """What nobody can type: Django lets such passwords begin with ``!``."""
    return None if aside.waiting.target.table.columns[columns.password].nullable else "!"


def _withheld(columns: Columns) -> sql.Composable:
    """The columns by which somebody may sign in or do more, as further cells to set."""
    cells = [
        sql.SQL(", {} = CASE WHEN p.found THEN p.{} ELSE {} END").format(
            sql.Identifier(name),
            sql.Identifier(f"withheld_{number}"),
            sql.Identifier("t", name) if value is None else sql.Literal(value),
        )
        for number, (name, value) in enumerate(columns.withheld)
    ]
    return sql.SQL("").join(cells)


def keep_acting(
    connection: Connection, aside: Aside, columns: Columns, *, key: Sequence[str], email: str
) -> int:
    """The acting owner's row of the file keeps what must survive, and his own password: its key may be
    another account's today."""
    return execute(
        connection,
        sql.SQL("UPDATE {} AS t SET {} FROM {} AS a WHERE {} AND a.{} = {}").format(
            aside.rows,
            take_from("a", dict.fromkeys([*columns.survives, columns.password])),
            aside.relation,
            key_is("t", aside.key, key),
            sql.Identifier(columns.email),
            sql.Literal(email),
        ),
    )


class SurvivingRow:
    """One live row that comes back beside the file's, its references to nowhere NULL."""

    def __init__(
        self,
        connection: Connection,
        waiting: WaitingTable,
        key_columns: Sequence[str],
        key: Sequence[str],
        new_key: Sequence[str] = (),
    ) -> None:
        self._connection = connection
        self._numbers = dict(zip(key_columns, new_key, strict=False))
        self._table = waiting.target.table
        self._columns = [c.name for c in self._table.columns.values() if not c.generated]
        is_it_now = key_is("t", key_columns, key)
        self._is_it = key_is("t", key_columns, new_key or key)
        self._relation = create_aside(connection, "survivor", self._table, self._columns)
        execute(
            connection,
            sql.SQL("INSERT INTO {} SELECT {} FROM {} AS t WHERE {}").format(
                self._relation,
                with_numbers("t", self._columns, self._numbers),
                self._table.own_rows,
                is_it_now,
            ),
        )

    def put_back(self, keys: Sequence[ForeignKey]) -> tuple[int, int]:
        """Insert the row. ``keys`` are the table's foreign keys. Returns rows, and references cleared."""
        listed = names(self._columns)
        rows = execute(
            self._connection,
            sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
                self._table.identifier, listed, listed, self._relation
            ),
        )
        cleared = 0
        for key in keys:
            if all(self._table.columns[c].nullable for c in key.columns):
                cleared += clear_dangling(self._connection, key, self._is_it)
        return rows, cleared
