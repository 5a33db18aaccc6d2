"""A section of a file against the live table it goes to."""

from dataclasses import dataclass

from backups.artifact.manifest import SectionHead
from backups.artifact.rows import RowCodec
from backups.database.introspection import LiveTable
from backups.database.reading import TableReading


@dataclass(frozen=True)
class Target:
    """``reading`` reads back exactly the columns that the file's section holds, in its order."""

    head: SectionHead
    reading: TableReading
    codec: RowCodec

    @property
    def table(self) -> LiveTable:
        return self.reading.table
