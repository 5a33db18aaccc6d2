"""Encryption with a passphrase: another program of the format opens it and is opened; what was cut or
changed is refused."""

import io
import os

import pyrage
import pytest

from backups.artifact import age_beginnings, passphrase
from backups.artifact.passphrase import Decrypting, Encrypting, Passphrase
from backups.errors import ArtifactError

WORDS = Passphrase("correct horse battery staple")
CHUNK = 64 * 1024


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(passphrase, "WORK_FACTOR", 4)


def encrypted(plain: bytes, words: Passphrase = WORDS) -> bytes:
    out = io.BytesIO()
    with Encrypting(out, words) as stream:
        for at in range(0, len(plain), 50_000):
            stream.write(plain[at : at + 50_000])
    return out.getvalue()


def decrypted(content: bytes, *words: Passphrase, size: int = 9000) -> bytes:
    stream = Decrypting(io.BytesIO(content), list(words or (WORDS,)))
    return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 200_001])
def test_another_program_opens_it_and_the_other_way_round(size):
    plain = os.urandom(size)
    assert pyrage.passphrase.decrypt(encrypted(plain), WORDS.text) == plain
    assert decrypted(encrypted(plain)) == plain


@pytest.mark.battery
def test_what_another_program_made_is_opened():
    """With the work that it finds bearable: seconds, and up to a gigabyte of memory."""
    plain = os.urandom(100_000)
    content = pyrage.passphrase.encrypt(plain, WORDS.text)
    assert age_beginnings.is_by_passphrase(content[:200])
    assert decrypted(content, Passphrase("another one"), WORDS) == plain


PLAIN = os.urandom(200_000)


def code(content: bytes, *words: Passphrase) -> str:
    with pytest.raises(ArtifactError) as raised:
        decrypted(content, *words)
    assert WORDS.text not in str(raised.value) + repr(WORDS)
    return raised.value.code


def test_another_passphrase_opens_nothing():
    content = encrypted(PLAIN)
    assert code(content, Passphrase("correct horse battery stapler")) == "passphrase.wrong"
    stream = Decrypting(io.BytesIO(content), [])
    with pytest.raises(ArtifactError) as raised:
        stream.read()
    assert raised.value.code == "passphrase.needed"


def test_a_cut_anywhere_and_a_changed_byte_anywhere_are_refused():
    content = encrypted(PLAIN)
    for at in [*range(0, 220, 7), *range(220, len(content), 9973), len(content) - 1]:
        assert code(content[:at]) in ("artifact.truncated", "artifact.damaged")
        spoiled = bytearray(content)
        spoiled[at] ^= 1
        assert code(bytes(spoiled)).split(".")[0] in ("artifact", "passphrase"), at
    assert code(content + b"x") == "artifact.damaged" or code(content + b"x")


def test_whole_chunks_that_are_missing_or_exchanged_are_noticed():
    content = encrypted(PLAIN)
    header = content.index(b"\n---") + 1
    start = content.index(b"\n", header) + 1 + 16
    sealed = CHUNK + 16
    assert code(content[: start + 2 * sealed]) == "artifact.truncated"
    first, second = content[start : start + sealed], content[start + sealed : start + 2 * sealed]
    rest = content[start + 2 * sealed :]
    assert code(content[:start] + second + first + rest) == "artifact.damaged"


def test_a_file_does_not_choose_how_much_memory_it_costs():
    content = encrypted(PLAIN).replace(b" 4\n", b" 30\n", 1)
    assert code(content) == "passphrase.work"


@pytest.mark.parametrize("work", [b"0", b"00", b"04", b"+4", b""], ids=ascii)
def test_what_a_passphrase_costs_is_a_number_of_the_format(work):
    content = encrypted(PLAIN).replace(b" 4\n", b" " + work + b"\n", 1)
    assert code(content) == "artifact.damaged"


def test_a_short_passphrase_is_not_taken():
    with pytest.raises(ArtifactError) as raised:
        passphrase.new("short")
    assert raised.value.code == "passphrase.short"
    assert passphrase.new(WORDS.text) == WORDS
