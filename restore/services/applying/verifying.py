"""Whether what was written is the file's: in the server, beside the rows that waited, or read back as a
backup would."""

from collections.abc import Collection, Sequence

from backups.database import together
from backups.database.table_reading import primary_key_columns
from backups.services.progress import Progress
from backups.stages import Stage
from restore.database.targets import Target
from restore.database.transaction import RestoreTransaction
from restore.database.verification import RowsDigest, many_as_waiting, rows_as_waiting
from restore.database.waiting_tables import WaitingTable
from restore.services.planning import proving
from restore.services.planning.staging import Prepared


class Verification:
    """``left_out``: tables of which rows of the file were left out, as was chosen."""

    def __init__(
        self,
        work: RestoreTransaction,
        file: Prepared,
        progress: Progress,
        left_out: Collection[str],
    ) -> None:
        self._work = work
        self._file = file
        self._progress = progress
        self._left_out = left_out

    def verify(self, targets: Sequence[Target]) -> None:
        """Compare every row of the targets with the file. Raises RestoreError where one differs."""
        self._progress.stage(Stage.VERIFYING, rows_done=0, sections_done=0)
        known = self._many_as_waiting(targets)
        for target in targets:
            self._progress.section(target.head.key)
            rows = known.get(target.table.name)
            if rows is None:
                rows = self._rows_as_waiting(target)
            if rows is None:
                rows = self._rows_as_printed(target)
            self._progress.add(rows_done=counts(target) * rows, sections_done=counts(target))

    def _rows_as_waiting(self, target: Target) -> int | None:
        """Rows that waited stand for the file: they were proven, or are what is expected themselves.
        None where that cannot be told, or not that way."""
        if not self._can_stand(target):
            return None
        return rows_as_waiting(self._work.connection, *self._waiting_by_key(target))

    def _can_stand(self, target: Target) -> bool:
        name = target.table.name
        stands = name in self._file.proven or not proving.is_comparable(self._file, target)
        key = primary_key_columns(target.reading.section.model)
        return stands and proving.is_told_apart_by(key, name, self._file.rules)

    def _waiting_by_key(self, target: Target) -> tuple[WaitingTable, tuple[str, ...]]:
        key = primary_key_columns(target.reading.section.model)
        return self._file.waiting[target.table.name], key

    def _many_as_waiting(self, targets: Sequence[Target]) -> dict[str, int]:
        """Of tables with few rows, by name, how many are the waiting ones; of others nothing."""
        few = [
            target
            for target in targets
            if self._file.rows_of(target) <= together.FEW_ROWS and self._can_stand(target)
        ]
        found: dict[str, int] = {}
        for some in together.some_at_once(few):
            self._progress.check()
            asked = [self._waiting_by_key(target) for target in some]
            found |= many_as_waiting(self._work.connection, asked)
        return found

    def _rows_as_printed(self, target: Target) -> int:
        """Raises RestoreError where the rows, read back as a backup would, are not those expected."""
        found = self._work.digest(target.reading)
        if found != self._expected(target):
            raise proving.differs(target)
        return found.rows

    def _expected(self, target: Target) -> RowsDigest:
        """The file's own digest. Where rows were converted, or somebody else's software printed them,
        that of the waiting rows: equal values may be written differently."""
        whole = target.table.name not in self._left_out
        if whole and proving.is_comparable(self._file, target):
            return proving.of_file(self._file, target)
        waiting = self._file.waiting[target.table.name]
        return self._work.digest(target.reading_of(waiting.relation))


def counts(target: Target) -> int:
    """Django's own tables are counted apart."""
    return int(not target.reading.section.framework)
