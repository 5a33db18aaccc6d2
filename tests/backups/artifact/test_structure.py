"""What the format's page does not allow is refused, though digest and types are right."""

import io

import pytest
import zstandard

from backups.artifact import codecs, members, structure
from backups.artifact.rows import RowCodec
from backups.errors import ArtifactError
from tests.backups.artifact.documents import head, opened, read, text
from tests.backups.artifact.forms import FORMS, ROW_FORMS, sound


def code_of(document: bytes, *sizes: int) -> str:
    """What the reading ends with; rows are looked at as the inspection does."""
    try:
        reader = opened(document, *sizes)
        for section in reader.sections():
            codec = RowCodec(section.head)
            for row in section.rows():
                codec.cells(row)
        for file in reader.files():
            list(file.content())
        reader.tail()
    except ArtifactError as error:
        assert error.hint
        return error.code
    return ""


def test_the_document_that_is_bent_is_sound():
    assert code_of(sound()) == code_of(sound(), 7) == ""


@pytest.mark.parametrize("name", FORMS)
def test_a_document_of_another_form_is_refused(name: str):
    document = FORMS[name]()
    code = code_of(document)
    assert code in ("artifact.damaged", "artifact.manifest", "artifact.layout"), code
    assert code_of(document, 5) == code


@pytest.mark.parametrize("name", ROW_FORMS)
def test_a_row_of_another_form_is_refused(name: str):
    assert code_of(ROW_FORMS[name]()) == "artifact.row"


def test_without_the_look_at_names_they_pass(monkeypatch: pytest.MonkeyPatch):
    """The twin of both."""
    monkeypatch.setattr(members, "named_twice", lambda raw: False)
    monkeypatch.setattr(structure, "row_names_twice", lambda row, cells, raw: False)
    assert code_of(ROW_FORMS["a column twice in a row"]()) == ""
    in_head = "type twice in the head"
    assert [n for n in FORMS if "twice" in n and code_of(FORMS[n]())] == [in_head]
    # Of the head's own members the order tells too.
    monkeypatch.setattr(members, "in_order", lambda raw, expected: True)
    assert code_of(FORMS[in_head]()) == ""


def test_without_the_counts_lies_pass(monkeypatch: pytest.MonkeyPatch):
    """The twin of the counts."""
    monkeypatch.setattr(structure, "rows_agree", lambda said: True)
    monkeypatch.setattr(structure.FileCount, "agrees", lambda self, said: True)
    for name in ("rows that nobody counted", "locators", "gaps", "embedded bytes"):
        assert code_of(FORMS[name]()) == "", name


def test_a_byte_order_mark_is_called_by_its_name():
    with pytest.raises(ArtifactError, match="byte order mark"):
        read(FORMS["a byte order mark"]())


def test_rows_whose_texts_look_like_members_are_none_of_these():
    codec = RowCodec(head("n", text("id"), text("name")))
    assert codec.cells(b'{"id":"a\\":1","name":"x :y"}') == ['a":1', "x :y"]


# The wrapping


def _compressed(plain: bytes) -> bytes:
    sink = io.BytesIO()
    with codecs.compress_to(sink) as writer:
        writer.write(plain)
    return sink.getvalue()


def _all(stored: bytes) -> bytes:
    document = codecs.open_document(io.BytesIO(stored), limit_bytes=1 << 30)
    return b"".join(iter(lambda: document.read(1000), b""))


PLAIN = [b"{}", b"{" + b" " * 3_000_000 + b"}", sound() * 300]


@pytest.mark.parametrize("plain", PLAIN)
def test_one_frame_is_read(plain: bytes):
    assert _all(_compressed(plain)) == plain
    assert _all(zstandard.ZstdCompressor().compress(plain)) == plain


@pytest.mark.parametrize("plain", PLAIN)
@pytest.mark.parametrize(
    "behind", [_compressed(b"{}"), _compressed(b""), b"x", b"junk" * 9, b"\x50\x2a\x4d\x18\0\0\0\0"]
)  # fmt: skip
def test_what_stands_behind_the_frame_is_refused(plain: bytes, behind: bytes):
    with pytest.raises(ArtifactError) as refused:
        _all(_compressed(plain) + behind)
    assert refused.value.code == "artifact.damaged"


def test_without_the_look_behind_a_second_frame_passes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(codecs, "_is_one_frame", lambda stored: True)
    assert _all(_compressed(b"{}") + _compressed(b"")) == b"{}"
