"""Which sequences a restore sets, and to what. A file says of each by which section's column it is owned;
only sequences of tables that are written, and in a Complete file those of no table, are its business."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backups.artifact.tail import Sequence
from backups.database.connection import Connection
from backups.database.introspection import LiveSequence, LiveTable
from backups.findings import Finding, Severity
from backups.wording import Sentence, _
from restore.database import questions
from restore.services.planning.staging import Prepared


@dataclass(frozen=True)
class Numbers:
    """``stated`` are set as in the file, ``behind`` go on behind the rows of their column."""

    stated: tuple[tuple[LiveSequence, Sequence], ...]
    behind: tuple[tuple[LiveSequence, LiveTable], ...]
    findings: tuple[Finding, ...]


def numbers_of(file: Prepared, live: Iterable[LiveSequence]) -> Numbers:
    """What the file states, against the sequences as they are.

    Unowned ones may number rows of any table, so a Safe restore leaves them alone: put back, they would
    give out numbers once more that tables outside the file have used.
    """
    return _Matching(file, list(live)).numbers()


class _Matching:
    def __init__(self, file: Prepared, live: list[LiveSequence]) -> None:
        self._authentic = file.authentic
        self._is_safe = file.manifest.type == "safe"
        self._states = file.tail.sequences
        self._known = {head.key for head in file.manifest.sections}
        self._sections = {t.head.key: t.table for t in file.matched.targets}
        self._written = {table.oid: table for table in file.matched.written}
        self._live = live
        self._by_name: dict[str, list[LiveSequence]] = {}
        for sequence in live:
            self._by_name.setdefault(sequence.name, []).append(sequence)
        self._findings: list[Finding] = []

    def numbers(self) -> Numbers:
        stated: dict[LiveSequence, Sequence] = {}
        times = Counter((state.section, state.name) for state in self._states)
        for state in self._states:
            if times[state.section, state.name] > 1:
                self._object(
                    _("The file states the sequence {name} more than once.", name=state.name)
                )
                continue
            sequence = self._find(state)
            if sequence is not None and self._fits(sequence, state):
                stated[sequence] = state
        behind = (
            (sequence, self._written[sequence.owner])
            for sequence in self._live
            if sequence.owner in self._written and sequence not in stated
        )
        return Numbers(
            tuple(stated.items()),
            tuple(behind),
            tuple(sorted(self._findings, key=lambda finding: not finding.blocking)),
        )

    def _find(self, state: Sequence) -> LiveSequence | None:
        """The sequence that is meant; None where there is none, or where it is not the file's business."""
        if state.section not in self._known | {""}:
            self._object(
                _("The file gives the sequence {name} to a section that it lacks.", name=state.name)
            )
            return None
        if state.section and state.section not in self._sections:
            return None  # the whole section is a finding already
        if not state.section and self._is_safe:
            return None
        named = [s for s in self._by_name.get(state.name, ()) if self._is_meant(s, state)]
        found = [s for s in named if state.section or not s.owner] or named
        if not found:
            self._gone(state)
            return None
        if len(found) > 1 or not may_be_set(found[0], self._written):
            self._object(
                _(
                    "The sequence {name} numbers rows of tables that this restore does not write.",
                    name=state.name,
                )
            )
            return None
        return found[0]

    def _is_meant(self, sequence: LiveSequence, state: Sequence) -> bool:
        """An unowned one may have got an owner since, which must then be a table that is written."""
        if not state.section:
            return True
        return sequence.owner == self._sections[state.section].oid

    def _fits(self, sequence: LiveSequence, state: Sequence) -> bool:
        if sequence.minimum <= state.last_value <= sequence.maximum:
            if self._authentic or not is_nearly_used_up(sequence, state.last_value):
                return True
            self._object(
                _(
                    "The file's number for the sequence {name} leaves hardly any that could be given out.",
                    name=state.name,
                ),
                # One that no column owns may be meant to be used up, and stays as it is.
                blocks=bool(state.section),
            )
            return False
        self._object(
            _(
                "The file's number for the sequence {name} lies beyond the sequence's bounds.",
                name=state.name,
            )
        )
        return False

    def _gone(self, state: Sequence) -> None:
        self._findings.append(
            Finding(
                "restore.sequence_gone",
                Severity.WARNING,
                _("The sequence {name} of the file is not in the database.", name=state.name),
                _("Numbers that columns own go on behind their rows."),
            )
        )

    def _object(self, said: Sentence, *, blocks: bool = True) -> None:
        """Of our own file it was true once, and the sequence was changed since: it is not set then."""
        blocks = blocks and not self._authentic
        self._findings.append(
            Finding(
                "restore.sequence",
                Severity.ERROR if blocks else Severity.WARNING,
                said,
                _(
                    "It is not set to what the file says. One that a column owns goes on behind its rows."
                )
                if not blocks
                else _(
                    "The file was edited or comes from another schema. Use the file as it was made."
                ),
            )
        )


def is_nearly_used_up(sequence: LiveSequence, number: int) -> bool:
    """Whether fewer than a tenth of its numbers are left behind this one: whoever states such a number lets
    nobody make a row any more."""
    tenth = (sequence.maximum - sequence.minimum) // 10
    if sequence.rises:
        return number > sequence.maximum - tenth
    return number < sequence.minimum + tenth


def rows_at_the_end(
    connection: Connection, file: Prepared, live: list[LiveSequence]
) -> Iterator[Finding]:
    """Rows of a foreign file behind which a sequence would have no numbers left, or that have a number which
    the file's state of it would give out once more."""
    stated = {sequence: state for sequence, state in numbers_of(file, live).stated if state.section}
    waiting = {table.target.table.oid: table for table in file.waiting.values()}
    for sequence in live if not file.authentic else ():
        table = waiting.get(sequence.owner)
        if table is None or not sequence.whole or sequence.column not in table.columns:
            continue
        last = questions.last_number(connection, table, sequence.column, rises=sequence.rises)
        if last is not None and is_nearly_used_up(sequence, last):
            yield Finding(
                "restore.sequence",
                Severity.ERROR,
                _(
                    "Rows of {table} have numbers behind which the sequence {name} has hardly any left.",
                    table=table.target.table.name,
                    name=sequence.name,
                ),
                _("The file was edited or comes from another schema. Use the file as it was made."),
                table=table.target.table.name,
            )
        elif last is not None and _comes_again(last, sequence, stated.get(sequence)):
            yield Finding(
                "restore.sequence",
                Severity.WARNING,
                _(
                    "The file's number for the sequence {name} is one that a row of {table} has, or lies"
                    " before one.",
                    name=sequence.name,
                    table=table.target.table.name,
                ),
                _("It goes on behind the rows instead."),
                table=table.target.table.name,
            )


def _comes_again(last: int, sequence: LiveSequence, state: Sequence | None) -> bool:
    """Whether the sequence would give out the number of the last row, or one before it."""
    if state is None:
        return False
    ahead = state.last_value - last if sequence.rises else last - state.last_value
    return ahead < 0 or (ahead == 0 and not state.is_called)


def may_be_set(sequence: LiveSequence, written: Iterable[int]) -> bool:
    """Whether all tables that take numbers from it are written."""
    takers = {sequence.owner, *sequence.takers} - {0}
    return takers <= set(written)
