"""One row of an artifact into one line of PostgreSQL's COPY text format, losing nothing.

What a cell means follows from its column's declared type and encoding, never from its looks: numbers
and embedded JSON are carried over as the characters they are written with.
COPY's text format: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
"""

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import msgspec

from backups.artifact import raw_json, structure
from backups.artifact.manifest import Column, SectionHead
from backups.artifact.native import FLOATS, INTEGERS, split_type
from backups.errors import ArtifactError
from backups.wording import _

NULL = "\\N"
# Bytes. Arrays that are longer are not decoded at one go.
LONG_ARRAY = 256 * 1024
# Structures are made once for rows of the same columns: a file is read more than once, and so is its twin.
SHAPES_KEPT = 256
_ONE_ELEMENT = rb'[ \t]*+(?:"(?:[^"\\]++|\\.)*+"|[^",\[\]{} \t]++)[ \t]*+'
# Many elements of an array, each with the comma behind it; and the last one.
_ELEMENTS = re.compile(rb"(?:" + _ONE_ELEMENT + rb",){1,20000}+").match
_LAST_ELEMENT = re.compile(_ONE_ELEMENT + rb"\]\Z").match

_ESCAPED_NUL = b"\\u0000"
# What may stand in a line and must not reach COPY as it is. Without any of them nothing is escaped.
_NEEDS_CARE = re.compile(rb"[\\\t\r]").search
_NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][+-]?\d+)?").fullmatch
# msgspec's own rule for the names of fields.
NO_FIELD_NAME = re.compile(r"[\"\\\x00-\x1f]").search
# PostgreSQL writes such numbers out. A float has no such exponent, and what it prints itself has none.
_EXPONENT = r"[0-9.][eE][+-]?0*([1-9][0-9]{3,})"
_find_long_number = re.compile(rb"[:\[, {(]-?[0-9.]*" + _EXPONENT.encode()).search
_begins_with_long_number = re.compile(rb"-?[0-9.]*" + _EXPONENT.encode()).match
_exponents = re.compile(_EXPONENT).finditer
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"')
# What may be one, without its signs: all that stands before a number alike, and all of which it consists.
_ALIKE = bytes.maketrans(b"123456789.E[, {(", b"0000000000e:::::")
_MAY_BE_LONG = b"0e0000"
# Letters that are looked at in front of an exponent; a number with more before it is looked at by itself.
_LOOKED_AT = 64
# The digits of one cell, at most. PostgreSQL takes no number that is longer than 131,072.
MOST_DIGITS = 1_000_000
_NOT_FINITE = {b'"NaN"': "NaN", b'"Infinity"': "Infinity", b'"-Infinity"': "-Infinity"}

Cell = Any
Convert = Callable[[Cell], str | None]


