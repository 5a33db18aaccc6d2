"""Files that texts hold themselves: ``data:`` addresses (RFC 2397), wherever they stand in a cell.

A column that is declared to locate files is emptied by the server, as it hands out its rows
(``database.data_addresses``). People put pictures elsewhere too: into the HTML of a description, a style, a
document's member, a chat message. Those are found here, and their content does not leave in a Safe file.

Over-eager rather than over-careful: where an address ends is known when it stands in quotes; else all that
may belong to it goes. The cell is listed as altered, so that a restore keeps what is there now.
"""

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Set

import msgspec
from ahocorasick_rs import BytesAhoCorasick, MatchKind

from backups.artifact import raw_json
from backups.artifact.manifest import Column, SectionHead
from backups.artifact.rows import RowCodec
from backups.hunting.cells import members
from backups.hunting.marking import Holds, limit_of

# What stands in its place: an address of the same kind, and a marker as for any other altered cell.
MARKER = b"data:,[redacted:file]"
_MARKED = b"[redacted:file"
_SEARCHED = (Holds.TEXT, Holds.DISTINCT, Holds.DOCUMENT)


def _sign(plain: str, name: str) -> str:
    """A sign as it is, or as HTML, an address or JSON write it."""
    code = ord(plain)
    return (
        rf"(?:\\*{re.escape(plain)}|&{name};|&#0*{code};?|&#x0*{code:x};?|%(?:25)*{code:02x}"
        rf"|\\+u00{code:02x})"
    )


_COLON, _SLASH = _sign(":", "colon"), _sign("/", "sol")
_SEMICOLON, _COMMA = _sign(";", "semi"), _sign(",", "comma")
_WORD = r"(?:[a-z0-9!$^_.+*-]|%2b|&plus;|&#43;){1,127}"
_PARAMETERS = rf"""(?:{_SEMICOLON}(?:[^,"'<>]|=\\*["'][^,"'<>]{{0,200}}["']){{0,300}}?)?"""
_TYPE = rf"\s{{0,8}}{_WORD}{_SLASH}{_WORD}"
# A media type tells an address from a word of a sentence; without one, its beginning must be that of a word.
_HEADS = (
    rf"data{_COLON}{_TYPE}\s*{_PARAMETERS}{_COMMA}",
    rf"""data{_COLON}[^,"'<>\s]{{0,200}}{_SEMICOLON}\s*base64\s*{_COMMA}""",
    rf"(?<![a-z0-9_])data{_COLON}{_PARAMETERS}{_COMMA}",
)
_HEAD = re.compile("|".join(_HEADS).encode(), re.IGNORECASE)
_MAY_BEGIN = re.compile(rb"data(?::|&(?:colon|#)|%|\\)")
_IS_BASE64 = re.compile(rb"base64\s*\S{1,12}\Z", re.IGNORECASE)
_QUOTE = re.compile(
    rb"""(\\*["'`]|&quot;|&apos;|&#0*3[49];?|&#x0*2[27];?|%(?:25)*2[27]|\\+u002[27])\s*\Z""",
    re.IGNORECASE,
)
# Runs of its letters, escaped or not; then further lines, the last of which may be short.
_BASE64 = re.compile(
    rb"(?:\s{1,8}(?=[A-Za-z0-9+/_-]{16}))?(?:[A-Za-z0-9+/=_-]|%[0-9A-Fa-f]{2}|\\(?:[nrt/]|u00[0-9a-f]{2})|&[\w#]{1,8};)*"
    rb"""(?:\s{1,16}[A-Za-z0-9+/_-]{20,}={0,2}(?![^\s"'<>)\]}.,;])"""
    rb"|[ ]{0,8}\r?\n\s{0,8}[A-Za-z0-9+/_-]{2,}={1,2}(?!\S))*"
)
_PLAIN = re.compile(rb"""[^\s"<>`]*""")
# How far before an address its quotation mark is looked for, in bytes.
_BEFORE = 64


def addresses(text: bytes) -> Iterator[tuple[int, int]]:
    """Where each address that holds something begins and ends, in order; none lies in another."""
    place = 0
    while found := _HEAD.search(text, place):
        start, content = found.span()
        end = _end(text, start, content, is_base64=bool(_IS_BASE64.search(found[0])))
        if end > content and not text.startswith(_MARKED, content):
            yield start, end
        place = max(end, content)


def _end(text: bytes, start: int, content: int, *, is_base64: bool) -> int:
    if quote := _QUOTE.search(text, max(0, start - _BEFORE), start):
        return _closing(text, content, quote[1])
    if is_base64:
        return _BASE64.match(text, content).end()  # type: ignore[union-attr]
    if text[content : content + 1].isspace():
        return content
    is_all = start < _BEFORE and not text[:start].strip()
    if is_all or text.startswith((b"<", b"\\u003c"), content):
        return len(text)
    end = _PLAIN.match(text, content).end()  # type: ignore[union-attr]
    within = text.rfind(b")", content, end) if text[start - 1 : start] == b"(" else -1
    return within if within > content else end


