"""Answers that a plan found before the locks, for the plan that is counted again under them.

Rows that wait do not change, so what was asked of them alone stands. What was asked of a live table stands
while the server says that nobody has touched it since (``restore.database.marks``); else it is asked again.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from backups.database.connection import Connection
from backups.database.introspection import LiveTable
from restore.database.marks import Mark, look_of_values, marks_of

Answer = TypeVar("Answer")
_OF_THE_FILE = ""


class Answers:
    """Asks, and remembers. New ones know nothing, so that everything is asked."""

    def __init__(self, known: Mapping[str, Mapping[Hashable, Any]] | None = None) -> None:
        self._known = {table: dict(answers) for table, answers in (known or {}).items()}
        self._look = ""
        self._marks: dict[str, Mark | None] = {}

    def note(self, connection: Connection, tables: Iterable[LiveTable]) -> None:
        """Remember what the tables are at this instant, at which everything is asked then."""
        self._look = look_of_values(connection)
        self._marks = marks_of(connection, tables)

    def that_stand(self, connection: Connection, tables: Iterable[LiveTable]) -> "Answers":
        """Those that are still true. ``tables`` cannot be written to, by anybody, until the caller's
        transaction ends, or nothing that was asked of them stands."""
        standing = {_OF_THE_FILE}
        if self._look and self._look == look_of_values(connection):
            marks = marks_of(connection, tables)
            standing |= {n for n, mark in marks.items() if mark and mark == self._marks.get(n)}
        return Answers({table: a for table, a in self._known.items() if table in standing})

    def of_the_file(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """What depends on the waiting rows alone, and on nothing that a choice or an account adds to them."""
        return self._ask(_OF_THE_FILE, question, ask)

    def of_table(self, table: LiveTable, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """What depends on the waiting rows and on those of one live table."""
        return self._ask(table.name, question, ask)

    def know(self, table: LiveTable, question: Hashable) -> bool:
        """Whether ``of_table`` would ask nothing."""
        return question in self._known.get(table.name, {})

    def learn(self, table: LiveTable, question: Hashable, answer: Any) -> None:
        """What was found otherwise than by ``of_table``."""
        self._known.setdefault(table.name, {})[question] = answer

    def _ask(self, table: str, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        answers = self._known.setdefault(table, {})
        if question not in answers:
            answers[question] = ask()
        found: Answer = answers[question]
        return found