class RowCodec:
    """Decodes the rows of one section. Made once, used for each row; what is needed for that is made at the
    first row, as many sections have none that anybody looks at by itself."""

    def __init__(self, head: SectionHead) -> None:
        self._head = head
        self._key = [head.column_names().index(name) for name in head.primary_key]

    @functools.cached_property
    def _decode(self) -> Callable[[bytes], Sequence[Cell]]:
        if any(NO_FIELD_NAME(name) for name in self._head.column_names()):
            split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
            return _member_decoder(self._head, split)
        return _struct_decoder(self._head.columns)

    @functools.cached_property
    def _decode_deep(self) -> Callable[[bytes], Sequence[Cell]]:
        return _member_decoder(self._head, raw_json.whole_object)

    @functools.cached_property
    def _raw(self) -> Sequence[int]:
        return [
            index
            for index, column in enumerate(self._head.columns)
            if column.encoding == "json" or _shape(column) is msgspec.Raw
        ]

    @functools.cached_property
    def _convert(self) -> Sequence[Convert | None]:
        return [_converter(column) for column in self._head.columns]

    def cells(self, row: bytes) -> list[str | None]:
        """Each cell as PostgreSQL prints it, None for NULL. Raises ArtifactError ``artifact.row``."""
        try:
            try:
                decoded = self._decode(row)
            except RecursionError:
                # PostgreSQL nests jsonb many times deeper than Python calls.
                decoded = self._decode_deep(row)
            if structure.row_names_twice(row, decoded, self._raw):
                raise ValueError("a name stands twice")
            if _ESCAPED_NUL in row:
                _require_no_nul(decoded)
            return [
                cell if convert is None else convert(cell)
                for convert, cell in zip(self._convert, decoded, strict=True)
            ]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise self._refusal(error) from None

    def copy_line(self, row: bytes) -> str:
        """The row as one line of COPY's text format, without the line feed."""
        return copy_text(self.cells(row), careful=needs_care(row))

    def key(self, row: bytes) -> tuple[str, ...]:
        """The row's primary key, part by part."""
        cells = self.cells(row)
        return tuple(cells[index] or "" for index in self._key)

    def _refusal(self, error: Exception) -> ArtifactError:
        column = self._column_of(str(error))
        section = self._head.key
        return ArtifactError(
            "artifact.row",
            _(
                "A row of section {section} does not have the declared form, column {column}.",
                section=section,
                column=column,
            )
            if column
            else _("A row of section {section} does not have the declared form.", section=section),
            hint=_("The file was edited or is damaged. Use another copy of it."),
        )

    def _column_of(self, message: str) -> str:
        """msgspec ends its messages with the path, such as ``- at `$.name```; only names we know."""
        found = re.search(r"\$\.([^`\[\.]+)", message) or re.search(r"field `([^`]+)`", message)
        return found[1] if found and found[1] in self._head.column_names() else ""


@functools.lru_cache(SHAPES_KEPT)
def _struct_decoder(columns: Sequence[Column]) -> Callable[[bytes], Sequence[Cell]]:
    """The fast way: one structure for the whole row."""
    names = [f"c{index}" for index in range(len(columns))]
    shape = msgspec.defstruct(
        "Row",
        [_field(name, column) for name, column in zip(names, columns, strict=True)],
        rename=dict(zip(names, (column.name for column in columns), strict=True)),
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )
    decode, as_tuple = msgspec.json.Decoder(shape).decode, msgspec.structs.astuple
    return lambda row: as_tuple(decode(row))


def _member_decoder(
    head: SectionHead, split: Callable[[bytes], dict[str, msgspec.Raw]]
) -> Callable[[bytes], Sequence[Cell]]:
    """The same, member by member: for names that no structure of msgspec's can have, and for depth."""
    decoders = [(c, msgspec.json.Decoder(_shape(c)).decode) for c in head.columns]
    known = set(head.column_names())

    def decode(row: bytes) -> Sequence[Cell]:
        members = split(row)
        if not members.keys() <= known:
            raise ValueError("unknown member")
        cells: list[Cell] = []
        for column, decode_cell in decoders:
            raw = members.get(column.name)
            if column.encoding == "json":
                cells.append(raw or msgspec.Raw())
            elif raw is None:
                raise ValueError(f"missing field `{column.name}`")
            else:
                cells.append(decode_cell(raw))
        return cells

    return decode


def needs_care(row: bytes) -> bool:
    """Whether cells of this row may hold what COPY's text format must escape."""
    return _NEEDS_CARE(row) is not None


def copy_text(cells: Sequence[str | None], *, careful: bool) -> str:
    """Cells as one line of COPY's text format. ``careful`` escapes what must be escaped."""
    if careful:
        return "\t".join([NULL if cell is None else _escaped(cell) for cell in cells])
    return "\t".join([NULL if cell is None else cell for cell in cells])


