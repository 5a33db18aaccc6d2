"""``data:`` addresses (RFC 2397) hold a file's content in the row itself; a Safe file leaves it out.

In the file stands ``data:,`` in its place: an address of the same kind that holds nothing. A restore keeps
the current value of such a cell where the row still exists.
"""

from psycopg2 import sql

from backups.database.introspection import LiveColumn

EMPTY = "data:,"
HOLDS = r"^\s*data:"
# A string of a JSON document: what opens one stands behind one of these, and what is a key is before a colon.
_JSON_STRING = r'((?:^|[\[:,])\s*)"\s*data:(?:[^"\\]|\\.)*"(?!\s*:)'
_JSON_EMPTY = r'(^|[\[:,])\s*"data:,"(?!\s*:)'


def without_content(
    column: LiveColumn, cell: sql.Composable, *, is_document: bool
) -> sql.Composable:
    """The cell, a text or an array of text or JSON, with each such address emptied; else as it is."""
    if is_document:
        kind = sql.SQL("::{}".format(column.type if column.type in ("json", "jsonb") else "text"))
        return sql.SQL(
            "(CASE WHEN {c}::text ~* {pattern}"
            " THEN regexp_replace({c}::text, {pattern}, {empty}, 'gi'){kind} ELSE {c} END)"
        ).format(
            c=cell,
            pattern=sql.Literal(_JSON_STRING),
            empty=sql.Literal(rf'\1"{EMPTY}"'),
            kind=kind,
        )
    holds, empty = sql.Literal(HOLDS), sql.Literal(EMPTY)
    if column.is_array:
        return sql.SQL(
            "(CASE WHEN EXISTS (SELECT FROM pg_catalog.unnest({c}) AS e WHERE e::text ~* {holds}) THEN"
            " (SELECT pg_catalog.array_agg(CASE WHEN e::text ~* {holds} THEN {empty} ELSE e END"
            " ORDER BY place)"
            " FROM pg_catalog.unnest({c}) WITH ORDINALITY AS u(e, place)) ELSE {c} END)"
        ).format(c=cell, holds=holds, empty=empty)
    return sql.SQL("(CASE WHEN {c}::text ~* {holds} THEN {empty} ELSE {c} END)").format(
        c=cell, holds=holds, empty=empty
    )


def is_emptied(column: LiveColumn, cell: sql.Composable, *, is_document: bool) -> sql.Composable:
    """Whether the cell holds an address that a Safe file emptied."""
    if is_document:
        return sql.SQL("({}::text ~ {})").format(cell, sql.Literal(_JSON_EMPTY))
    if column.is_array:
        return sql.SQL("coalesce({} = ANY ({}::text[]), false)").format(sql.Literal(EMPTY), cell)
    return sql.SQL("coalesce({}::text = {}, false)").format(cell, sql.Literal(EMPTY))
