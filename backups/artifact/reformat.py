"""A document of any other formatting, or one that was edited, written again in our own layout.

Tools that open and save JSON indent it, sort its keys or escape its letters. What they leave is still the
same document, member by member, but nothing proves that it is unchanged: the result is sealed with a
digest of its own and no signature, so that it counts as foreign.

Works on a plain file by its offsets, so that members may stand in any order. Rows are carried over as the
characters they are written with; only blanks between tokens go. Never holds more than a row.
"""

import binascii
import json
import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from backups.artifact import bounds
from backups.artifact.lines import damaged, truncated
from backups.artifact.manifest import Manifest, SectionHead, decode_manifest, not_a_backup
from backups.artifact.tail import (
    AlteredCell,
    FileHead,
    FileStatistics,
    Integrity,
    Sequence,
)
from backups.artifact.writer import ArtifactWriter, Sink
from backups.errors import ArtifactError
from backups.wording import _

# Deeper nesting than any backup has; recursion in parsers ends much later.
DEEPEST = 200
CONTENT_BYTES = 256 * 1024  # a multiple of four

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*")
_SCALAR = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\]}]+', re.DOTALL)
_BETWEEN = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+', re.DOTALL)

Span = tuple[int, int]
_MEMBERS = ("data", "files", "sequences", "altered", "statistics", "integrity")


def reformat(plain: Path, sink: Sink) -> None:
    """Write the document in ``plain`` to ``sink`` in our layout. Raises ArtifactError."""
    with plain.open("rb") as stream:
        try:
            document = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise not_a_backup() from None
        with document:
            _Reformatter(document).write(sink)


