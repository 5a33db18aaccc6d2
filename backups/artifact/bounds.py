"""How many of anything a document may have, so that no list of it fills the memory.

Far above what any application has: PostgreSQL itself takes 1,600 columns and 32 in a key.
"""

from collections.abc import Sized

from backups.errors import ArtifactError
from backups.wording import _

MEBIBYTE = 1024 * 1024
# Bytes of one line. A file that very many rows use has a long entry.
HEAD_BYTES = 16 * MEBIBYTE
ENTRY_BYTES = 64 * MEBIBYTE
LIST_BYTES = 16 * MEBIBYTE
INTEGRITY_BYTES = 64 * 1024
# Things of one list.
SECTIONS = 10_000
COLUMNS = 1_600
KEY_COLUMNS = 32
SEQUENCES = 10_000
# Cells with a marker; a writer that has more says it of the column.
ALTERED = 100_000


def require_at_most(most: int, *lists: Sized) -> None:
    """Raises ArtifactError where one of the lists is longer."""
    if any(len(given) > most for given in lists):
        raise ArtifactError(
            "artifact.too_many",
            _("The file has a list that is longer than that of any backup."),
            hint=_("The file was edited. Use another copy of it."),
        )
