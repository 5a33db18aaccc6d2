"""Documents that are not as they were written: each is refused, and by the right name."""

import io
import json
from collections.abc import Callable

import pytest

from backups.artifact.codecs import Limited
from backups.artifact.lines import Lines
from backups.artifact.reader import ArtifactReader
from backups.artifact.tail import FileHead, Reason
from backups.errors import ArtifactError
from tests.backups.artifact.documents import document, embedded, manifest, opened, read, resealed

ROWS = {"people": [b'{"id":"1","name":"Noa"}', b'{"id":"2","name":"Zo"}'], "rooms": []}
SOUND = document(ROWS, files=[embedded(b"PNG" * 99, "a.png"), embedded(b"", "b")])
END_OF_HEAD = SOUND.index(b'"data": {')


def code_of(data: bytes) -> str:
    """The code that reading ``data`` ends with; nothing where it is accepted."""
    try:
        read(data)
    except ArtifactError as error:
        assert error.hint
        return error.code
    return ""


def test_every_flipped_bit_before_the_signature_is_refused():
    """The signature itself only says whose the file is: see the tests of ``installation``."""
    signature = SOUND.index(b'"key_id":')
    assert all(code_of(flipped(n, bit)) for n in range(signature) for bit in (0x01, 0x20, 0x80))


def flipped(at: int, bit: int) -> bytes:
    return SOUND[:at] + bytes([SOUND[at] ^ bit]) + SOUND[at + 1 :]


def test_a_flipped_bit_in_a_row_is_damage():
    assert code_of(flipped(SOUND.index(b"Noa"), 1)) == "artifact.damaged"


def test_without_the_comparison_of_digests_a_flipped_bit_would_pass(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(ArtifactReader, "_agrees", lambda *_: True)
    integrity = read(SOUND)[2].integrity
    monkeypatch.setattr(
        ArtifactReader, "_last_member", lambda self, _: _believed(self._source, integrity)
    )
    assert code_of(flipped(SOUND.index(b"Noa"), 1)) == ""


def _believed(source: Lines, integrity: object) -> object:
    return type("Believed", (), {"digest": source.digest.hexdigest(), "was": integrity})()


def test_a_document_cut_anywhere_is_refused():
    assert all(code_of(SOUND[:n]) for n in range(len(SOUND)))


def test_a_document_cut_behind_its_head_is_called_truncated():
    codes = {code_of(SOUND[:n]) for n in range(END_OF_HEAD + 10, len(SOUND))}
    assert codes == {"artifact.truncated"}


@pytest.mark.parametrize("more", [b" ", b"\n", b"{}", SOUND], ids=["blank", "line", "json", "copy"])
def test_anything_behind_the_end_is_damage(more: bytes):
    assert code_of(SOUND + more) == "artifact.damaged"


FORGED: dict[str, Callable[[bytes], bytes]] = {
    "a row is missing": lambda d: d.replace(b'{"id":"1","name":"Noa"},\n', b""),
    "a row is there twice": lambda d: d.replace(
        b'{"id":"1","name":"Noa"},\n', b'{"id":"1","name":"Noa"},\n' * 2
    ),
    "a section is missing": lambda d: d.replace(b'],\n"rooms": [\n]', b"]"),
    "a section has another name": lambda d: d.replace(b'"rooms": [', b'"attic": ['),
    "sections have changed places": lambda d: d.replace(b'"people": [', b'"rooms": [', 1),
    "a file has another number": lambda d: d.replace(b'"2": {"state"', b'"3": {"state"'),
    "a file has another size": lambda d: d.replace(b'"size_bytes":297', b'"size_bytes":298'),
    "a file's content differs": lambda d: d.replace(b'\n"UE5H', b'\n"UE5I'),
    "a file's content is no base64": lambda d: d.replace(b'\n"UE5H', b'\n"UE?H'),
    "a file's content has no quotation mark": lambda d: d.replace(b'\n"UE5H', b"\nxUE5H"),
    "a file's content does not end": lambda d: d.replace(b'"}\n},\n"seq', b'}\n},\n"seq'),
    "a gap has content": lambda d: d.replace(b'{"state":"embedded"', b'{"state":"gap"', 1),
    "a file's state is unknown": lambda d: d.replace(b'{"state":"embedded"', b'{"state":"lost"', 1),
    "a file has no state": lambda d: d.replace(b'{"state":"embedded",', b"{", 1),
    "sequences are no list": lambda d: d.replace(b'"sequences": []', b'"sequences": {}'),
    "sequences are missing": lambda d: d.replace(b'"sequences": [],\n', b""),
    "the count of rows is wrong": lambda d: d.replace(b'"people":{"rows":2', b'"people":{"rows":3'),
    "a section's digest is missing": lambda d: d.replace(
        b'"sections":{"people":', b'"sections":{"x":'
    ),
    "the count of files is wrong": lambda d: d.replace(b'"embedded":2', b'"embedded":1'),
    "there is no integrity": lambda d: d[: d.index(b'"integrity"')] + b'"nothing": {}}\n',
    "the algorithm is another": lambda d: d.replace(b'"algorithm":"sha256"', b'"algorithm":"md5"'),
    "a brace is missing": lambda d: d.replace(b'\n},\n"files"', b'\n,\n"files"'),
    "bytes are no UTF-8": lambda d: d.replace(b'"name":"a.png"', b'"name":"\xff.png"'),
}


@pytest.mark.parametrize("bend", FORGED.values(), ids=FORGED)
def test_a_document_bent_with_its_digest_made_anew_is_damage_still(bend: Callable[[bytes], bytes]):
    bent = bend(SOUND)
    assert bent != SOUND
    assert code_of(resealed(bent) if b'"integrity": ' in bent else bent) == "artifact.damaged"


def test_the_digest_covers_the_order_of_rows():
    first, second = ROWS["people"]
    swapped = SOUND.replace(first + b",\n" + second, second + b",\n" + first)
    assert code_of(resealed(swapped)) == "artifact.damaged"


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"{", b"{}", b"{}\n", b"[]\n", b"null\n", b'{"a":\n', b"\xff\xfe\n", b"\n" * 9],
)
def test_what_is_no_backup_is_called_so_or_truncated(data: bytes):
    assert code_of(data) in {"artifact.format", "artifact.truncated", "artifact.layout"}


