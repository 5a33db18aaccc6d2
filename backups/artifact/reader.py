"""Reads an artifact in our own layout, front to back, within bounded memory.

The caller takes the parts in their order: ``manifest``, ``sections``, ``files``, ``tail``. What was not
taken is read over. ``tail`` proves the digest; whatever was read before it is only believed then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

from backups.artifact import bounds, earlier, members, structure
from backups.artifact.behind import Source
from backups.artifact.lines import Hashing, Lines, damaged, unbase64
from backups.artifact.manifest import Manifest, SectionHead, decode_manifest, not_a_backup
from backups.artifact.tail import (
    AlteredCell,
    FileHead,
    Integrity,
    SectionStatistics,
    Sequence,
    Statistics,
)
from backups.errors import ArtifactError
from backups.wording import _

_CONTENT = b',"content":'
# One of these stands near the beginning of a backup, whatever order its members were put in.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MARKS = (b'"backupsvc/', b'"altered"', b'"application"')


@dataclass(frozen=True)
class Tail:
    sequences: list[Sequence]
    altered: list[AlteredCell]
    statistics: Statistics
    integrity: Integrity


class SectionReader:
    """One section's rows. ``statistics`` is there once ``blocks`` has been used up."""

    def __init__(self, head: SectionHead, source: Lines) -> None:
        self.head = head
        self._source = source
        # Kept here and not in ``blocks``: who stops half way must not lose what was counted.
        self._digest = source.part_digest()
        self._count = self._size = 0
        self._is_ended = True
        self.statistics: SectionStatistics | None = None
        self.is_passed = False

    def blocks(self) -> Iterator[bytes]:
        """Blocks of whole rows, each a JSON object followed by one line feed, as they were given
        to the writer. Called again, it goes on where it was left."""
        while self.statistics is None and (rows := self._source.row_block()):
            if self._count and self._is_ended:
                raise damaged()
            self._is_ended = rows.is_last
            self._digest.update(rows.lines)
            self._count += rows.number
            self._size += len(rows.lines)
            yield rows.lines
        if not self._is_ended:
            raise damaged()
        self.statistics = SectionStatistics(self._count, self._size, self._digest.hexdigest())

    def rows(self) -> Iterator[bytes]:
        """One row at a time, without the line feed."""
        for block in self.blocks():
            yield from block[:-1].split(b"\n")

    def drain(self) -> None:
        if self.statistics is None:
            for _ in self.blocks():
                pass

    def passed(self) -> Iterator[None]:
        """Go on to the end of the section, a block at a time, without a look at its rows: only the digest of
        the document counts them, and ``statistics`` stays None."""
        if self.statistics is None:
            self.is_passed = True
            while self._source.pass_rows():
                yield


class FileReader:
    """One file. Where ``head.state`` is embedded, ``content`` yields its bytes, once.

    After ``content`` the size and hash have been compared with the head's.
    """

    def __init__(self, number: str, head: FileHead, source: Lines, *, has_content: bool) -> None:
        self.number = number
        self.head = head
        self._source = source
        self._pending = has_content

    def content(self) -> Iterator[bytes]:
        if not self._pending:
            return
        self._pending = False
        digest, size = self._source.part_digest(), 0
        for piece in unbase64(self._source.line_in_pieces()):
            digest.update(piece)
            size += len(piece)
            yield piece
        if size != self.head.size_bytes or digest.hexdigest() != self.head.sha256:
            raise damaged()

    def drain(self) -> None:
        for _block in self.content():
            pass


