"""What can be known of a section's rows one by one, before any of them is written."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from backups.artifact.columns import BlockColumns, Cells, copy_lines, need_care
from backups.artifact.manifest import SectionHead
from backups.artifact.rows import RowCodec, copy_text, needs_care
from backups.database.introspection import LiveColumn
from backups.errors import ArtifactError
from backups.findings import Finding, Severity
from backups.wording import EMPTY, Sentence, _, ngettext
from restore.database.failures import place_in_file
from restore.database.shapes import Shapes
from restore.inspection import at_row
from restore.services.planning.bending import (
    Bends,
    bends_of,
    has_word,
    is_of_moments,
    lost_parts,
)


@dataclass(frozen=True)
class CellRules:
    """What the live table asks of a section's columns, by position in the file's row. ``moments``: those of
    dates and times. ``lost``: finds what the database would round or drop of a cell. ``bends``: which cells
    of others it would change as it reads them."""

    required: tuple[int, ...]
    longest: tuple[tuple[int, int], ...]
    choices: tuple[tuple[int, frozenset[str]], ...]
    moments: tuple[int, ...] = ()
    lost: tuple[tuple[int, tuple[re.Pattern[str], ...]], ...] = ()
    bends: tuple[tuple[int, Bends], ...] = ()


# One at least is in each word for a moment, and neither in what PostgreSQL prints of dates and times.
_LETTERS_OF_WORDS = "oOaA"
# What is said of them has a sentence of its own, and the code of what is malformed.
_WORDS = "words for moments"


def rules_for(
    head: SectionHead,
    columns: Mapping[str, LiveColumn],
    choices: Mapping[str, frozenset[str]],
    shapes: Shapes,
) -> CellRules:
    """``columns`` are the live ones and ``choices`` the values that the models know, both by the name
    that the file has for the column; what has no place is not in ``columns``. ``shapes``: what types are made
    of."""
    names = [(i, name) for i, name in enumerate(head.column_names()) if name in columns]
    return CellRules(
        required=tuple(i for i, name in names if not columns[name].nullable),
        longest=tuple(
            (i, int(found[1]))
            for i, name in names
            if (found := re.fullmatch(r"character varying\((\d+)\)", columns[name].type))
        ),
        choices=tuple((i, choices[name]) for i, name in names if name in choices),
        moments=tuple(i for i, name in names if is_of_moments(columns[name].made_of)),
        lost=tuple((i, lost) for i, name in names if (lost := lost_parts(columns[name].made_of))),
        bends=tuple(
            (i, bends)
            for i, name in names
            if not is_of_moments(columns[name].made_of)
            and not lost_parts(columns[name].made_of)
            and (bends := bends_of(columns[name].type, shapes)) is not None
        ),
    )


_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^{}",\s]+)')


def with_elements(cell: str, values: Mapping[str, str]) -> tuple[str, set[str]]:
    """An array as PostgreSQL prints it with the elements of today, and the elements that it had."""
    had = set()

    def element(found: re.Match[str]) -> str:
        value = re.sub(r"\\(.)", r"\1", found[1]) if found[2] is None else found[2]
        had.add(value)
        if value not in values or found[0] == "NULL":
            return found[0]
        return '"' + re.sub(r'(["\\])', r"\\\1", values[value]) + '"'

    return _ELEMENT.sub(element, cell), had


@dataclass
class _Seen:
    """How many rows have the same thing wrong, and where the first of them stands."""

    rows: int = 0
    first: Sentence = EMPTY


class SectionScan:
    """Turns rows into COPY lines of the wanted columns, each with what ``fills`` make for it, and counts
    what is wrong on the way.

    ``problem`` is the first row that does not have its declared form; ``rows`` counts all.
    ``key_is_shown``: primary keys of this section may be named in findings.
    """

    def __init__(
        self,
        head: SectionHead,
        rules: CellRules,
        wanted: Sequence[str],
        fills: Sequence[Callable[[], str | None]] = (),
        renamed: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
        *,
        key_is_shown: bool,
    ) -> None:
        self._head = head
        self._key_is_shown = key_is_shown
        self._codec = RowCodec(head)
        self._together = BlockColumns(head)
        self._rules = rules
        names = head.column_names()
        self._wanted = [names.index(name) for name in wanted]
        self._fills = fills
        self._renamed = [(names.index(name), values) for name, values in renamed.items()]
        self._renamed_rows: Counter[tuple[int, str]] = Counter()
        # That a cell is NULL is not for them to say.
        self._choices = [(index, {None, *known}) for index, known in rules.choices]
        self._nulls: defaultdict[int, _Seen] = defaultdict(_Seen)
        self._too_long: defaultdict[int, _Seen] = defaultdict(_Seen)
        self._unknown: defaultdict[int, _Seen] = defaultdict(_Seen)
        self._words: defaultdict[int, _Seen] = defaultdict(_Seen)
        self._bent: defaultdict[int, _Seen] = defaultdict(_Seen)
        self.rows = 0
        self.problem: ArtifactError | None = None

    def lines(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """One block of COPY lines for each block of rows."""
        for block in blocks:
            lines = self._lines_at_once(block)
            yield self._lines_one_by_one(block) if lines is None else lines

    def _lines_at_once(self, block: bytes) -> bytes | None:
        """None where there is more to say of a row, or to do to it, than to print it."""
        if self._renamed or self._fills:
            return None
        columns = self._together.cells(block)
        if columns is None or self._is_something_wrong(columns):
            return None
        self.rows += len(columns[0])
        wanted = [columns[index] for index in self._wanted]
        return copy_lines(wanted, careful=need_care(block))

    def _is_something_wrong(self, columns: Sequence[Cells]) -> bool:
        """Whether ``_examine`` has to look at the rows, to count those that it means."""
        rules = self._rules
        return (
            any(None in columns[index] for index in rules.required)
            or any(max(map(len, filter(None, columns[i])), default=0) > n for i, n in rules.longest)
            or any(not known.issuperset(columns[i]) for i, known in self._choices)
            or any(_has_letters_of_words(columns[i]) for i in rules.moments)
            or any(_finds(lost, "\n".join(filter(None, columns[i]))) for i, lost in rules.lost)
            or any(any(map(bends, filter(None, columns[i]))) for i, bends in rules.bends)
        )

    def _lines_one_by_one(self, block: bytes) -> bytes:
        rows = block[:-1].split(b"\n")
        lines = [line for row in rows if (line := self._line(row)) is not None]
        lines.append("")
        return "\n".join(lines).encode()

    def _line(self, row: bytes) -> str | None:
        self.rows += 1
        try:
            cells = self._codec.cells(row)
        except ArtifactError as error:
            self.problem = self.problem or at_row(error, self._head, self.rows)
            return None
        for index, values in self._renamed:
            cells[index] = self._of_today(index, cells[index], values)
        self._examine(row, cells)
        careful = bool(self._renamed) or needs_care(row)
        line = copy_text([cells[i] for i in self._wanted], careful=careful)
        if self._fills:
            line += "\t" + copy_text([make() for make in self._fills], careful=True)
        return line

    def _of_today(self, index: int, cell: str | None, values: Mapping[str, str]) -> str | None:
        """The cell with what its values are called now; counts the rows in which one is renamed."""
        if cell is None:
            return None
        if not self._head.columns[index].type.endswith("[]"):
            new, old = values.get(cell, cell), {cell}
        else:
            new, old = with_elements(cell, values)
        self._renamed_rows.update((index, value) for value in old & values.keys())
        return new

    def renamed(self, table: str) -> list[Sentence]:
        """Which values were renamed, in how many rows."""
        values = dict(self._renamed)
        return [
            ngettext(
                "{table}.{column}: {n} row of the file has {old}, which is {new} today.",
                "{table}.{column}: {n} rows of the file have {old}, which is {new} today.",
                rows,
                table=table,
                column=self._head.column_names()[index],
                old=old,
                new=values[index][old],
            )
            for (index, old), rows in self._renamed_rows.items()
        ]

    def _examine(self, row: bytes, cells: list[str | None]) -> None:
        rules = self._rules
        if None in cells:
            for index in rules.required:
                if cells[index] is None:
                    self._note(self._nulls[index], row)
        for index, most in rules.longest:
            cell = cells[index]
            if cell is not None and len(cell) > most:
                # Blanks alone the database cuts off without a word.
                only_blanks = len(cell.rstrip(" ")) <= most
                self._note((self._bent if only_blanks else self._too_long)[index], row)
        for index, known in rules.choices:
            cell = cells[index]
            if cell is not None and cell not in known:
                self._note(self._unknown[index], row)
        for index in rules.moments:
            if has_word(cells[index] or ""):
                self._note(self._words[index], row)
        for index, lost in rules.lost:
            if _finds(lost, cells[index] or ""):
                self._note(self._bent[index], row)
        for index, bends in rules.bends:
            cell = cells[index]
            if cell is not None and bends(cell):
                self._note(self._bent[index], row)

    def _note(self, seen: _Seen, row: bytes) -> None:
        if not seen.rows:
            key = self._codec.key(row) if self._key_is_shown else None
            seen.first = place_in_file(self._head.key, self.rows, key)
        seen.rows += 1

    def findings(self) -> list[Finding]:
        """Everything found, by column."""
        kinds = (
            (self._nulls, "restore.null"),
            (self._too_long, "restore.too_long"),
            (self._unknown, "restore.choice_unknown"),
            (self._words, _WORDS),
            (self._bent, "restore.malformed"),
        )
        return [
            self._finding(code, index, seen) for kind, code in kinds for index, seen in kind.items()
        ]

    def _finding(self, code: str, index: int, seen: _Seen) -> Finding:
        column = self._head.column_names()[index]
        severity = Severity.WARNING if code == "restore.choice_unknown" else Severity.ERROR
        return Finding(
            "restore.malformed" if code == _WORDS else code,
            severity,
            _complaint(code, self._head.key, column, rows_from(seen.rows, seen.first)),
            _("Use the file as it was made, with the version of the application that made it.")
            if severity is Severity.ERROR
            else _("The rows come back as they are; check them after the restore."),
            table=self._head.table,
            count=seen.rows,
        )


def _complaint(code: str, section: str, column: str, rows: Sentence) -> Sentence:
    named = {"section": section, "column": column, "rows": rows}
    if code == "restore.null":
        return _("Section {section!r}: {column} is missing and must be there. {rows}", **named)
    if code == "restore.too_long":
        return _("Section {section!r}: {column} is longer than it may be. {rows}", **named)
    if code == "restore.malformed":
        return _(
            "Section {section!r}: {column} has a value that the database would make another one of as it"
            " reads it. {rows}",
            **named,
        )
    if code == _WORDS:
        return _(
            "Section {section!r}: {column} has a word in place of a date or time, which means another one"
            " each day. {rows}",
            **named,
        )
    return _(
        "Section {section!r}: {column} has a value that this version does not know. {rows}",
        **named,
    )


def _finds(patterns: Iterable[re.Pattern[str]], text: str) -> bool:
    return any(pattern.search(text) for pattern in patterns)


def _has_letters_of_words(cells: Cells) -> bool:
    """Whether one of the words may be among the cells: four looks through all their letters at once."""
    joined = "".join(filter(None, cells))
    return any(letter in joined for letter in _LETTERS_OF_WORDS)


def rows_from(rows: int, first: Sentence) -> Sentence:
    """A sentence on how many rows are meant and where the first one stands."""
    return _("Rows: {rows}; the first one in the file: {first}.", rows=rows, first=first)
