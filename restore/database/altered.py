"""Cells of a Safe file in which a marker stands for a secret, or for a file that a text held itself: no
marker is written over what is there now.

The file lists them by section, key and column. The list waits in a temporary table beside the rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.artifact.rows import copy_text
from backups.artifact.tail import AlteredCell
from backups.database.data_addresses import EMPTY, is_emptied
from backups.database.introspection import LiveColumn
from backups.hunting.marking import Holds, kind_of, limit_of
from restore.database.copying import copy_in
from restore.database.targets import Altered, Target
from restore.database.waiting_tables import printed

# What every marker begins with.
MARKER = "[redacted:"
# A marker that stands for anything but a file.
_NO_FILE = r"\[redacted:(?!file[]#])"
# The end of a text that has no room for more of it.
_BEGUN = r"\[(r(e(d(a(c(t(e(d)?)?)?)?)?)?)?)?$"
_COLUMN = "__column"
_LINES = 5_000


@dataclass(frozen=True)
class Listed:
    """The altered cells of one target, by live names. ``marked``: columns of which every marker counts."""

    cells: tuple[tuple[str, tuple[str, ...]], ...]
    marked: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*(name for name, _ in self.cells), *self.marked]))


def listed(target: Target, cells: Iterable[AlteredCell], kept_out: frozenset[str]) -> Listed:
    """What the file says of a target; of columns that it does not load, or that lead to rows
    (``kept_out``), nothing is taken."""
    live = {old: new for old, new in target.loads if new not in kept_out}
    parts = len(target.head.primary_key)
    found: list[tuple[str, tuple[str, ...]]] = []
    marked: list[str] = []
    for cell in cells:
        if cell.column not in live:
            continue
        key = (cell.key,) if isinstance(cell.key, str) else tuple(cell.key)
        if cell.marked:
            marked.append(live[cell.column])
        elif len(key) == parts:
            found.append((live[cell.column], key))
    return Listed(tuple(found), tuple(dict.fromkeys(marked)))


def let_wait(connection: Connection, number: int, given: Listed, key: Sequence[str]) -> Altered:
    """The list as a temporary table. Keys are compared as PostgreSQL prints them."""
    relation = sql.Identifier("pg_temp", f"altered_{number}")
    columns = [*(f"k{place}" for place in range(len(key))), _COLUMN]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} ({})").format(
                sql.Identifier(relation.strings[-1]),
                sql.SQL(", ").join(
                    sql.SQL('{} text COLLATE "C"').format(sql.Identifier(name)) for name in columns
                ),
            )
        )
    copy_in(connection, relation, columns, _lines(given))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE INDEX ON {} ({})").format(
                relation, sql.SQL(", ").join(map(sql.Identifier, columns))
            )
        )
        cursor.execute(sql.SQL("ANALYZE {}").format(relation))
    return Altered(relation, tuple(key), given.columns, given.marked)


def _lines(given: Listed) -> Iterator[bytes]:
    for start in range(0, len(given.cells), _LINES):
        some = given.cells[start : start + _LINES]
        lines = [copy_text([*key, name], careful=True) + "\n" for name, key in some]
        yield "".join(lines).encode()


def is_altered(target: Target, name: str, alias: str) -> sql.Composable:
    """Whether a marker stands in the cell for what the file must not hold."""
    altered = target.altered
    if altered is None or name not in altered.columns:
        return sql.SQL("false")
    column = target.table.columns[name]
    if name in altered.marked:
        return _looks_altered(sql.Identifier(alias, name), column)
    same = [
        sql.SQL("a.{} = {}").format(
            sql.Identifier(f"k{place}"),
            printed(sql.Identifier(alias, part), target.table.columns[part]),
        )
        for place, part in enumerate(altered.key)
    ]
    return sql.SQL("EXISTS (SELECT FROM {} AS a WHERE {} AND a.{} = {})").format(
        altered.relation, sql.SQL(" AND ").join(same), sql.Identifier(_COLUMN), sql.Literal(name)
    )


def _looks_altered(cell: sql.Composable, column: LiveColumn) -> sql.Composable:
    """Of a cell that no list names: whether a marker stands there, or the beginning of one where it had no
    room; or nothing, in a column that can hold none."""
    kind, (limit, _padded) = kind_of(column.made_of, nullable=True), limit_of(column.made_of)
    if kind is Holds.VALUE:
        return sql.SQL("({} IS NULL)").format(cell)
    text = printed(cell, column)
    if kind is Holds.BYTES:
        found = sql.SQL("strpos({}, {}) > 0").format(text, sql.Literal(MARKER.encode().hex()))
    elif limit:
        found = sql.SQL(
            "strpos({cell}, {}) > 0 OR pg_catalog.char_length({cell}) = {} AND {cell} ~ {}"
        ).format(sql.Literal(MARKER), sql.Literal(limit), sql.Literal(_BEGUN), cell=text)
    else:
        found = sql.SQL("strpos({}, {}) > 0").format(text, sql.Literal(MARKER))
    return sql.SQL("coalesce({}, false)").format(found)


def is_secret_marked(target: Target, name: str, alias: str) -> sql.Composable:
    """Whether a marker stands in the cell for a secret."""
    altered = is_altered(target, name, alias)
    printed_cell = printed(sql.Identifier(alias, name), target.table.columns[name])
    return sql.SQL("({} AND coalesce({cell} ~ {} OR strpos({cell}, {}) = 0, true))").format(
        altered, sql.Literal(_NO_FILE), sql.Literal(EMPTY), cell=printed_cell
    )


def is_content_left_out(target: Target, name: str, alias: str) -> sql.Composable:
    """Whether the cell held the content of a file (a ``data:`` address), which a Safe file leaves out."""
    printed_cell = printed(sql.Identifier(alias, name), target.table.columns[name])
    return sql.SQL("({} OR ({} AND strpos({}, {}) > 0))").format(
        _is_emptied(target, name, alias),
        is_altered(target, name, alias),
        printed_cell,
        sql.Literal(EMPTY),
    )


def _is_emptied(target: Target, name: str, alias: str) -> sql.Composable:
    if name not in target.content_left_out:
        return sql.SQL("false")
    return is_emptied(
        target.table.columns[name],
        sql.Identifier(alias, name),
        is_document=target.content_left_out[name],
    )


def is_withheld(target: Target, name: str, alias: str) -> sql.Composable:
    """Whether the file's cell is not what was there, on purpose, so that the current one stays."""
    return sql.SQL("({} OR {})").format(
        _is_emptied(target, name, alias), is_altered(target, name, alias)
    )