def _escaped(cell: str) -> str:
    """Faster than one ``translate``, which goes through every letter in Python's own tables."""
    if "\\" in cell:
        cell = cell.replace("\\", "\\\\")
    if "\n" in cell:
        cell = cell.replace("\n", "\\n")
    if "\r" in cell:
        cell = cell.replace("\r", "\\r")
    if "\t" in cell:
        cell = cell.replace("\t", "\\t")
    return cell


def _require_no_nul(cells: Sequence[Cell]) -> None:
    """PostgreSQL has no text with a NUL."""
    if any(isinstance(cell, str) and "\0" in cell for cell in cells):
        raise ValueError("NUL")


def _field(name: str, column: Column) -> tuple[Any, ...]:
    if column.encoding == "json":
        # An absent key is SQL NULL; the empty Raw stands for it.
        return (name, msgspec.Raw, msgspec.Raw())
    return (name, _shape(column))


def _shape(column: Column) -> Any:
    if column.encoding == "text":
        return str | None
    base, array = split_type(column.type)
    if array:
        # Decoded by hand: a list where it is plain, PostgreSQL's own form in a string elsewhere.
        return msgspec.Raw
    if base == "boolean":
        return bool | None
    if base in INTEGERS:
        bits = INTEGERS[base]
        return Annotated[int, msgspec.Meta(ge=-(2**bits), le=2**bits - 1)] | None
    if base in FLOATS:
        return msgspec.Raw
    return str | None


def _converter(column: Column) -> Convert | None:
    """What makes PostgreSQL's printed form out of a decoded cell; None where it is that already."""
    if column.encoding == "json":
        return _json
    if column.encoding == "text":
        return _numbers if may_swell(column) else None
    base, array = split_type(column.type)
    if array:
        return _array_converter(base)
    if base == "boolean":
        return _boolean
    if base in INTEGERS:
        return _integer
    if base in FLOATS:
        return print_float
    return None


def _text(cell: str | None) -> str | None:
    if cell is not None and "\0" in cell:
        raise ValueError("NUL")
    return cell


def _boolean(cell: bool | None) -> str | None:
    return None if cell is None else _flag(cell)


def _flag(cell: bool) -> str:
    return "t" if cell else "f"


def _integer(cell: int | None) -> str | None:
    return None if cell is None else str(cell)


def print_float(cell: msgspec.Raw | bytes) -> str | None:
    """A float as it stands in a row. Raises ValueError."""
    raw = bytes(cell)
    if raw == b"null":
        return None
    if _NUMBER(raw):
        return raw.decode("ascii")
    return _not_finite(raw)


def is_float(raw: bytes) -> bool:
    """Whether a cell of a column of floats is one, as it stands in a row."""
    return raw == b"null" or _NUMBER(raw) is not None or raw in _NOT_FINITE


def _not_finite(raw: bytes) -> str:
    try:
        return _NOT_FINITE[raw]
    except KeyError:
        raise ValueError("not a number") from None


def _json(cell: msgspec.Raw) -> str | None:
    raw = bytes(cell)
    if not raw:
        return None
    # Of a long cell each copy counts, so only two are there at a time.
    is_long = has_long_numbers(raw)
    text = raw.decode("utf-8")
    del raw
    if "\\u0000" in text and _has_nul(text):
        raise ValueError("NUL")
    if is_long:
        _require_short(_STRING.sub("", text))
    return text


def has_long_numbers(rows: bytes) -> bool:
    """Whether a number with an exponent of four digits or more stands among them, or at the very beginning.

    A pattern alone would be tried at each letter, which takes as long as decoding them; and identifiers are
    full of what looks like an exponent.
    """
    alike = rows.translate(_ALIKE, b"+-")
    place = alike.find(_MAY_BE_LONG)
    while place >= 0:
        before = alike[max(0, place - _LOOKED_AT) : place].rstrip(b"0")
        if not before or before.endswith(b":"):
            return bool(_begins_with_long_number(rows) or _find_long_number(rows))
        place = alike.find(_MAY_BE_LONG, place + 2)
    return False


