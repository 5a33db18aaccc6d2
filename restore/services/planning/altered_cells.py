"""What a Safe file says of cells in which it has markers for secrets, brought to the tables they go to."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from backups.artifact.tail import AlteredCell
from backups.database.connection import Connection
from restore.database.altered import Listed, let_wait, listed
from restore.database.catalogue import ForeignKey
from restore.database.targets import Target
from restore.database.waiting_tables import WaitingTable
from restore.services.planning.matching import Match


def with_altered_cells(
    connection: Connection,
    cells: Iterable[AlteredCell],
    matched: Match,
    waiting: Mapping[str, WaitingTable],
    keys: Iterable[ForeignKey],
    translated: Collection[str],
) -> tuple[Match, dict[str, WaitingTable]]:
    """The targets that know which of their cells the file altered, and their waiting rows with them.

    ``translated`` are the tables whose keys may be other ones here: what is listed by key is told by its
    marker there.
    """
    by_section: dict[str, list[AlteredCell]] = {}
    for cell in cells:
        by_section.setdefault(cell.section, []).append(cell)
    if not by_section:
        return matched, dict(waiting)
    leading = _leading(keys)
    targets = []
    for number, target in enumerate(matched.targets):
        given = by_section.get(target.head.key)
        if given:
            kept_out = leading.get(target.table.name, frozenset())
            found = listed(target, given, kept_out | frozenset(_key_of(target)))
            if target.table.name in translated:
                found = Listed((), found.columns)
            if found.columns:
                altered = let_wait(connection, number, found, _key_of(target))
                # The file's own digest is not that of what will be there.
                target = replace(target, altered=altered, as_written=False)
        targets.append(target)
    of_table = {target.table.name: target for target in targets}
    return replace(matched, targets=tuple(targets)), {
        name: replace(table, target=of_table.get(name, table.target))
        for name, table in waiting.items()
    }


def _key_of(target: Target) -> tuple[str, ...]:
    live = dict(target.loads)
    return tuple(live[name] for name in target.head.primary_key if name in live)


def _leading(keys: Iterable[ForeignKey]) -> dict[str, frozenset[str]]:
    """By table, the columns of its foreign keys."""
    found: dict[str, frozenset[str]] = {}
    for key in keys:
        found[key.table] = found.get(key.table, frozenset()) | frozenset(key.columns)
    return found
