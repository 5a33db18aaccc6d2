"""Encryption as a stream: opened by the program age and by nobody without the key; what was changed or cut is
refused, and nothing outlives the work."""

import base64
import io
import os
import shutil
import subprocess
import threading
import time

import pytest

from backups.artifact import age, age_beginnings, age_keys, codecs
from backups.artifact.behind import PREFIX
from backups.errors import ArtifactError
from backups.services import keyring

MINE, YOURS, OTHER = (age_keys.new_identity() for _ in range(3))
PLAIN = os.urandom(300_000)
LIMIT = 1 << 30


class Memory:
    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self.blocks.append(data)
        return len(data)

    @property
    def content(self) -> bytes:
        return b"".join(self.blocks)


def encrypted(plain: bytes = PLAIN, *keys: age_keys.Identity) -> bytes:
    sink = Memory()
    with age.Encrypting(sink, [key.recipient for key in keys or (MINE, YOURS)]) as stream:
        for at in range(0, len(plain), 10_000):
            stream.write(plain[at : at + 10_000])
    return sink.content


FILE = encrypted()


def decrypted(content: bytes, *keys: age_keys.Identity) -> bytes:
    stream = age.Decrypting(io.BytesIO(content), keys or (MINE,))
    found = []
    try:
        while block := stream.read(7000):
            found.append(block)
    finally:
        stream.close()
    return b"".join(found)


def refusal(content: bytes, *keys: age_keys.Identity) -> str:
    with pytest.raises(ArtifactError) as raised:
        decrypted(content, *keys)
    return raised.value.code


def test_each_key_opens_it_and_nothing_of_the_plain_is_in_it():
    assert decrypted(FILE, MINE) == decrypted(FILE, OTHER, YOURS) == PLAIN
    assert not any(PLAIN[at : at + 16] in FILE for at in range(0, len(PLAIN), 1000))


def test_the_program_age_opens_it(tmp_path):
    if not (program := shutil.which("age")):
        pytest.skip("the program age is not installed")
    (tmp_path / "file.age").write_bytes(FILE)
    (tmp_path / "key.txt").write_text(YOURS.told())
    done = subprocess.run(
        [program, "-d", "-i", tmp_path / "key.txt", tmp_path / "file.age"],
        capture_output=True,
        check=True,
    )
    assert done.stdout == PLAIN


def armored(content: bytes) -> bytes:
    text = base64.encodebytes(content).replace(b"\n", b"")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join([age_beginnings.ARMOR, *lines, b"-----END AGE ENCRYPTED FILE-----", b""])


def test_the_form_for_mail_is_read_too():
    assert age_beginnings.is_encrypted(armored(FILE)[:64])
    assert decrypted(armored(FILE)) == PLAIN


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (FILE[: len(FILE) // 2], {"artifact.truncated"}),
        (FILE[:-1], {"artifact.truncated"}),
        (FILE[:40], {"artifact.truncated"}),
        (FILE + b"x", {"artifact.truncated"}),
        (FILE[:100_000] + bytes([FILE[100_000] ^ 1]) + FILE[100_001:], {"artifact.damaged"}),
        (FILE[:-9] + bytes([FILE[-9] ^ 1]) + FILE[-8:], {"artifact.damaged", "artifact.truncated"}),
        # Within the lines of the keys: none of them fits any more.
        (FILE.replace(b"-> X25519 ", b"-> X25519 A", 2), {"key.wrong", "artifact.damaged"}),
    ],
    ids=range(7),
)
def test_what_was_cut_or_changed_is_refused(content, codes):
    assert refusal(content) in codes


def test_another_key_opens_nothing_and_is_not_told():
    assert refusal(FILE, OTHER) == "key.wrong"
    with pytest.raises(ArtifactError) as raised:
        decrypted(FILE, OTHER)
    assert OTHER.told() not in repr(raised.value) + repr(OTHER) + str(raised.value.hint)


def with_keys(number: int) -> bytes:
    """The file with lines for so many keys more, of which none is anybody's."""
    head, rest = FILE.split(b"\n", 1)
    line = base64.b64encode(bytes(range(32))).rstrip(b"=")
    return head + b"\n" + (b"-> X25519 " + line + b"\n" + line + b"\n") * number + rest


def test_lines_for_keys_without_end_are_not_read_to_their_end(monkeypatch):
    """The library takes a time that grows with their square. Some hundred are fine. And the twin."""
    assert (
        refusal(with_keys(300)) == "artifact.damaged"
    )  # its lines are signed, and the key opens it
    assert refusal(with_keys(300), OTHER) == "key.wrong"
    begun = time.monotonic()
    tiny = age_beginnings.MARK + b"\n" + b"-> x\n\n" * 100_000
    armored = age_beginnings.ARMOR + b"\n" + base64.encodebytes(tiny)
    for lines in (
        with_keys(100_000),
        tiny,
        armored,
        age_beginnings.MARK + b"\n-> " + b"A" * 10_000_000,
    ):
        assert refusal(lines) == "artifact.too_many"
    assert time.monotonic() - begun < 10
    for name in ("_BEFORE_PLAIN_BYTES", "_MOST_KEYS"):
        monkeypatch.setattr(age, name, 1 << 40)
    assert refusal(with_keys(1_000), OTHER) == "key.wrong"


