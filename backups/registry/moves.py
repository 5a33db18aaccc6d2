"""What was renamed since older backups were made, so that they still restore.

A move is declared beside the sections, has a test of its own, and names the version of the application
that may forget it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class RenamedSection:
    """The section was called ``old`` in older files."""

    old: str
    key: str
    until: str


@dataclass(frozen=True)
class RenamedColumn:
    """The column of section ``key`` was called ``old`` in older files; ``field`` is today's field."""

    key: str
    old: str
    field: str
    until: str


@dataclass(frozen=True)
class RenamedValue:
    """What ``field`` of section ``key`` calls ``new`` today, such as a label of an enum, was ``old`` in older
    files. Both as PostgreSQL prints them; in an array each element is a value."""

    key: str
    field: str
    old: str
    new: str
    until: str


Move = RenamedSection | RenamedColumn | RenamedValue