def _numbers(cell: str | None) -> str | None:
    if cell is not None:
        _require_short(cell)
    return cell


def _require_short(text: str) -> None:
    """A few letters may stand for a gigabyte that no backup could hold any more."""
    digits = 0
    for found in _exponents(text):
        digits += min(int(found[1][:9]), MOST_DIGITS)
        if digits > MOST_DIGITS:
            raise ValueError("numbers that are too long")


def may_swell(column: Column) -> bool:
    """Whether one cell holds any number of numbers of any length."""
    kind = column.type
    return kind == "jsonb" or (kind.startswith("num") and ("[]" in kind or "range" in kind))


def _has_nul(text: str) -> bool:
    """Whether ``\\u0000`` stands there as an escape, that is, after an even number of backslashes."""
    # Possessive: a run of backslashes would else be remembered one by one, forty bytes for each.
    return re.search(r"(?<!\\)(?:\\\\)*+\\u0000", text) is not None


def _array_converter(base: str) -> Convert:
    short = _short_array_converter(base, _array_elements(base))

    def convert(cell: msgspec.Raw) -> str | None:
        raw = memoryview(cell)
        if len(raw) < LONG_ARRAY or bytes(raw[:1]) != b"[":
            return short(cell)
        return "{" + ",".join([(short(piece) or "")[1:-1] for piece in _array_pieces(raw)]) + "}"

    return convert


def _array_pieces(raw: memoryview) -> Iterator[msgspec.Raw]:
    """A long array as shorter ones: all elements at once take many times the memory of what they are
    written with. Raises ValueError."""
    place = 1
    while found := _ELEMENTS(raw, place):
        yield msgspec.Raw(b"[" + raw[place : found.end() - 1] + b"]")
        place = found.end()
    if not _LAST_ELEMENT(raw, place):
        raise ValueError("not an array of plain values")
    yield msgspec.Raw(b"[" + raw[place:])


def array_printer(base: str) -> Callable[[list[Any] | str | None], str | None]:
    """What prints decoded arrays of a type that is no float. Raises ValueError for what is none."""
    render = _rendering(_array_elements(base))
    return lambda value: _array(value, render)


def _rendering(element: Any) -> Callable[[Any], str]:
    if element is str:
        return _quoted
    return _flag if element is bool else str


def _element(raw: bytes) -> str:
    """A float in an array, where none is ``null``."""
    cell = print_float(raw)
    if cell is None:
        raise ValueError("null in an array")
    return cell


def _short_array_converter(base: str, element: Any) -> Convert:
    decode = msgspec.json.Decoder(list[element] | str | None).decode
    if element is not msgspec.Raw:
        render = _rendering(element)
        return lambda cell: _array(decode(cell), render)
    return lambda cell: _array(_decode_raw_list(cell), str)


def _array_elements(base: str) -> Any:
    if base == "boolean":
        return bool
    if base in INTEGERS:
        bits = INTEGERS[base]
        return Annotated[int, msgspec.Meta(ge=-(2**bits), le=2**bits - 1)]
    return msgspec.Raw if base in FLOATS else str


def _decode_raw_list(cell: msgspec.Raw) -> list[str] | str | None:
    raw = bytes(cell)
    if raw.startswith(b"["):
        parts = msgspec.json.decode(raw, type=list[msgspec.Raw])
        return [_element(bytes(part)) for part in parts]
    return msgspec.json.decode(raw, type=str | None)


def _array(value: list[Any] | str | None, render: Callable[[Any], str]) -> str | None:
    if value is None or isinstance(value, str):
        return _text(value)
    return "{" + ",".join([render(element) for element in value]) + "}"


def _quoted(element: str) -> str:
    """An array element in quotes; see "Array Input and Output Syntax" in PostgreSQL's manual."""
    _text(element)
    return '"' + element.replace("\\", "\\\\").replace('"', '\\"') + '"'
