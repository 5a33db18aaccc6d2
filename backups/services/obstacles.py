"""What a backup of all data would stumble over in the live database, and how to make one all the same.

The plan of a restore and the safety backup before it ask this one function, so that neither finds what the
other did not.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backups import conf
from backups.database import introspection
from backups.database.connection import Connection
from backups.database.damage import NOT_ALLOWED, Damage, damage_of, reading_from, undamaged
from backups.database.introspection import LiveTable
from backups.database.table_reading import TableReading, reading
from backups.errors import ConfigurationError
from backups.findings import Finding
from backups.registry import COMPLETE, Registry, Scope, Section, registry
from backups.services import coverage, outside

# More than a row itself takes of its line in the file: a comma, and the end of the line.
_OF_THE_LINE = 2


@dataclass(frozen=True)
class Obstacles:
    """``uncovered``: what the registry does not cover. ``damages``: by table, what cannot be read."""

    uncovered: tuple[Finding, ...] = ()
    damages: Mapping[str, Damage] = field(default_factory=dict)


@dataclass(frozen=True)
class LeavingOut:
    """What a safety backup does without, on purpose. ``tables``: as a whole, so that a restore of it leaves
    them alone. ``damages``: the rows that cannot be read. ``listed`` says it for reports."""

    tables: frozenset[str] = frozenset()
    damages: Mapping[str, Damage] = field(default_factory=dict)
    listed: tuple[dict[str, Any], ...] = ()

    @property
    def lacks_rows(self) -> bool:
        """Whether something that people would want back is not in the backup."""
        return any(item["matters"] for item in self.listed)

    def readings(
        self, scope: Scope, tables: Mapping[str, LiveTable], declared: Registry = registry
    ) -> list[TableReading]:
        """What is read of the tables that are left."""
        found = []
        kept = [s for s in declared.in_scope(scope) if s.table not in self.tables]
        for section in outside.with_tables(kept, tables):
            one = reading(section, scope, dict(tables))
            damage = self.damages.get(section.table)
            found.append(reading_from(one, damage.readable()) if damage else one)
        return found


def obstacles(connection: Connection, declared: Registry = registry, *, read: bool) -> Obstacles:
    """What stands in the way of a backup of everything, as the database is now.

    ``read``: every value is read, on the server alone; that takes as long as the rows of a backup.
    ``connection`` is in a transaction. Raises psycopg2.Error where the server itself fails.
    """
    tables = introspection.live_tables(connection)
    outsiders = outside.look_outside(connection, tables)
    found = coverage.objections(declared, tables, outsiders)
    sections = outside.with_tables(declared.in_scope(COMPLETE), tables)
    forbidden = outside.unreadable(outsiders)
    damages = {s.table: Damage(NOT_ALLOWED, whole=True) for s in sections if s.table in forbidden}
    if read:
        limit_bytes = conf.row_limit_bytes() - _OF_THE_LINE
        asked = [*_readings(tables, [s for s in sections if s.table not in damages])]
        sound = undamaged(connection, asked, limit_bytes)
        for one in asked:
            name = one.table.name
            if name not in sound and (damage := damage_of(connection, one, limit_bytes)):
                damages[name] = damage
    # What may not be read is a damage here.
    uncovered = tuple(finding for finding in found if finding.code != outside.MAY_NOT_READ)
    return Obstacles(uncovered, damages)


def _readings(tables: dict[str, LiveTable], sections: Iterable[Section]) -> Iterator[TableReading]:
    for section in sections:
        # What does not fit its table is said by the coverage.
        with contextlib.suppress(ConfigurationError):
            yield reading(section, COMPLETE, tables)
