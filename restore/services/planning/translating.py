"""Numbers of a Safe file's content types, permissions and sites: put into those of this database.

The file says what each number means. What this database has no row for is refused; a file that says
nothing, one of before, is taken as it is where it is ours, and refused where it is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from backups.database.connection import Connection
from backups.findings import Finding, Severity
from backups.registry import Registry
from backups.wording import _, ngettext
from restore.database import numbers
from restore.database.catalogue import ForeignKey
from restore.database.numbers import Naming
from restore.database.waiting_tables import Relation, WaitingTable
from restore.services.planning.naming import Numbered, columns_in, explained, namings, numbered


@dataclass(frozen=True)
class FileNumbers:
    """The file's waiting rows, and those that say what its numbers mean."""

    waiting: dict[str, WaitingTable]
    dictionaries: dict[str, WaitingTable]
    keys: tuple[ForeignKey, ...]
    declared: Registry
    authentic: bool


@dataclass(frozen=True)
class Translated:
    """``tables``: those whose waiting rows changed."""

    tables: frozenset[str]
    findings: tuple[Finding, ...]


def translate(connection: Connection, file: FileNumbers) -> Translated:
    """Put this database's numbers into the waiting rows. A Complete file brings its numbers along, so
    nothing changes in its rows."""
    return _Translation(connection, file).run()


class _Translation:
    def __init__(self, connection: Connection, file: FileNumbers) -> None:
        self._connection = connection
        self._file = file
        self._namings = namings(file.declared)
        self._numbered: Numbered = numbered(file.declared, file.keys)
        self._findings: list[Finding] = []
        self._changed: set[str] = set()

    def run(self) -> Translated:
        lists = {name: self._list(naming) for name, naming in self._explained().items()}
        for waiting in self._file.waiting.values():
            for column, to in columns_in(waiting.target.table, self._numbered):
                if column not in waiting.columns:
                    continue
                if to in lists:
                    self._column(waiting, column, self._namings[to], lists[to])
                elif to not in self._file.waiting:
                    self._findings += self._unlisted(waiting, column, to)
        for listed in lists.values():
            numbers.drop_list(self._connection, listed)
        return Translated(frozenset(self._changed), tuple(self._findings))

    def _explained(self) -> dict[str, Naming]:
        return explained(self._namings, self._file.dictionaries)

    def _list(self, naming: Naming) -> Relation:
        return numbers.make_list(
            self._connection,
            f"means_{naming.table}",
            naming,
            self._namings,
            was=lambda table: self._file.dictionaries[table].relation,
            now=self._live,
        )

    def _live(self, table: str) -> Relation:
        return self._file.dictionaries[table].target.table.identifier

    def _column(self, waiting: WaitingTable, column: str, naming: Naming, listed: Relation) -> None:
        where = (self._connection, waiting.relation, column, listed, naming)
        table = waiting.target.table
        nameless = numbers.nameless(*where, live=self._live(naming.table))
        if nameless:
            self._findings.append(_nameless(table.name, column, naming, nameless))
        if not numbers.counts_otherwise(self._connection, listed, naming):
            return
        missing = numbers.lacking(*where)
        if missing.cells:
            names = ", ".join(missing.names)
            self._findings.append(_no_translation(table.name, column, naming, missing.cells, names))
        count = numbers.translate_cells(*where, column_type=table.columns[column].type)
        if count:
            self._changed.add(table.name)
            self._findings.append(_translated(table.name, column, naming, count))

    def _unlisted(self, waiting: WaitingTable, column: str, to: str) -> Iterator[Finding]:
        count = numbers.filled_cells(self._connection, waiting.relation, column)
        if count:
            yield _unlisted(waiting.target.table.name, column, to, count, ours=self._file.authentic)


def _no_translation(table: str, column: str, naming: Naming, count: int, names: str) -> Finding:
    return Finding(
        "restore.no_translation",
        Severity.ERROR,
        ngettext(
            "{n} row of {table} points by {column} to a row of {target} that this database lacks: {names}.",
            "{n} rows of {table} point by {column} to rows of {target} that this database lacks: {names}.",
            count,
            table=table,
            column=column,
            target=naming.table,
            names=names,
        ),
        _(
            "Numbers of {target} mean something else in each database, and a Safe file translates them by"
            " name. Install the app or make the row that is named, then plan again.",
            target=naming.table,
        ),
        table=table,
        count=count,
    )


def _nameless(table: str, column: str, naming: Naming, count: int) -> Finding:
    return Finding(
        "restore.no_translation",
        Severity.ERROR,
        ngettext(
            "{n} row of {table} has a number in {column} that the file's list of {target} does not explain.",
            "{n} rows of {table} have numbers in {column} that the file's list of {target} does not explain.",
            count,
            table=table,
            column=column,
            target=naming.table,
        ),
        _("Mend these rows where the backup was made, and make it again."),
        table=table,
        count=count,
    )


def _translated(table: str, column: str, naming: Naming, count: int) -> Finding:
    return Finding(
        "restore.numbers_translated",
        Severity.NOTICE,
        ngettext(
            "{n} row of {table} gets this database's number of {target} in {column}, found by name.",
            "{n} rows of {table} get this database's numbers of {target} in {column}, found by name.",
            count,
            table=table,
            column=column,
            target=naming.table,
        ),
        _("Nothing to do."),
        table=table,
        count=count,
    )


def _unlisted(table: str, column: str, to: str, count: int, *, ours: bool) -> Finding:
    return Finding(
        "restore.numbers_unlisted",
        Severity.WARNING if ours else Severity.ERROR,
        ngettext(
            "{n} row of {table} holds in {column} a number of {target}, and the file does not say what it"
            " means.",
            "{n} rows of {table} hold in {column} numbers of {target}, and the file does not say what they"
            " mean.",
            count,
            table=table,
            column=column,
            target=to,
        ),
        _(
            "The file is of before such lists were in files. It was made here, so its numbers are taken as"
            " they are; they are right if {target} was not counted anew since.",
            target=to,
        )
        if ours
        else _(
            "The file is of before such lists were in files. Make a new backup where it comes from, or, if"
            " this is the new home of that installation, bring its key along (BACKUPS_KEY_FILE)."
        ),
        table=table,
        count=count,
    )