class _Reformatter:
    def __init__(self, document: mmap.mmap) -> None:
        self._text = document
        start = 3 if document[:3] == b"\xef\xbb\xbf" else 0
        self._top = dict(self._members(self._skip_space(start)))

    def write(self, sink: Sink) -> None:
        manifest = self._manifest()
        writer = ArtifactWriter(sink)
        writer.start(manifest)
        self._write_rows(writer, manifest)
        writer.begin_files()
        files = self._write_files(writer)
        writer.finish(
            sequences=self._decode("sequences", list[Sequence]),
            altered=self._decode("altered", list[AlteredCell]),
            files=files,
            seal=lambda digest: Integrity("sha256", digest, key_id="", hmac=""),
        )

    def _manifest(self) -> Manifest:
        given = {name: span for name, span in self._top.items() if name not in _MEMBERS}
        # In the order of the format, whatever it was; ones that are not of it are refused behind.
        names = [name for name in Manifest.__struct_fields__ if name in given]
        head = {name: given[name] for name in dict.fromkeys([*names, *given])}
        parts = [json.dumps(name).encode() + b":" + self._raw(span) for name, span in head.items()]
        return decode_manifest(b"{" + b",".join(parts) + b"}")

    def _write_rows(self, writer: ArtifactWriter, manifest: Manifest) -> None:
        sections = dict(self._members(self._span("data")[0]))
        if sections.keys() != {head.key for head in manifest.sections}:
            raise damaged()
        for head in manifest.sections:
            writer.begin_section(head.key)
            for number, span in enumerate(self._elements(sections[head.key][0]), start=1):
                writer.rows(self._row(head, number, span))
            writer.end_section()

    def _row(self, head: SectionHead, number: int, span: Span) -> bytes:
        raw = self._raw(span)
        try:
            json.loads(raw, object_pairs_hook=_distinct)
        except (ValueError, RecursionError):
            raise ArtifactError(
                "artifact.row",
                _(
                    "A row is not well-formed JSON, or names a column twice"
                    " (section {section}, row {row}).",
                    section=head.key,
                    row=number,
                ),
                hint=_("The file was edited. Use another copy of it."),
            ) from None
        return _BETWEEN.sub(rb"\1", raw) + b"\n"

    def _write_files(self, writer: ArtifactWriter) -> FileStatistics:
        entries = sorted(self._members(self._span("files")[0]), key=lambda item: _number(item[0]))
        counted = dict.fromkeys(("embedded", "skipped", "gap"), 0)
        locators = size = 0
        for _key, span in entries:
            members = dict(self._members(span[0]))
            content = members.pop("content", None)
            parts = [json.dumps(n).encode() + b":" + self._raw(part) for n, part in members.items()]
            head = _decoded(b"{" + b",".join(parts) + b"}", FileHead)
            if (content is not None) != (head.state == "embedded"):
                raise damaged()
            writer.file(head, self._content(content) if content else ())
            counted[head.state] += 1
            locators += len(head.locators)
            size += (head.size_bytes or 0) if content else 0
        kept = self._statistics_of_files()
        return msgspec.structs.replace(
            kept,
            locators=locators if entries else kept.not_included,
            embedded=counted["embedded"],
            embedded_bytes=size,
            skipped=counted["skipped"],
            gaps=counted["gap"],
        )

    def _statistics_of_files(self) -> FileStatistics:
        class Probe(msgspec.Struct):
            files: FileStatistics

        found: Probe = self._decode("statistics", Probe)
        return found.files

    def _content(self, span: Span) -> Iterator[bytes]:
        """The bytes of a base64 string; some tools write ``/`` as ``\\/``."""
        start, end = span[0] + 1, span[1] - 1
        rest = b""
        while start < end:
            piece = self._text[start : min(end, start + CONTENT_BYTES)]
            start += len(piece)
            rest += piece
            if start < end and rest.endswith(b"\\"):
                continue
            letters = rest.replace(b"\\/", b"/")
            whole = len(letters) if start >= end else len(letters) // 4 * 4
            rest = letters[whole:]
            if start < end and b"=" in letters[:whole]:
                raise damaged()
            try:
                yield binascii.a2b_base64(letters[:whole], strict_mode=True) if whole else b""
            except binascii.Error:
                raise damaged() from None

    def _span(self, name: str) -> Span:
        try:
            return self._top[name]
        except KeyError:
            raise damaged() from None

    def _raw(self, span: Span) -> bytes:
        return self._text[span[0] : span[1]]

    def _decode(self, name: str, kind: Any) -> Any:
        return _decoded(self._raw(self._span(name)), kind)

    def _members(self, start: int) -> Iterator[tuple[str, Span]]:
        """Each member of the object that begins at ``start``. Raises where a name stands twice."""
        seen = set()
        for name_span in self._items(start, b"{", b"}"):
            name = _decoded(self._raw(name_span), str)
            if name in seen:
                raise damaged()
            seen.add(name)
            colon = self._skip_space(name_span[1])
            if self._text[colon : colon + 1] != b":":
                raise damaged()
            value = self._value(self._skip_space(colon + 1))
            self._continue_at = value[1]
            yield name, value

    def _elements(self, start: int) -> Iterator[Span]:
        """Each element of the array that begins at ``start``."""
        yield from self._items(start, b"[", b"]")

    def _items(self, start: int, opening: bytes, closing: bytes) -> Iterator[Span]:
        """What begins behind the opening bracket and behind each comma, up to the closing one.

        ``_continue_at`` says where a member's value ended; an element ends where it ends itself.
        """
        if self._text[start : start + 1] != opening:
            raise damaged()
        position = self._skip_space(start + 1)
        if self._text[position : position + 1] == closing:
            return
        while True:
            item = self._value(position)
            self._continue_at = item[1]
            yield item
            position = self._skip_space(self._continue_at)
            mark = self._text[position : position + 1]
            if mark == closing:
                return
            if mark != b",":
                raise damaged() if mark else truncated()
            position = self._skip_space(position + 1)

    def _value(self, start: int) -> Span:
        """The span of the value that begins at ``start``."""
        first = self._text[start : start + 1]
        if first not in (b"{", b"["):
            found = _SCALAR.match(self._text, start)
            if not found:
                raise truncated()
            return found.span()
        depth = 0
        for token in _TOKEN.finditer(self._text, start):
            mark = token[0]
            if mark in (b"{", b"["):
                depth += 1
                if depth > DEEPEST:
                    raise _too_deep()
            elif mark in (b"}", b"]"):
                depth -= 1
                if depth == 0:
                    return start, token.end()
        raise truncated()

    def _skip_space(self, start: int) -> int:
        found = _SPACE.match(self._text, start)
        return found.end() if found else start


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")


def _decoded(raw: bytes, kind: Any) -> Any:
    bounds.require_few_values(raw)
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise damaged() from None


def _number(name: str) -> int:
    if not (name.isascii() and name.isdigit() and len(name) < 19):
        raise damaged()
    return int(name)


def _too_deep() -> ArtifactError:
    return ArtifactError(
        "artifact.too_deep",
        _("The file is nested deeper than any backup."),
        hint=_("Use the file as it was downloaded."),
    )
