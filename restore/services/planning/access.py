"""Rows that let people in or give them rights, out of a Complete file that others made: they come only where
the person ticked their section. Tables of which nothing is taken count as outside the file.

A Safe file never has such rows: ``matching`` refuses them.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace

from backups.artifact.manifest import Manifest
from backups.artifact.tail import Statistics
from backups.database.introspection import LiveTable
from backups.database.table_reading import column_of
from backups.findings import Finding, Severity
from backups.registry import Registry, Scope
from backups.registry.access import access_tables, opening_fields
from backups.wording import _, ngettext
from restore.database.catalogue import ForeignKey
from restore.database.targets import Target
from restore.database.waiting_tables import WaitingTable
from restore.plan import AccessRows, Choices
from restore.services.planning.matching import Match


class _Everything:
    def __contains__(self, key: object) -> bool:
        return True


EVERYTHING: Container[str] = _Everything()


@dataclass(frozen=True)
class HeldBack:
    """What is left of a file without the rows that nobody asked for. ``rows`` tells of all of them."""

    matched: Match
    waiting: dict[str, WaitingTable]
    rows: tuple[AccessRows, ...]
    findings: tuple[Finding, ...]


def hold_back(
    manifest: Manifest,
    statistics: Statistics,
    matched: Match,
    waiting: dict[str, WaitingTable],
    keys: Iterable[ForeignKey],
    declared: Registry,
    taken: Container[str],
) -> HeldBack:
    """``taken`` are the keys of the sections that the person ticked."""
    if Scope(manifest.type) is not Scope.COMPLETE:
        return HeldBack(matched, waiting, (), ())
    work = _HoldingBack(declared, taken, keys)
    targets = [kept for target in matched.targets if (kept := work.target(target)) is not None]
    by_key = declared.by_table()
    emptied = tuple(
        table
        for table in matched.emptied
        if table.name not in work.tables or by_key[table.name].key in taken
    )
    out = work.out | {table.name for table in matched.emptied} - {t.name for t in emptied}
    counted = statistics.sections
    targets = [work.without_references(t, out, counted[t.head.key].rows) for t in targets]
    known = {target.table.name: target for target in targets}
    return HeldBack(
        replace(matched, targets=tuple(targets), emptied=emptied),
        {name: _narrowed(table, known[name]) for name, table in waiting.items() if name in known},
        tuple(work.rows(statistics)),
        (*work.left_out(statistics), *work.findings),
    )


class _HoldingBack:
    def __init__(
        self, declared: Registry, taken: Container[str], keys: Iterable[ForeignKey]
    ) -> None:
        self.tables = access_tables(declared)
        self._sections = declared.by_table()
        self._taken = taken
        self._keys = tuple(keys)
        self._found: list[tuple[Target, tuple[str, ...], bool]] = []
        self.out: set[str] = set()
        self.findings: list[Finding] = []

    def target(self, target: Target) -> Target | None:
        """What of the section is written; None where nothing is."""
        section = target.reading.section
        if target.table.name in self.tables:
            is_taken = section.key in self._taken
            self._found.append((target, (), is_taken))
            if not is_taken:
                self.out.add(target.table.name)
            return target if is_taken else None
        cells = _secret_cells(target)
        if not cells:
            return target
        is_taken = section.key in self._taken
        self._found.append((target, cells, is_taken))
        return target if is_taken else _without(target, cells)

    def without_references(self, target: Target, out: set[str], rows: int) -> Target:
        """References into tables of which nothing comes keep their value, as where a Safe file lacks it.
        ``rows``: how many the file has."""
        names: list[str] = []
        for key in self._keys:
            if key.table != target.table.name or key.target_table not in out:
                continue
            if self._is_of_django(key.target_table):
                continue  # numbers such as that of a site, which is here too or is missed by the plan
            given = [name for name in key.columns if name in target.live_columns]
            if given and all(target.table.columns[name].nullable for name in key.columns):
                names += given
            elif given and rows:
                self.findings.append(_needed(target.table, key))
        return _without(target, tuple(names)) if names else target

    def _is_of_django(self, table: str) -> bool:
        section = self._sections.get(table)
        return section is not None and section.framework

    def rows(self, statistics: Statistics) -> Iterator[AccessRows]:
        for target, cells, is_taken in self._found:
            counted = statistics.sections[target.head.key].rows
            if counted:
                key = target.reading.section.key
                yield AccessRows(key, target.table.name, counted, is_taken, cells)

    def left_out(self, statistics: Statistics) -> Iterator[Finding]:
        for one in self.rows(statistics):
            if not one.taken:
                yield _cells_left_out(one) if one.cells else _rows_left_out(one)


def _secret_cells(target: Target) -> tuple[str, ...]:
    """Those that open something, and that something is declared to fill, as a Safe file leaves them out."""
    section = target.reading.section
    columns = (column_of(section.model, name) for name in opening_fields(section))
    return tuple(name for name in columns if name in target.live_columns)


def _without(target: Target, names: tuple[str, ...]) -> Target:
    """The target as if the file left these columns out."""
    reading = target.reading
    return replace(
        target,
        loads=tuple((old, new) for old, new in target.loads if new not in names),
        reading=replace(reading, columns=tuple(c for c in reading.columns if c.name not in names)),
        redacted=tuple(dict.fromkeys([*target.redacted, *names])),
        as_written=False,
    )


def _narrowed(waiting: WaitingTable, target: Target) -> WaitingTable:
    redacted = set(target.redacted)
    columns = tuple(name for name in waiting.columns if name not in redacted)
    return replace(waiting, target=target, columns=columns)


def unmet(rows: Iterable[AccessRows], authentic: bool, choices: Choices) -> Iterator[Finding]:
    """Sections that were ticked, and of which the file has no such rows."""
    unknown = [key for key in choices.let_in if key not in {one.section for one in rows}]
    if unknown and not authentic:
        yield Finding(
            "restore.choice_unmet",
            Severity.WARNING,
            _(
                "Rows of {names} were to come, and the file has none there that let people in.",
                names=", ".join(unknown[:10]),
            ),
            _("Compare the names with the plan, letter by letter."),
            count=len(unknown),
        )


_TICK = _("Where you trust whoever made the file, say that they come.")


def _rows_left_out(one: AccessRows) -> Finding:
    return Finding(
        "restore.access_held_back",
        Severity.WARNING,
        ngettext(
            "{n} row of {table} lets somebody in or gives rights; out of a file of another installation it"
            " is not taken. The table stays as it is, but for rows that belong to what goes.",
            "{n} rows of {table} let people in or give rights; out of a file of another installation they"
            " are not taken. The table stays as it is, but for rows that belong to what goes.",
            one.rows,
            table=one.table,
        ),
        _TICK,
        table=one.table,
        count=one.rows,
    )


def _cells_left_out(one: AccessRows) -> Finding:
    return Finding(
        "restore.access_held_back",
        Severity.WARNING,
        ngettext(
            "{columns} of {n} row of {table} opens something; out of a file of another installation it is"
            " not taken: what is the same here keeps its own, all else gets a new one.",
            "{columns} of {n} rows of {table} opens something; out of a file of another installation it is"
            " not taken: what is the same here keeps its own, all else gets a new one.",
            one.rows,
            columns=", ".join(one.cells),
            table=one.table,
        ),
        _TICK,
        table=one.table,
        count=one.rows,
    )


def _needed(table: LiveTable, key: ForeignKey) -> Finding:
    return Finding(
        "restore.access_needed",
        Severity.ERROR,
        _(
            "{columns} of {table} must lead to a row of {target}, and of that table nothing is taken out of"
            " this file.",
            columns=", ".join(key.columns),
            table=table.name,
            target=key.target_table,
        ),
        _TICK,
        table=table.name,
    )
