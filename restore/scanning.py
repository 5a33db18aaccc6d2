"""What can be known of a section's rows one by one, before any of them is written."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backups.artifact.manifest import SectionHead
from backups.artifact.rows import RowCodec, copy_text, needs_care
from backups.database.introspection import LiveColumn
from backups.errors import ArtifactError
from backups.findings import Finding, Severity


@dataclass(frozen=True)
class Rules:
    """What the live table asks of a section's columns, by position in the file's row."""

    required: tuple[int, ...]
    longest: tuple[tuple[int, int], ...]
    choices: tuple[tuple[int, frozenset[str]], ...]


def rules_for(
    head: SectionHead, columns: Mapping[str, LiveColumn], choices: Mapping[str, frozenset[str]]
) -> Rules:
    """``columns`` are the live ones and ``choices`` the values that the models know, both by the name
    that the file has for the column; what has no place is not in ``columns``."""
    names = [(i, name) for i, name in enumerate(head.column_names()) if name in columns]
    return Rules(
        required=tuple(i for i, name in names if not columns[name].nullable),
        longest=tuple(
            (i, int(found[1]))
            for i, name in names
            if (found := re.fullmatch(r"character varying\((\d+)\)", columns[name].type))
        ),
        choices=tuple((i, choices[name]) for i, name in names if name in choices),
    )


class SectionScan:
    """Turns rows into COPY lines of the wanted columns, and counts what is wrong on the way.

    ``problem`` is the first row that does not have its declared form; ``rows`` counts all.
    """

    def __init__(self, head: SectionHead, rules: Rules, wanted: Sequence[str]) -> None:
        self._head = head
        self._codec = RowCodec(head)
        self._rules = rules
        names = head.column_names()
        self._wanted = [names.index(name) for name in wanted]
        self._nulls: Counter[int] = Counter()
        self._too_long: Counter[int] = Counter()
        self._unknown: Counter[int] = Counter()
        self.rows = 0
        self.problem: ArtifactError | None = None

    def lines(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """One block of COPY lines for each block of rows."""
        for block in blocks:
            rows = block[:-1].split(b"\n")
            lines = [line for row in rows if (line := self._line(row)) is not None]
            lines.append("")
            yield "\n".join(lines).encode()

    def _line(self, row: bytes) -> str | None:
        self.rows += 1
        try:
            cells = self._codec.cells(row)
        except ArtifactError as error:
            self.problem = self.problem or at_row(error, self._head, self.rows)
            return None
        self._examine(cells)
        return copy_text([cells[i] for i in self._wanted], careful=needs_care(row))

    def _examine(self, cells: list[str | None]) -> None:
        rules = self._rules
        if None in cells:
            for index in rules.required:
                if cells[index] is None:
                    self._nulls[index] += 1
        for index, most in rules.longest:
            cell = cells[index]
            if cell is not None and len(cell) > most and len(cell.rstrip(" ")) > most:
                self._too_long[index] += 1
        for index, known in rules.choices:
            cell = cells[index]
            if cell is not None and cell not in known:
                self._unknown[index] += 1

    def findings(self) -> list[Finding]:
        """Everything found, by column."""
        found = [
            self._finding(
                "restore.null", Severity.ERROR, i, n, "is missing in {n} rows and must be there"
            )
            for i, n in self._nulls.items()
        ]
        found += [
            self._finding(
                "restore.too_long", Severity.ERROR, i, n, "is longer in {n} rows than it may be"
            )
            for i, n in self._too_long.items()
        ]
        found += [
            self._finding(
                "restore.choice_unknown",
                Severity.WARNING,
                i,
                n,
                "has a value in {n} rows that this version does not know",
            )
            for i, n in self._unknown.items()
        ]
        return found

    def _finding(
        self, code: str, severity: Severity, index: int, count: int, sentence: str
    ) -> Finding:
        column = self._head.column_names()[index]
        return Finding(
            code,
            severity,
            f"Section {self._head.key!r}: {column} {sentence.format(n=count)}.",
            "Use the file as it was made, with the version of the application that made it."
            if severity is Severity.ERROR
            else "The rows come back as they are; check them after the restore.",
            table=self._head.table,
            count=count,
        )


def at_row(error: ArtifactError, head: SectionHead, number: int) -> ArtifactError:
    """The same error, saying which row of which section."""
    message = f"{error.message} (section {head.key}, row {number})"
    return ArtifactError(error.code, message, hint=error.hint)
