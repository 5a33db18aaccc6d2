"""What is asked of every table that is replaced: which rows change, go, come, and are there now.

Tables of few rows are asked together, the others one by one.
"""

from collections.abc import Callable, Mapping, Sequence

from backups.database import together
from backups.database.connection import Connection
from backups.database.introspection import LiveTable, Source
from backups.database.table_reading import primary_key_columns
from backups.registry.access import flags
from restore.database import identities, questions, side_by_side
from restore.database.comparing import Difference
from restore.database.side_by_side import Asked, Compared
from restore.database.targets import Target
from restore.plan import Choices
from restore.services.planning.following import identity_of, state_columns
from restore.services.planning.people import counts_all
from restore.services.planning.remembering import Answers
from restore.services.planning.staging import Prepared

_ALIKE = Compared(Difference(), Difference(), 0)


class Replacing:
    """``now``: by table, how many rows there are. ``current`` yields those of which current values can be
    kept, ``columns`` names those whose difference is a change. ``answers`` may know some, and learns more."""

    def __init__(
        self,
        connection: Connection,
        file: Prepared,
        answers: Answers,
        now: Mapping[str, int],
        current: Callable[[LiveTable], Source],
        columns: Callable[[Target], list[str]],
    ) -> None:
        self._connection = connection
        self._file = file
        self._answers = answers
        self._now = now
        self._current = current
        self._columns = columns

    def ask_of_many(self) -> None:
        """Everything of the tables with few rows, for ``compared`` and ``pairs`` to be told."""
        few = [t for t in self._file.matched.targets if self._most_rows(t) <= together.FEW_ROWS]
        for target in few:
            if not self._most_rows(target):
                self._answers.learn(target.table, "compared", _ALIKE)
                self._answers.learn(target.table, "pairs", 0)
        # Most tables of a studio are what they were, and that is sooner found than how others differ.
        for some in together.some_at_once(self._unknown("compared", few)):
            asked = [self._asked(target) for target in some]
            for name in side_by_side.alike(self._connection, asked):
                self._answers.learn(self._file.tables[name], "compared", _ALIKE)
        for some in together.some_at_once(self._unknown("compared", few)):
            asked = [self._asked(target) for target in some]
            for target, found in zip(
                some, side_by_side.compare_if_possible(self._connection, asked), strict=False
            ):
                self._answers.learn(target.table, "compared", found)
        redacted = [target for target in few if target.redacted]
        for some in together.some_at_once(self._unknown("pairs", redacted)):
            numbers = together.numbers(self._connection, [self._pairs(t) for t in some])
            for target, number in zip(some, numbers, strict=True):
                self._answers.learn(target.table, "pairs", number)

    def compared(self, target: Target) -> Compared:
        """What changes, what goes, and how many rows come."""
        return self._answers.of_table(
            target.table,
            "compared",
            lambda: side_by_side.compare_apart(self._connection, self._asked(target)),
        )

    def pairs(self, target: Target) -> int:
        """How many rows of the file are here now."""
        return self._answers.of_table(
            target.table, "pairs", lambda: questions.ask(self._connection, self._pairs(target))
        )

    def _unknown(self, question: str, targets: Sequence[Target]) -> list[Target]:
        return [target for target in targets if not self._answers.know(target.table, question)]

    def _most_rows(self, target: Target) -> int:
        """Of the file or of now."""
        return max(self._file.rows_of(target), self._now[target.table.name])

    def _asked(self, target: Target) -> Asked:
        waiting = self._file.waiting[target.table.name]
        key = primary_key_columns(target.reading.section.model)
        return Asked(waiting, key, self._columns(target))

    def _pairs(self, target: Target) -> together.Query:
        waiting = self._file.waiting[target.table.name]
        identity = identity_of(self._file, target.reading.section)
        return identities.count_pairs(waiting, self._current(target.table), identity)


def compared_columns(file: Prepared, choices: Choices, target: Target) -> list[str]:
    """The columns whose difference is a change: what choices keep as it is now is none."""
    section = target.reading.section
    kept: list[str] = []
    if choices.keep_revoked:
        kept += state_columns(section, section.revoked)
    if section.accounts and not counts_all(file, choices):
        named = section.accounts
        kept += state_columns(
            section, (named.role, named.password, named.email, *named.active, *flags(section))
        )
    return [name for name in (*target.live_columns, *target.fills) if name not in kept]
