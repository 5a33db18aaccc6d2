"""Which files the rows point at: every declared locator of every row, in one sorted stream."""

from collections.abc import Callable, Iterable

from django.apps import apps
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.data_addresses import EMPTY, HOLDS
from backups.database.introspection import LiveTable
from backups.database.row_stream import copy_lines
from backups.database.table_reading import TableReading, column_of, primary_key_columns
from backups.registry import FileLocator, JsonAddress, Section, StoragePath


def stream_locators(
    connection: Connection, readings: list[TableReading], write: Callable[[bytes], None]
) -> None:
    """Hand over one JSON array a line: storage alias, whether it is a path in the storage, value,
    section key, column, primary key as an array of texts. Equal values stand together.
    """
    parts = [
        _uses(reading, locator, number)
        for number, reading in enumerate(readings)
        for locator in reading.section.files
    ]
    if parts:
        copy_lines(connection, _sorted(parts), write)


def count_contents(connection: Connection, readings: Iterable[TableReading]) -> int:
    """How many files the rows hold themselves, as distinct ``data:`` addresses at their locators."""
    parts = [
        _uses(reading, locator, number)
        for number, reading in enumerate(readings)
        for locator in reading.section.files
        if not isinstance(locator, StoragePath) and _is_read(reading, locator)
    ]
    if not parts:
        return 0
    query = sql.SQL(
        "SELECT pg_catalog.count(DISTINCT btrim(value, {blanks})) FROM ({uses}) AS u"
        " WHERE value ~* {holds} AND pg_catalog.lower(btrim(value, {blanks})) <> {empty}"
    ).format(
        uses=sql.SQL(" UNION ALL ").join(parts),
        holds=sql.Literal(HOLDS),
        empty=sql.Literal(EMPTY),
        blanks=sql.Literal(" \t\n\r\f\v"),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])  # type: ignore[index]


def _is_read(reading: TableReading, locator: FileLocator) -> bool:
    """Whether the reading has all columns that tell what the locator locates."""
    wanted = {column_of(reading.section.model, n) for n in (locator.field, *locator.unless)}
    return wanted <= {column.name for column in reading.columns}


def looked_up(sections: Iterable[Section]) -> set[str]:
    """The tables, of these sections or not, in which values are looked up that may be ids."""
    return {
        apps.get_model(locator.ids_of)._meta.db_table
        for section in sections
        for locator in section.files
        if isinstance(locator, JsonAddress) and locator.ids_of
    }


def _sorted(parts: list[sql.Composed]) -> sql.Composed:
    return sql.SQL(
        "SELECT pg_catalog.json_build_array(storage, is_path, value, section, field, key)::text"
        " FROM ({}) AS u"
        ' ORDER BY storage COLLATE "C", is_path, value COLLATE "C", number, field, key::text'
        ' COLLATE "C"'
    ).format(sql.SQL(" UNION ALL ").join(parts))


def _uses(reading: TableReading, locator: FileLocator, number: int) -> sql.Composed:
    model = reading.section.model
    column = column_of(model, locator.field)
    key = sql.SQL(", ").join(
        sql.SQL("t.{}::text").format(sql.Identifier(c.name)) for c in reading.primary_key
    )
    return sql.SQL(
        "SELECT {storage} AS storage, {is_path} AS is_path, v.value AS value, {section} AS section,"
        " {field} AS field, pg_catalog.json_build_array({key}) AS key, {number} AS number"
        " FROM {table} AS t CROSS JOIN LATERAL ({values}) AS v(value)"
        " WHERE v.value <> '' AND {condition}"
    ).format(
        storage=sql.Literal(locator.storage),
        is_path=sql.Literal(isinstance(locator, StoragePath)),
        section=sql.Literal(reading.section.key),
        field=sql.Literal(column),
        key=key,
        number=sql.Literal(number),
        table=reading.table.own_rows,
        values=_values(reading.table, locator, column),
        condition=_condition(reading, locator),
    )


def _values(table: LiveTable, locator: FileLocator, column: str) -> sql.Composable:
    cell = sql.SQL("t.{}").format(sql.Identifier(column))
    if isinstance(locator, JsonAddress):
        # Distinct: one document may name a file twice. Only strings can be addresses.
        return sql.SQL(
            "SELECT DISTINCT j #>> '{{}}' FROM jsonb_path_query({}::jsonb, {}::jsonpath) AS j"
            " WHERE jsonb_typeof(j) = 'string'"
        ).format(cell, sql.Literal(locator.path))
    if table.columns[column].is_array:
        return sql.SQL("SELECT DISTINCT e FROM pg_catalog.unnest({}) AS e").format(cell)
    return sql.SQL("SELECT {}::text").format(cell)


def _condition(reading: TableReading, locator: FileLocator) -> sql.Composable:
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if locator.unless:
        matches = [
            sql.SQL("t.{} IS NOT DISTINCT FROM {}").format(
                sql.Identifier(column_of(reading.section.model, name)), sql.Literal(value)
            )
            for name, value in locator.unless.items()
        ]
        conditions.append(sql.SQL("NOT ({})").format(sql.SQL(" AND ").join(matches)))
    if isinstance(locator, JsonAddress) and locator.ids_of:
        conditions.append(_not_an_id(locator.ids_of))
    return sql.SQL(" AND ").join(conditions)


def _not_an_id(label: str) -> sql.Composable:
    """An id names a row whose own file is found there. What has no dot, slash or colon could only be
    the id of a row that is gone: no address looks like that."""
    model = apps.get_model(label)
    (key,) = primary_key_columns(model)
    return sql.SQL(
        "v.value ~ '[./:]' AND NOT EXISTS (SELECT FROM {} AS other WHERE other.{}::text = v.value)"
    ).format(sql.Identifier(model._meta.db_table), sql.Identifier(key))
