"""Documents with a right digest that break a rule of the format's page, each another one."""

import base64
from collections.abc import Callable

from backups.artifact.manifest import Column
from backups.artifact.tail import AlteredCell
from tests.backups.artifact.documents import document, embedded, head, resealed, text

ROWS = {"people": [b'{"id":"1","name":"Noa"}', b'{"id":"2","name":"Zo"}'], "rooms": []}
CONTENT = b"abcdefgh" * 5  # its base64 ends in padding


def sound() -> bytes:
    """The document that is bent below."""
    return document(
        ROWS, files=[embedded(CONTENT, "a.png")], altered=[AlteredCell("people", "1", "name")]
    )


def bent(old: bytes, new: bytes, *, last: bool = False) -> bytes:
    """One text in place of another, with a digest that agrees."""
    whole = sound()
    assert old in whole, old
    before, after = whole.rsplit(old, 1) if last else whole.split(old, 1)
    return resealed(before + new + after)


def _encoded(column: Column) -> bytes:
    return document({"people": []}, heads=[head("people", text("id"), column)])


def _content(new: Callable[[bytes], bytes]) -> bytes:
    encoded = base64.b64encode(CONTENT)
    return bent(encoded, new(encoded))


FORMS: dict[str, Callable[[], bytes]] = {
    "type twice in the head": lambda: bent(b'"type":"complete"', b'"type":"safe","type":"complete"'),
    "a name twice in a section": lambda: bent(b'"key":"people"', b'"key":"x","key":"people"'),
    "a column's encoding that is not its type's": lambda: _encoded(Column("n", "numeric", "native")),
    "JSON embedded as text": lambda: _encoded(Column("n", "jsonb", "text")),
    "text embedded as JSON": lambda: _encoded(Column("n", "text", "json")),
    "rows that nobody counted": lambda: bent(b'"statistics": {"rows":2', b'"statistics": {"rows":9'),
    "bytes of a section": lambda: bent(b'"people":{"rows":2,"bytes":', b'"people":{"rows":2,"bytes":1'),
    "locators": lambda: bent(b'"files":{"locators":1', b'"files":{"locators":2'),
    "embedded files": lambda: bent(b'"embedded":1', b'"embedded":0'),
    "embedded bytes": lambda: bent(b'"embedded_bytes":40', b'"embedded_bytes":41'),
    "skipped files": lambda: bent(b'"skipped":0', b'"skipped":1'),
    "gaps": lambda: bent(b'"gaps":0', b'"gaps":1'),
    "a count below nothing": lambda: bent(b'"not_included":0', b'"not_included":-1'),
    "a name twice in the statistics": lambda: bent(b'"gaps":0', b'"gaps":0,"gaps":0'),
    "a name twice in a file entry": lambda: bent(b'"name":"a.png"', b'"name":"b","name":"a.png"'),
    "a name twice in a use": lambda: bent(b'"column":"image"', b'"column":"x","column":"image"'),
    "a reason for a file that is there": lambda: bent(
        b'"media_type":"image/png"', b'"media_type":"image/png","reason":{"code":"x","message":"y"}'
    ),
    "a name twice in an altered cell": lambda: bent(
        b'[{"section":"people"', b'[{"section":"x","section":"people"'
    ),
    "a name twice in the integrity": lambda: bent(
        b'"algorithm":"sha256"', b'"algorithm":"sha256","algorithm":"sha256"'
    ),
    "base64 that goes on behind its end": lambda: _content(lambda b: b + b"YQ=="),
    "base64 of bits that are not there": lambda: _content(
        lambda b: b.replace(b"=", b"")[:-1] + b"h" + b"=" * b.count(b"=")
    ),
    "a byte order mark": lambda: resealed(b"\xef\xbb\xbf" + sound()),
    "no comma between rows": lambda: _counted(b'Noa"},', b'Noa"}'),
    "a comma behind the last row": lambda: _counted(b'Zo"}', b'Zo"},'),
}  # fmt: skip

# What only a look at the rows themselves tells.
ROW_FORMS: dict[str, Callable[[], bytes]] = {
    name: lambda row=row: document({"people": [row]})  # type: ignore[misc]
    for name, row in {
        "a column twice in a row": b'{"id":"1","name":"a","name":"b"}',
        "a column twice, with a blank": b'{"id":"1","name" :"a","name":"b"}',
        "a column twice, with an escape": b'{"id":"1","name":"a","n\\u0061me":"b"}',
        "a column twice beside a quotation mark": b'{"id":"1\\":","name":"a","name":"b"}',
    }.items()
}


def _counted(old: bytes, new: bytes) -> bytes:
    """The rows themselves stay: only what stands between them goes or comes."""
    return bent(old, new)
