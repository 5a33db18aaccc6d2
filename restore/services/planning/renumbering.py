"""A Complete file brings its own numbers of content types, permissions and sites. Rows outside the file
(the admin's log, say) hold the numbers of now: they follow by name, and where the name has gone, by
their delete rule."""

from dataclasses import dataclass

from backups.database.connection import Connection
from backups.database.introspection import Source
from backups.registry import registry
from restore.database import numbers
from restore.database.numbers import Naming
from restore.database.waiting_tables import Relation
from restore.services.planning.following import followers_of
from restore.services.planning.naming import columns_in, explained, namings, numbered
from restore.services.planning.staging import Prepared


@dataclass(frozen=True)
class Kept:
    """A column outside the file, and the list of its numbers, which outlives the emptying of tables."""

    table: Source
    column: str
    listed: Relation
    naming: Naming


def staying(connection: Connection, prepared: Prepared) -> dict[str, Relation]:
    """By table: the live rows whose names are in the file too, under the numbers of now."""
    found = {}
    for table, listed in _lists(connection, prepared, "stays").items():
        live = prepared.tables[table].identifier
        naming = namings(registry)[table]
        found[table] = numbers.keep_staying(connection, f"staying_{table}", live, listed, naming)
    return found


def keep(connection: Connection, prepared: Prepared) -> list[Kept]:
    """What the tables outside the file need, while the live rows are still there."""
    lists, known = _lists(connection, prepared, "becomes"), namings(registry)
    columns = numbered(registry, prepared.keys)
    return [
        Kept(follower.table.own_rows, column, lists[to], known[to])
        for follower in followers_of(prepared)
        for column, to in columns_in(follower.table, columns)
        if to in lists and column in follower.table.columns
    ]


def renumber(connection: Connection, kept: list[Kept]) -> None:
    """Let rows outside the file point to the same things under the new numbers."""
    for one in kept:
        numbers.renumber_live(connection, one.table, one.column, one.listed, one.naming)


def _lists(connection: Connection, prepared: Prepared, prefix: str) -> dict[str, Relation]:
    known = namings(registry)
    there = prepared.waiting.keys() - prepared.unread
    return {
        table: numbers.make_list(
            connection,
            f"{prefix}_{table}",
            naming,
            known,
            was=lambda name: prepared.tables[name].identifier,
            now=lambda name: prepared.waiting[name].relation,
        )
        for table, naming in explained(known, there).items()
    }