def _closing(text: bytes, content: int, quote: bytes) -> int:
    """Where the same mark stands again, as deep in escapes as the first; else the end of all."""
    place = content
    while (place := text.find(quote, place)) >= 0:
        if text[place - 1 : place] != b"\\":
            return place
        place += 1
    return len(text)


class ContentMarker:
    """Takes the rows of one section. ``note`` is told the key and the column of each cell that was altered,
    ``seen`` the digest of each address."""

    def __init__(
        self,
        head: SectionHead,
        holds: Mapping[str, Holds],
        note: Callable[[str | list[str], str], None],
        seen: Callable[[bytes], None],
    ) -> None:
        self._head = head
        self._columns = {column.name: column for column in head.columns}
        self._searched: Set[str] = {n for n in self._columns if holds.get(n) in _SEARCHED}
        self._distinct: Set[str] = {n for n in self._columns if holds.get(n) is Holds.DISTINCT}
        self._note = note
        self._seen = seen
        self._key = RowCodec(head).key
        self._names = {name: msgspec.json.encode(name) for name in self._columns}

    def rows(self, block: bytes) -> bytes:
        """Whole rows, each with its line feed. What holds none comes back as it is, the same object."""
        if not self._searched or not _may_hold(block):
            return block
        return b"".join([self._row(row) + b"\n" for row in block[:-1].split(b"\n")])

    def _row(self, row: bytes) -> bytes:
        if not _may_hold(row):
            return row
        cells = members(row)
        altered = []
        for name, cell in cells.items():
            raw = bytes(cell)
            if name in self._searched and _may_hold(raw):
                without = self._cell(raw, self._columns[name], row)
                if without != raw:
                    cells[name] = msgspec.Raw(without)
                    altered.append(name)
        if not altered:
            return row
        key = self._key(row)
        for name in altered:
            self._note(key[0] if len(key) == 1 else list(key), name)
        parts = [self._names[name] + b":" + bytes(raw) for name, raw in cells.items()]
        return b"{" + b",".join(parts) + b"}"

    def _cell(self, raw: bytes, column: Column, row: bytes) -> bytes:
        limit, padded = limit_of(column.type)
        if column.encoding == "json" or not raw.startswith(b'"'):
            return self._document(raw, limit)
        text = msgspec.json.decode(raw, type=str)
        if column.type == "json":
            without = self._document(text.encode(), None).decode()
        else:
            tag = self._tag(column.name, row) if column.name in self._distinct else b""
            # A text of an array's own form holds elements, and is not limited as one of them.
            without = self._text(text, None if column.type.endswith("[]") else limit, tag)
        if without == text:
            return raw
        return msgspec.json.encode(without.ljust(limit or 0) if padded else without)

    def _document(self, raw: bytes, limit: int | None) -> bytes:
        """A JSON value: each of its strings by itself. Names of members are numbered, to be no two alike."""
        names = 0

        def token(found: re.Match[bytes]) -> bytes:
            nonlocal names
            if not _may_hold(found[0]):
                return found[0]
            text = msgspec.json.decode(found[0], type=str)
            behind = raw_json.value_start(raw, found.end())
            is_name = raw[behind : behind + 1] == b":"
            names += is_name
            without = self._text(text, limit, b"#%d" % names if is_name else b"")
            return found[0] if without == text else msgspec.json.encode(without)

        return _STRING.sub(token, raw)

    def _text(self, text: str, limit: int | None, tag: bytes) -> str:
        given = text.encode()
        parts, place = [], 0
        for start, end in addresses(given):
            self._seen(digest(given[start:end]))
            parts += [given[place:start], MARKER[:-1] + tag + MARKER[-1:]]
            place = end
        if not place:
            return text
        # The marker may be longer than what it stands for.
        return b"".join([*parts, given[place:]]).decode("utf-8", "replace")[:limit]

    def _tag(self, column: str, row: bytes) -> bytes:
        """Tells rows apart, and says nothing of the content."""
        named = "\0".join((self._head.key, column, *self._key(row)))
        return b"#" + hashlib.sha256(named.encode()).hexdigest()[:8].encode()


_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


def digest(address: bytes) -> bytes:
    """By which the same content counts once."""
    return hashlib.sha256(address.strip()).digest()


# How the head of an address may begin, in either case: of so few and short ones the library searches for
# several letters at once, and lets go of the interpreter's lock.
_BEGINNINGS = BytesAhoCorasick(
    [
        bytes(word) + sign
        for word in itertools.product(*zip(b"data", b"DATA", strict=True))
        for sign in (b":", b"&", b"%", b"\\")
    ],
    matchkind=MatchKind.LeftmostFirst,
).find_matches_as_indexes


def _may_hold(text: bytes) -> bool:
    return bool(_BEGINNINGS(text)) and _MAY_BEGIN.search(text.lower()) is not None
