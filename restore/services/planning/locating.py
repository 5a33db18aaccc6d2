"""Where in a file a refused row stands: section, row number, and key if it may be shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backups.artifact.reader import SectionReader
from backups.artifact.rows import RowCodec
from backups.database.table_reading import key_is_secret
from backups.errors import BackupSystemError
from backups.registry import Registry
from backups.services import vault
from backups.wording import Sentence, _
from restore.database.failures import RowRefused, place_in_file


@contextmanager
def places(path: Path, declared: Registry) -> Iterator[None]:
    """Add section, row and key to what the database objects to inside the block."""
    try:
        yield
    except RowRefused as error:
        raise with_place(error, path, declared) from error


def with_place(error: RowRefused, path: Path, declared: Registry) -> RowRefused:
    """The same refusal, with its place in the message. Reads the file again; finds nothing rather
    than raise another error."""
    placed = refusal_in_the_file(error, path, declared)
    message = _("{refusal} Nothing was changed.", refusal=placed)
    return RowRefused(error.code, message, hint=error.hint)


def refusal_in_the_file(error: RowRefused, path: Path, declared: Registry) -> Sentence:
    """The refusal and where the refused row stands; the refusal alone where that is not found."""
    try:
        place = _place(error, path, declared)
    except BackupSystemError:
        place = _section(error.section) if error.section else None
    if place is None:
        return error.message
    return _("{refusal} In the file: {place}.", refusal=error.message, place=place)


def _place(error: RowRefused, path: Path, declared: Registry) -> Sentence | None:
    with vault.reader(path) as reader:
        for section in reader.sections():
            head = section.head
            if head.key == error.section or (not error.section and head.table == error.table):
                number, row = _find(error, section)
                return _described(section, number, row, declared)
    return None


def _find(error: RowRefused, section: SectionReader) -> tuple[int, bytes | None]:
    codec = RowCodec(section.head)
    names = section.head.column_names()
    wanted = {names.index(c): v for c, v in error.looked_up.items() if c in names}
    for number, row in enumerate(section.rows(), start=1):
        if error.row == number:
            return number, row
        if not error.row and wanted:
            cells = codec.cells(row)
            if all(cells[index] == value for index, value in wanted.items()):
                return number, row
    return 0, None


def _section(key: str) -> Sentence:
    return _("section {section}", section=key)


def _described(
    section: SectionReader, number: int, row: bytes | None, declared: Registry
) -> Sentence:
    head = section.head
    if row is None:
        return _section(head.key)
    known = declared.by_key().get(head.key)
    is_shown = known is not None and not key_is_secret(known)
    return place_in_file(head.key, number, RowCodec(head).key(row) if is_shown else None)