def test_json_of_somebody_else_is_another_format():
    foreign = json.dumps({"users": [], "data": {}}, indent=0).encode() + b"\n"
    assert code_of(b'{"version": 3,\n"data": {\n}}\n') == "artifact.format"
    assert code_of(foreign.replace(b"{\n", b'{"users":1,\n', 1)) == "artifact.format"


def test_one_endless_line_is_another_format():
    with pytest.raises(ArtifactError) as refused:
        opened(b'{"rows": [' + b"1," * 5000, 100, line_limit=1000)
    assert refused.value.code == "artifact.format"


def test_an_endless_head_is_given_up_long_before_the_longest_row():
    bomb = io.BytesIO(b'{"format":"backupsvc/1",' + b" " * (64 << 20))
    with pytest.raises(ArtifactError) as refused:
        ArtifactReader(Limited(bomb, 1 << 40), line_limit_bytes=1 << 30)
    assert refused.value.code == "artifact.layout"
    assert bomb.tell() < 40 << 20


@pytest.mark.parametrize("indent", [None, 2], ids=["on one line", "indented"])
def test_our_own_document_saved_again_by_an_editor_is_called_reformatted(indent: int | None):
    again = json.dumps(json.loads(SOUND), indent=indent).encode() + b"\n"
    assert code_of(again) == "artifact.layout"


def test_a_later_format_is_told_from_a_foreign_one():
    later = SOUND.replace(b'"format":"backupsvc/1"', b'"format":"backupsvc/2"')
    foreign = SOUND.replace(b'"format":"backupsvc/1"', b'"format":"other"')
    assert (code_of(later), code_of(foreign)) == ("artifact.version", "artifact.format")


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (b'"type":"complete"', b'"type":"everything"'),
        (b'"created_at":"2026', b'"created_at":2026,"x":"'),
        (b'"encoding":"native"', b'"encoding":"guess"'),
        (b'"table":"app_people",', b""),
        (b'"key":"rooms"', b'"key":"people"'),
        (b'"table":"app_rooms"', b'"table":"app_people"'),
        (b'"name":"name","type"', b'"name":"id","type"'),
        # A Complete file leaves out no column; one that does is a Safe one with another label.
        (b'"redacted":[]', b'"redacted":["password"]'),
    ],
)
def test_a_head_that_is_not_well_formed_is_named(part: bytes, instead: bytes):
    assert part in SOUND
    assert code_of(resealed(SOUND.replace(part, instead))) == "artifact.manifest"


def test_a_head_whose_primary_key_is_no_column_is_not_well_formed():
    bent = SOUND.replace(b'"primary_key":["id"]', b'"primary_key":["no"]')
    assert bent != SOUND
    assert code_of(resealed(bent)) == "artifact.manifest"


def test_a_row_longer_than_the_limit_is_refused():
    data = document({"people": [b'{"id":"1","name":"%s"}' % (b"x" * 9000)]})
    assert opened(data, 100, line_limit=20_000).tail()
    with pytest.raises(ArtifactError) as refused:
        opened(data, 100, line_limit=2000).tail()
    assert refused.value.code == "artifact.line_too_long"


def test_content_longer_than_the_limit_of_a_row_is_fine():
    data = document({}, heads=[], files=[embedded(b"x" * 9000, "a")])
    assert read(data, 100, line_limit=2000)[1] == [b"x" * 9000]


def test_a_document_larger_than_allowed_is_stopped_while_it_streams():
    assert opened(SOUND, limit=len(SOUND)).tail()
    with pytest.raises(ArtifactError) as refused:
        opened(SOUND, limit=len(SOUND) - 1).tail()
    assert refused.value.code == "artifact.too_large"


def test_deep_nesting_is_refused_and_does_not_exhaust_the_stack():
    deep = b"[" * 100_000 + b"]" * 100_000
    # So many signs are too many for a list, before anybody looks how deep they lie.
    assert (
        code_of(SOUND.replace(b'"sequences": []', b'"sequences": ' + deep)) == "artifact.too_many"
    )
    assert (
        code_of(b'{"format":"backupsvc/1","x":' + deep + b',\n"data": {\n') == "artifact.too_many"
    )


def test_a_skipped_file_needs_no_size_and_no_hash():
    reason = Reason("file.too_large", "Too large.")
    skipped = FileHead("skipped", "a", "image/png", [], reason=reason)
    assert code_of(document({}, heads=[], files=[(skipped, b"")])) == ""


def test_the_head_is_read_before_anything_else():
    assert opened(SOUND).manifest == manifest(*opened(SOUND).manifest.sections)
