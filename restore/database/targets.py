"""A section of a file against the live table it goes to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from psycopg2 import sql

from backups.artifact.manifest import SectionHead
from backups.artifact.rows import RowCodec
from backups.database.introspection import LiveTable
from backups.database.table_reading import TableReading
from restore.database.cells import Cell


@dataclass(frozen=True)
class Altered:
    """Cells of a target in which the file has a marker for a secret. ``relation`` lists the keys;
    ``columns`` are live ones, and of the ``marked`` among them every cell with a marker is meant."""

    relation: sql.Identifier
    key: tuple[str, ...]
    columns: tuple[str, ...]
    marked: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """``head`` is the file's, for decoding its rows.

    ``loads`` are the file's columns that are loaded, each with the live column it goes to, in the file's
    order; ``reading`` reads back just those. ``redacted`` are the live columns that the file leaves out
    on purpose. ``fills`` are live columns that the file's schema did not have and the database has no
    default for, with what makes the cell of a row. ``as_written``: the rows are the table's own, column by
    column and type by type, so that the file's digest is that of the table. ``content_left_out`` are live
    columns that may hold ``data:`` addresses which a Safe file emptied, with whether they are JSON documents.
    ``altered`` says in which cells the file has markers.
    ``renamed_values`` are those of the file's columns which are called otherwise today.
    """

    head: SectionHead
    reading: TableReading
    codec: RowCodec
    loads: tuple[tuple[str, str], ...]
    redacted: tuple[str, ...] = ()
    fills: Mapping[str, Callable[[], Cell]] = field(default_factory=dict)
    as_written: bool = True
    content_left_out: Mapping[str, bool] = field(default_factory=dict)
    renamed_values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    altered: Altered | None = None

    @property
    def table(self) -> LiveTable:
        return self.reading.table

    @property
    def withheld(self) -> tuple[str, ...]:
        """The live columns in whose cells the file may not have, on purpose, what was there."""
        altered = self.altered.columns if self.altered else ()
        return tuple(dict.fromkeys([*self.content_left_out, *altered]))

    @property
    def file_columns(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.loads)

    @property
    def live_columns(self) -> tuple[str, ...]:
        return tuple(name for _, name in self.loads)

    def reading_of(self, relation: sql.Identifier) -> TableReading:
        """The same reading of a temporary table with the same columns."""
        schema, name = relation.strings
        table = replace(self.reading.table, schema=schema, name=name, source=None)
        return replace(self.reading, table=table)
