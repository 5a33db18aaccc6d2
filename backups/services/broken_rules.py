"""While a backup reads rows, a second session asks which of them break rules, at the same instant.

Whatever keeps it from asking is said, and never fails the backup: such rows are in it like all others.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from backups.database import broken_rules, together
from backups.database.broken_rules import Kind, Question
from backups.database.connection import Connection, close_quietly, connect, database_errors
from backups.database.introspection import LiveTable
from backups.database.together import Small
from backups.errors import DatabaseFailure

logger = logging.getLogger("backups")

# As many are listed in the run's row.
LISTED = 200
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Broken:
    """A rule that rows break. Of an index that is not valid there are no rows to count."""

    kind: str
    table: str
    rule: str
    rows: int


class Asking:
    """The questions under way, in a thread of their own."""

    def __init__(
        self, instant: str, asked: Sequence[LiveTable], known: Sequence[LiveTable]
    ) -> None:
        self._tables = (asked, known)
        self._found: list[Broken] = []
        self._unasked = 0
        self._came_to_an_end = False
        self._stopped = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, args=[instant], name="rules")

    def start(self) -> None:
        try:
            self._connection = connect(purpose="rules")
        except DatabaseFailure:
            return
        self._thread.start()

    def answers(self, check: Callable[[], None]) -> dict[str, Any]:
        """Wait for the end, and what came of it, for the run's row: ``rules_broken`` with the most
        serious first, how many more there are, how many rules could not be asked (None: not one could).
        ``check`` is called while waiting, and may raise."""
        while self._thread.is_alive():
            self._thread.join(_LOOK_SECONDS)
            check()
        found = sorted(self._found, key=lambda one: (one.kind != Kind.DUPLICATE, -one.rows))
        return {
            "rules_broken": [asdict(one) for one in found[:LISTED]],
            "rules_broken_more": max(0, len(found) - LISTED),
            "rules_unasked": self._unasked if self._came_to_an_end else None,
        }

    def stop(self) -> None:
        """End the questions that are still under way."""
        self._stopped = True
        if self._connection is None:
            return
        while self._thread.is_alive():
            broken_rules.cancel_quietly(self._connection)
            self._thread.join(_LOOK_SECONDS)
        close_quietly(self._connection)

    def _run(self, instant: str) -> None:
        try:
            with contextlib.suppress(DatabaseFailure), database_errors():
                if self._connection is not None:
                    self._ask(self._connection, instant)
                    self._came_to_an_end = not self._stopped
        except Exception as error:
            # No backup fails for what is only said beside it; the run tells that nothing was asked.
            logger.error("the rules could not be asked: unexpected %s", type(error).__name__)

    def _ask(self, connection: Connection, instant: str) -> None:
        broken_rules.see_instant(connection, instant)
        questions = broken_rules.questions(connection, *self._tables)
        small = together.small_tables(connection, self._tables[1])
        broken_rules.distrust_indexes(connection)
        known = self._answered_at_once(connection, questions, small)
        for place, question in enumerate(questions):
            if self._stopped:
                return
            rows = known.get(place)
            if rows is None:
                rows = broken_rules.answer(connection, question)
            if rows is None:
                self._unasked += 1
            elif rows or question.kind is Kind.INVALID_INDEX:
                self._found.append(Broken(question.kind, question.table, question.rule, rows))

    def _answered_at_once(
        self, connection: Connection, questions: Sequence[Question], small: Small
    ) -> dict[int, int]:
        """By place, the rows that break a rule, of those that can be asked together, or have none to ask."""
        known = {
            place: 0
            for place, question in enumerate(questions)
            if question.table in small.empty and question.kind is not Kind.INVALID_INDEX
        }
        quick = [
            place
            for place, question in enumerate(questions)
            if place not in known and question.is_quick(small.names)
        ]
        for some in together.some_at_once(quick):
            if self._stopped:
                break
            found = broken_rules.answers(connection, [questions[n] for n in some])
            known |= zip(some, found or (), strict=False)
        return known


@contextlib.contextmanager
def asking(
    instant: str, asked: Sequence[LiveTable], known: Sequence[LiveTable]
) -> Iterator[Asking]:
    """Ask while the block runs; it ends before the block does, whatever happens.

    ``asked``: tables whose rows are read. ``known``: those that nobody can rewrite meanwhile either.
    """
    work = Asking(instant, asked, known)
    work.start()
    try:
        yield work
    finally:
        work.stop()
