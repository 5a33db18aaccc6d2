"""What the safety backup will ask of the live database, asked before anybody confirms.

The safety backup is a parachute and not a gate: what it cannot hold is said, and there is a way on that a
person chooses. ``foresee`` is asked by the plan, and again before the safety backup is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from backups.database.connection import Connection
from backups.database.damage import NOT_ALLOWED, TOO_LONG, Damage, keys_of
from backups.database.introspection import Source
from backups.database.table_reading import key_is_secret, primary_key_columns
from backups.findings import Finding, Severity
from backups.registry import registry
from backups.services.obstacles import LeavingOut, Obstacles, obstacles
from backups.wording import Sentence, _, ngettext
from restore.database import around_damage
from restore.plan import Choices
from restore.services.planning.following import state_columns, tables_held
from restore.services.planning.staging import Prepared

# As many keys of damaged rows are listed; all are counted.
KEYS_LISTED = 50


@dataclass(frozen=True)
class Foresight:
    """``findings`` for the plan; ``leaving_out`` for the safety backup; ``damages`` of tables that the
    restore writes to or may remove rows from. ``was_read``: every value was."""

    findings: tuple[Finding, ...] = ()
    leaving_out: LeavingOut = field(default_factory=LeavingOut)
    damages: Mapping[str, Damage] = field(default_factory=dict)
    was_read: bool = False

    def readable(self, prepared: Prepared) -> dict[str, Source]:
        """By table, the rows that can be read, where not all can."""
        return {n: around_damage.readable(d, prepared.tables[n]) for n, d in self.damages.items()}

    @property
    def afterwards(self) -> LeavingOut:
        """What is still out of reach when the tables have been filled anew."""
        return LeavingOut(tables=self.leaving_out.tables - self.damages.keys())


def foresee(
    connection: Connection, prepared: Prepared, choices: Choices, *, read: bool
) -> Foresight:
    """Ask what a backup of everything would stumble over. The caller is in a transaction.

    ``read``: every value is read too, see ``obstacles``. Raises psycopg2.Error.
    """
    found = obstacles(connection, read=read)
    touched = {table.name for table in tables_held(prepared)}
    work = _Sorting(connection, prepared, choices, touched)
    for finding in found.uncovered:
        work.uncovered(finding)
    for table, damage in found.damages.items():
        work.damaged(table, damage)
    if choices.without_undo:
        work.findings.append(_without_undo())
    return Foresight(
        findings=tuple(work.findings),
        leaving_out=LeavingOut(frozenset(work.tables), work.damages, tuple(work.listed)),
        damages=_of_touched(found, touched),
        was_read=read,
    )


def _of_touched(found: Obstacles, touched: set[str]) -> dict[str, Damage]:
    return {name: damage for name, damage in found.damages.items() if name in touched}


class _Sorting:
    """Sorts obstacles by whether the restore touches the table: what it leaves alone needs no undo."""

    def __init__(
        self, connection: Connection, prepared: Prepared, choices: Choices, touched: set[str]
    ) -> None:
        self._connection = connection
        self._file = prepared
        self._touched = touched
        self._chosen = choices.partial_undo or choices.without_undo
        self.findings: list[Finding] = []
        self.tables: set[str] = set()
        self.damages: dict[str, Damage] = {}
        self.listed: list[dict[str, Any]] = []

    def uncovered(self, finding: Finding) -> None:
        table = finding.table
        matters = table in self._touched
        if not matters or not self._can_be_read_in_part(table):
            self.tables |= {table} - {""}
        self._list(table, None, matters=matters)
        self.findings.append(
            Finding(
                "undo.uncovered",
                self._severity(matters),
                _("{finding} The undo will lack it.", finding=finding.message)
                if matters
                else _(
                    "{finding} The safety backup is made without it; the restore leaves it as it is.",
                    finding=finding.message,
                ),
                finding.hint,
                table=table,
            )
        )

    def _can_be_read_in_part(self, table: str) -> bool:
        """A column that no model owns is no reason to do without the others."""
        section, live = registry.by_table().get(table), self._file.tables.get(table)
        if section is None or live is None:
            return False
        wanted = {str(f.column) for f in section.model._meta.local_concrete_fields if f.column}
        return wanted <= set(live.columns)

    def damaged(self, table: str, damage: Damage) -> None:
        matters = table in self._touched
        if damage.is_of_an_index:
            self.damages[table] = damage
            self.findings.append(_index_damaged(table, damage))
            return
        if damage.whole or not matters:
            self.tables.add(table)
        else:
            self.damages[table] = damage
        self._list(table, damage, matters=matters)
        if matters and damage.state == NOT_ALLOWED:
            self.findings.append(_may_not_read(table))
        else:
            self.findings.append(_unreadable(table, damage, self._severity(matters), matters))

    def _severity(self, matters: bool) -> Severity:
        return Severity.ERROR if matters and not self._chosen else Severity.WARNING

    def _list(self, table: str, damage: Damage | None, *, matters: bool) -> None:
        section = registry.by_table().get(table)
        keys: list[list[str]] = []
        if damage and section and not key_is_secret(section):
            few = replace(damage, rows=damage.rows[:KEYS_LISTED])
            found = keys_of(self._connection, few, primary_key_columns(section.model))
            keys = sorted(found.values())
        self.listed.append(
            {
                "table": table,
                "section": section.key if section else "",
                "rows": len(damage.rows) if damage and matters and not damage.whole else None,
                "pages": len(damage.pages) if damage else 0,
                "keys": keys,
                "matters": matters,
            }
        )


def without_damage(connection: Connection, prepared: Prepared, foresight: Foresight) -> Prepared:
    """The same, with the live tables as they can be read: every row counts, and what is damaged in one
    counts as NULL."""
    if not foresight.damages:
        return prepared
    around_damage.avoid_indexes(connection, foresight.damages.values())
    sources = {
        name: around_damage.masked(connection, damage, prepared.tables[name], _keys(prepared, name))
        for name, damage in foresight.damages.items()
    }
    tables = {n: around_damage.read_from(table, sources) for n, table in prepared.tables.items()}
    targets = {
        t.table.name: replace(
            t, reading=replace(t.reading, table=around_damage.read_from(t.table, sources))
        )
        for t in prepared.matched.targets
    }
    emptied = tuple(around_damage.read_from(table, sources) for table in prepared.matched.emptied)
    return replace(
        prepared,
        tables=tables,
        matched=replace(prepared.matched, targets=tuple(targets.values()), emptied=emptied),
        waiting={
            n: replace(w, target=targets.get(n, w.target)) for n, w in prepared.waiting.items()
        },
    )


def _keys(prepared: Prepared, table: str) -> set[str]:
    """The columns by which rows are found, and by which they point and are pointed to."""
    found = {c for key in prepared.keys if key.table == table for c in key.columns}
    found |= {c for key in prepared.keys if key.target_table == table for c in key.target_columns}
    if section := registry.by_table().get(table):
        named = (section.accounts.email, section.accounts.name) if section.accounts else ()
        found |= {*primary_key_columns(section.model)}
        found |= {*state_columns(section, (*section.natural_key, *named))}
    return found


def _unreadable(table: str, damage: Damage, severity: Severity, matters: bool) -> Finding:
    rows = _rows_of(table, damage)
    if not matters:
        message = _(
            "{rows} The safety backup is made without this table; the restore leaves it as it is.",
            rows=rows,
        )
    else:
        message = _("{rows} The undo will lack what cannot be read.", rows=rows)
    return Finding(
        "undo.unreadable",
        severity,
        message,
        _("Repair the rows, or go on with an undo that lacks them, or without one.")
        if severity is Severity.ERROR
        else _("Look at the database server's log and its disks: damage seldom comes alone."),
        table=table,
        count=len(damage.rows) or 1,
    )


def _rows_of(table: str, damage: Damage) -> Sentence:
    """How much of a table cannot be read, and what the database says to it."""
    named = {"table": table, "state": damage.state}
    if damage.whole:
        return _("The table {table} cannot be read (SQLSTATE {state}).", **named)
    if damage.pages:
        return ngettext(
            "{n} page of the table {table} cannot be read (SQLSTATE {state}), and with it all its rows.",
            "{n} pages of the table {table} cannot be read (SQLSTATE {state}), and with them all their"
            " rows.",
            len(damage.pages),
            **named,
        )
    if damage.state == TOO_LONG:
        return ngettext(
            "{n} row of {table} is longer than BACKUPS_ROW_LIMIT_BYTES allows.",
            "{n} rows of {table} are longer than BACKUPS_ROW_LIMIT_BYTES allows.",
            len(damage.rows),
            table=table,
        )
    return ngettext(
        "{n} row of {table} cannot be read (SQLSTATE {state}).",
        "{n} rows of {table} cannot be read (SQLSTATE {state}).",
        len(damage.rows),
        **named,
    )


def _index_damaged(table: str, damage: Damage) -> Finding:
    return Finding(
        "undo.index_damaged",
        Severity.WARNING,
        _(
            "An index of {table} is damaged (SQLSTATE {state}); all rows can be read without it.",
            table=table,
            state=damage.state,
        ),
        _("Build it anew: REINDEX TABLE. The safety backup is made without it."),
        table=table,
    )


def _may_not_read(table: str) -> Finding:
    """Whatever a restore writes it reads back; without that right there is none."""
    return Finding(
        "restore.may_not_read",
        Severity.ERROR,
        _(
            "The database account may not read the table {table}, which is to be restored.",
            table=table,
        ),
        _("Grant it SELECT on the table, or run the application with the account that owns it."),
        table=table,
    )


def _without_undo() -> Finding:
    return Finding(
        "undo.without",
        Severity.WARNING,
        _("As you chose, no safety backup is made: this restore cannot be undone."),
        _("What is here now and not in the file is lost for good."),
    )