@pytest.mark.parametrize("body", [b"=AAA", b"A===", b"\xff", b""], ids=ascii)
def test_what_only_looks_like_the_form_for_mail_is_refused_with_a_reason(body):
    with pytest.raises(ArtifactError) as raised, keyring.held([MINE]):
        keyring.unlock(io.BytesIO(age_beginnings.ARMOR + b"\n" + body + b"\n")).read()
    assert raised.value.code in ("artifact.damaged", "artifact.truncated")


def test_a_document_inside_is_bounded_and_a_key_is_asked_for():
    document = b'{"format":"backupsvc/1"' + b" " * 200_000 + b"}"
    content = encrypted(document)

    def unlock(stored):
        return age.Decrypting(stored, [MINE])

    with codecs.open_document(io.BytesIO(content), limit_bytes=LIMIT, unlock=unlock) as plain:
        assert b"".join(iter(lambda: plain.read(9000), b"")) == document
    with pytest.raises(ArtifactError, match="encrypted") as raised:
        codecs.open_document(io.BytesIO(content), limit_bytes=LIMIT)
    assert raised.value.code == "key.needed"
    plain = codecs.open_document(io.BytesIO(content), limit_bytes=1000, unlock=unlock)
    with pytest.raises(ArtifactError) as raised, plain:
        while plain.read(9000):
            pass
    assert raised.value.code == "artifact.too_large"


def test_a_bomb_that_was_encrypted_is_stopped():
    bomb = encrypted(codecs.zstandard.compress(b" " * 50_000_000))

    def unlock(stored):
        return age.Decrypting(stored, [MINE])

    plain = codecs.open_document(io.BytesIO(bomb), limit_bytes=1 << 20, unlock=unlock)
    with pytest.raises(ArtifactError) as raised, plain:
        while plain.read(1 << 16):
            pass
    assert raised.value.code == "artifact.too_large"


def test_what_the_sink_raises_comes_out_of_the_writing():
    class Full:
        def write(self, data: bytes, /) -> int:
            raise OSError(28, "full")

    with pytest.raises(OSError) as raised, age.Encrypting(Full(), [MINE.recipient]) as stream:
        for _ in range(100):
            stream.write(bytes(100_000))
    assert raised.value.errno == 28


def test_who_gives_up_leaves_no_work_behind():
    stream = age.Decrypting(io.BytesIO(FILE), [MINE])
    stream.read(10)
    stream.close()

    def gives_up() -> None:
        with age.Encrypting(Memory(), [MINE.recipient]) as sealed:
            sealed.write(PLAIN)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gives_up()
    assert not [t for t in threading.enumerate() if t.name.startswith(PREFIX)]


# What people give


@pytest.mark.parametrize(
    "given",
    [
        MINE.told(),
        MINE.told().lower(),
        f"# created: today\n# public key: {MINE.recipient}\r\n{MINE.told()}\r\n",
        "\ufeff" + MINE.told(),
        f'{{"private_keys": ["{MINE.told()}"]}}',
    ],
    ids=range(5),
)
def test_a_private_key_is_found_however_it_was_saved(given):
    for content in (given.encode(), given.encode("utf-16")):
        assert [key.recipient for key in age_keys.identities_of(content)] == [MINE.recipient]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (b"", "key.format"),
        (b"\xff\x00\x81", "key.format"),
        (MINE.told().replace("Q", "Z").encode() + b"Z", "key.format"),
        (MINE.recipient.encode(), "key.public"),
        (FILE[:5000], "key.locked"),
        (b"x" * (age_keys.MOST_BYTES + 1), "key.too_large"),
    ],
    ids=range(6),
)
def test_what_holds_no_private_key_is_told_as_what_it_is(given, code):
    with pytest.raises(ArtifactError) as raised:
        age_keys.identities_of(given)
    assert raised.value.code == code
    assert MINE.told()[20:40] not in str(raised.value.message) + str(raised.value.hint)


def test_a_public_key_is_taken_alone_and_a_private_one_never():
    line = f"# public key: {MINE.recipient}"
    assert (
        age_keys.recipient_of(line)
        == age_keys.recipient_of(MINE.recipient.upper())
        == MINE.recipient
    )
    for given, code in {
        MINE.told(): "key.private",
        f"{line}\n{MINE.told()}": "key.private",
        MINE.recipient[:-1] + "x": "key.recipient",
        f"{MINE.recipient} {YOURS.recipient}": "key.recipient",
        "ssh-ed25519 AAAA": "key.recipient",
    }.items():
        with pytest.raises(ArtifactError) as raised:
            age_keys.recipient_of(given)
        assert raised.value.code == code