class ArtifactReader:
    """See the module. Every method may raise ArtifactError; nothing else is raised for bad input."""

    def __init__(
        self,
        stream: Source,
        *,
        line_limit_bytes: int,
        hashing: Hashing | None = None,
        most_values: int | None = None,
    ) -> None:
        """``most_values``: of a line of lists, where the limit of a line does not say how many."""
        self._most_values = most_values or bounds.values_within(line_limit_bytes)
        self._source = Lines(stream, line_limit_bytes, hashing or Hashing())
        self._sections: dict[str, SectionStatistics] = {}
        self._passed: set[str] = set()
        self._files = structure.FileCount()
        self._in_data = True
        self._in_files = True
        # Where the first file stands, in bytes; known when all sections have been read.
        self.files_at = 0
        self.manifest = self._read_manifest()

    @property
    def document_bytes(self) -> int:
        """Bytes of the plain document read so far."""
        return self._source.document_bytes

    def sections(self) -> Iterator[SectionReader]:
        """Each section of the manifest, in its order."""
        if not self._in_data:
            return
        self._in_data = False
        last = len(self.manifest.sections) - 1
        for index, head in enumerate(self.manifest.sections):
            self._expect(msgspec.json.encode(head.key) + b": [")
            section = SectionReader(head, self._source)
            yield section
            if section.is_passed:
                self._passed.add(head.key)
            else:
                section.drain()
                assert section.statistics is not None  # noqa: S101 - drained
                self._sections[head.key] = section.statistics
            self._expect(b"]" if index == last else b"],")
        self._expect(b"},")
        self._expect(b'"files": {')
        self.files_at = self._source.place

    def skip_sections(self, files_at: int, known: Mapping[str, SectionStatistics]) -> None:
        """Go to the files of a document that was read before: ``files_at`` is what that reader had, and
        ``known`` what its tail said. That it is the same document, only the digest tells: see ``tail``."""
        self._in_data = False
        self._source.skip_to(files_at)
        self._sections = dict(known)

    def files(self) -> Iterator[FileReader]:
        """Each file entry, in the order of its number."""
        self._finish_sections()
        if not self._in_files:
            return
        self._in_files = False
        number = 0
        while not self._source.peek_line().startswith(b"}"):
            number += 1
            file = self._read_file(str(number))
            self._files.add(file.head)
            yield file
            file.drain()
        self._expect(b"},")

    def tail(self) -> Tail:
        """Everything behind the files, after comparing every digest."""
        self._finish_sections()
        for _file in self.files():
            pass
        sequences = self._member("sequences", list[Sequence])
        altered = self._member("altered", list[AlteredCell])
        bounds.require_at_most(bounds.SEQUENCES, sequences)
        bounds.require_at_most(bounds.ALTERED, altered)
        if not structure.are_cells(altered, self.manifest):
            raise damaged()
        statistics = self._member("statistics", Statistics)
        digest = self._source.digest.hexdigest()
        integrity = self._last_member(Integrity)
        if digest != integrity.digest or not self._agrees(statistics):
            raise damaged()
        return Tail(sequences, altered, statistics, integrity)

    def _read_manifest(self) -> Manifest:
        try:
            line = self._source.line(most=bounds.HEAD_BYTES)
        except ArtifactError as error:
            # One line that never ends: JSON on a single line, or the stump of a file.
            if error.code == "artifact.line_too_long" or b'"data"' in self._source.rest():
                raise _other_layout(self._source.start) from None
            raise earlier.refusal(self._source.start) or error from None
        if line.startswith(_BYTE_ORDER_MARK) and _MARKS[0] in line[:64]:
            raise _marked()
        if not (line.endswith(b",") and self._source.peek_line() == b'"data": {'):
            raise _other_layout(self._source.start)
        head = line[:-1] + b"}"
        manifest = decode_manifest(head, self._most_values)
        # Who decodes does not see the order, and other formatting is read elsewhere.
        if not members.in_order(head, Manifest.__struct_fields__):
            raise _other_layout(self._source.start)
        self._source.line()
        return manifest

    def _finish_sections(self) -> None:
        for _section in self.sections():
            pass

    def _read_file(self, number: str) -> FileReader:
        line = self._source.line(most=bounds.ENTRY_BYTES)
        prefix = msgspec.json.encode(number) + b": "
        has_content = line.endswith(_CONTENT)
        body = line[len(prefix) :].removesuffix(b",")
        if has_content:
            body = line[len(prefix) : -len(_CONTENT)] + b"}"
        head = self._decode(body, FileHead)
        if not line.startswith(prefix) or has_content != (head.state == "embedded"):
            raise damaged()
        if not structure.is_whole_entry(head) or structure.has_nul(head):
            raise damaged()
        return FileReader(number, head, self._source, has_content=has_content)

    def _agrees(self, statistics: Statistics) -> bool:
        known = {k: v for k, v in statistics.sections.items() if k not in self._passed}
        return (
            known == self._sections
            and statistics.sections.keys() >= self._passed
            and structure.rows_agree(statistics)
            and self._files.agrees(statistics.files)
        )

    def _member(self, name: str, kind: Any) -> Any:
        line = self._source.line(most=bounds.LIST_BYTES)
        prefix = f'"{name}": '.encode()
        if not line.startswith(prefix) or not line.endswith(b","):
            raise damaged()
        return self._decode(line[len(prefix) : -1], kind)

    def _last_member(self, kind: Any) -> Any:
        line = self._source.line(counted=False, most=bounds.INTEGRITY_BYTES)
        prefix = b'"integrity": '
        if not line.startswith(prefix) or not line.endswith(b"}") or self._source.rest():
            raise damaged()
        return self._decode(line[len(prefix) : -1], kind)

    def _decode(self, raw: bytes, kind: Any) -> Any:
        bounds.require_few_values(raw, self._most_values)
        # Of the keys that an entry names the plan says what they are not.
        has_nul = kind is not FileHead and members.holds_nul(raw)
        if members.named_twice(raw) or has_nul:
            raise damaged()
        try:
            return msgspec.json.decode(raw, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise damaged() from None

    def _expect(self, line: bytes) -> None:
        if self._source.line() != line:
            self._refuse_line()

    def _refuse_line(self) -> NoReturn:
        raise damaged()


def _marked() -> ArtifactError:
    return ArtifactError(
        "artifact.layout",
        _("The file begins with a byte order mark, which an editor has put there."),
        hint=_(
            "Use the file as it was downloaded. If there is no other, and you trust who had it, accept"
            " it as an altered file."
        ),
    )


def _other_line_ends() -> ArtifactError:
    return ArtifactError(
        "artifact.layout",
        _("The file's lines end as on Windows (CR LF): a program has changed them on the way."),
        hint=_(
            "Use the file as it was downloaded, or send it inside a ZIP archive. If there is no other, and"
            " you trust who had it, accept it as an altered file."
        ),
    )


def _other_layout(start: bytes) -> ArtifactError:
    if found := earlier.refusal(start):
        return found
    if not any(mark in start for mark in _MARKS) and start.strip() != b"{":
        return not_a_backup()
    if start.startswith(_BYTE_ORDER_MARK):
        return _marked()
    if b',\r\n"data": {\r\n' in start:
        return _other_line_ends()
    return ArtifactError(
        "artifact.layout",
        _("The file has been reformatted: its lines are not the ones that were written."),
        hint=_(
            "Use the file as it was downloaded. If there is no other, and you trust who had it, accept"
            " it as an altered file."
        ),
    )
