"""Live tables with rows that cannot be read, as a plan may count them all the same."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.damage import BY_INDEX, Damage, keys_of
from backups.database.introspection import LiveTable


def masked(
    connection: Connection, damage: Damage, table: LiveTable, key: Collection[str]
) -> sql.Composable:
    """All rows of a table whose ``key`` columns can be read; of those that are damaged the other cells
    count as NULL. What cannot even be found is not there."""
    if damage.whole:
        return nothing_of(table)
    found = keys_of(connection, damage, sorted(key)) if key else {}
    lost = [(oid, place) for oid, place in damage.rows if f"{oid} {place}" not in found]
    kept = [at for at in damage.rows if at not in lost]
    cells = [_cell(name, kept if name not in key else []) for name in table.columns]
    return damage.rows_but(lost, sql.SQL(", ").join(cells))


def nothing_of(table: LiveTable) -> sql.Composable:
    """No rows, with the columns of a table; the table itself is not asked."""
    columns = {"tableoid": "oid", "ctid": "tid"} | {c.name: c.type for c in table.columns.values()}
    return sql.SQL("(SELECT {} WHERE false)").format(
        sql.SQL(", ").join(
            sql.SQL("NULL::{} AS {}").format(sql.SQL(kind), sql.Identifier(name))
            for name, kind in columns.items()
        )
    )


def _cell(name: str, damaged: list[tuple[int, str]]) -> sql.Composable:
    column = sql.Identifier(name)
    if not damaged:
        return column
    places = sql.SQL(", ").join(
        sql.SQL("({}::oid, {}::tid)").format(sql.Literal(oid), sql.Literal(place))
        for oid, place in damaged
    )
    return sql.SQL("CASE WHEN (tableoid, ctid) IN ({}) THEN NULL ELSE {} END AS {}").format(
        places, column, column
    )


def avoid_indexes(connection: Connection, damages: Iterable[Damage]) -> None:
    """Where an index is damaged, the rest of the transaction finds rows without any."""
    if not any(damage.is_of_an_index for damage in damages):
        return
    with connection.cursor() as cursor:
        # To weigh a merge join the planner itself looks at an index's ends, whatever else is forbidden.
        for name in (*BY_INDEX, "enable_mergejoin"):
            cursor.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(name)))
        # Where everything is forbidden, an index is as good as anything.
        for name in ("enable_seqscan", "enable_sort", "enable_hashjoin"):
            cursor.execute(sql.SQL("SET LOCAL {} = on").format(sql.Identifier(name)))


def readable(damage: Damage, table: LiveTable) -> sql.Composable:
    """The rows of a table that can be read."""
    return nothing_of(table) if damage.whole else damage.readable()


def read_from(table: LiveTable, sources: Mapping[str, sql.Composable]) -> LiveTable:
    """The same table; its rows are read from its source, where it has one."""
    return replace(table, source=sources[table.name]) if table.name in sources else table
