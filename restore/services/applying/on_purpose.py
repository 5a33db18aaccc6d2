"""What a restore changes after it has read all rows back and found them equal to the file: counted, and said.

A row counts where it now differs from the file, and once, whatever it was changed for.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from backups.artifact.tail import Locator
from backups.database.connection import Connection
from backups.database.table_reading import primary_key_columns
from backups.wording import Sentence, ngettext
from restore.database import comparing
from restore.services.planning.following import state_columns
from restore.services.planning.staging import Prepared

# By table, the columns that may have been changed for one reason.
Columns = Mapping[str, Sequence[str]]


def renamed_columns(file: Prepared, renamed: Iterable[tuple[Locator, str]]) -> Columns:
    """Where names of files stand that are others now."""
    targets = {target.head.key: target for target in file.matched.targets}
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for locator, _new in renamed:
        for use in locator.uses:
            target = targets.get(use.section)
            column = dict(target.loads).get(use.column) if target else None
            if target and column is not None:
                found[target.table.name][column] = None
    return {table: [*columns] for table, columns in found.items()}


def revoked_columns(file: Prepared) -> Columns:
    sections = {t.table.name: t.reading.section for t in file.matched.targets}
    return {name: state_columns(s, s.revoked) for name, s in sections.items() if s.revoked}


def content_columns(file: Prepared) -> Columns:
    found = {t.table.name: [*t.withheld] for t in file.matched.targets}
    return {table: columns for table, columns in found.items() if columns}


def count(connection: Connection, file: Prepared, reasons: Mapping[str, Columns]) -> dict[str, int]:
    """Rows that differ from the file, by reason, and ``rows`` of all."""
    every: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for columns in reasons.values():
        for table, names in columns.items():
            every[table] |= dict.fromkeys(names)
    of_all: Columns = {table: [*names] for table, names in every.items()}
    return {
        reason: sum(_differing(connection, file, table, names) for table, names in columns.items())
        for reason, columns in {**reasons, "rows": of_all}.items()
    }


def _differing(connection: Connection, file: Prepared, table: str, names: Sequence[str]) -> int:
    waiting = file.waiting[table]
    # What a Safe file left out of a cell is a difference here, and not what a change would be.
    whole = replace(waiting, target=replace(waiting.target, content_left_out={}, altered=None))
    held = [name for name in names if name in waiting.columns]
    key = primary_key_columns(waiting.target.reading.section.model)
    return comparing.changed(connection, whole, key, held).rows


def in_words(report: Mapping[str, Any]) -> list[Sentence]:
    """What a report tells of it, a reason each; empty where nothing was, or nobody counted."""
    counted = report.get("changed_on_purpose") or {}
    return [say(counted[reason]) for reason, say in _WORDS.items() if counted.get(reason)]


_WORDS: dict[str, Callable[[int], Sentence]] = {
    "accounts": lambda n: ngettext(
        "{n} account has a role or a password that the file does not give",
        "{n} accounts have a role or a password that the file does not give",
        n,
    ),
    "revoked": lambda n: ngettext(
        "{n} row was revoked since and stays so", "{n} rows were revoked since and stay so", n
    ),
    "names": lambda n: ngettext(
        "{n} row points to a file under its new name",
        "{n} rows point to files under their new names",
        n,
    ),
    "content": lambda n: ngettext(
        "{n} row keeps content that a Safe file leaves out",
        "{n} rows keep content that a Safe file leaves out",
        n,
    ),
}
