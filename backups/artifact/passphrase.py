"""The same format, opened by a passphrase (https://age-encryption.org/v1, the scrypt recipient), as a stream.

The library of ``backups.artifact.age`` does this in memory alone, where a backup has no bounds. The key is
scrypt's, each 64 KiB are sealed by ChaCha20-Poly1305, and the last of them as the last.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from backups.artifact.age import changed, ends_early
from backups.artifact.behind import Source
from backups.artifact.writer import Sink
from backups.errors import ArtifactError
from backups.wording import _

LEAST_CHARACTERS = 12
# What a passphrase costs, as a power of two: 256 MB of memory and about a second. What a file asks for is
# bounded, or it could ask for all of the memory.
WORK_FACTOR = 18
MOST_WORK = 20
_BLOCK_SIZE = 8

_VERSION = b"age-encryption.org/v1"
_LABEL = b"age-encryption.org/v1/scrypt"
_CHUNK_BYTES = 64 * 1024
_TAG_BYTES = 16
_KEY_BYTES = 16
_WORK = re.compile(rb"[1-9][0-9]?").fullmatch
# Version, one stanza of two lines and the code over them.
_HEADER_LINES = 4
_MOST_HEADER_BYTES = 1024


@dataclass(frozen=True)
class Passphrase:
    """What opens a file. It is never printed."""

    text: str = field(repr=False)


def new(text: str) -> Passphrase:
    """A passphrase to encrypt with. Raises ArtifactError ``passphrase.short``."""
    if len(text) < LEAST_CHARACTERS:
        raise ArtifactError(
            "passphrase.short",
            _("The passphrase has fewer than {least} characters.", least=LEAST_CHARACTERS),
            hint=_("Take some words that nobody would put together."),
        )
    return Passphrase(text)


class Encrypting:
    """Hands on to ``sink`` what is written here, encrypted; whole when its block has ended without an
    exception."""

    def __init__(self, sink: Sink, passphrase: Passphrase) -> None:
        self._sink = sink
        self._passphrase = passphrase
        self._waiting = bytearray()
        self._stream: _Stream

    def __enter__(self) -> Self:
        header, file_key = _new_header(self._passphrase)
        nonce = secrets.token_bytes(16)
        self._stream = _Stream(file_key, nonce)
        self._sink.write(header + nonce)
        return self

    def write(self, data: bytes, /) -> int:
        self._waiting += data
        # Of a whole chunk it is only known that it is not the last when something follows.
        while len(self._waiting) > _CHUNK_BYTES:
            self._sink.write(self._stream.sealed(bytes(self._waiting[:_CHUNK_BYTES]), last=False))
            del self._waiting[:_CHUNK_BYTES]
        return len(data)

    def flush(self) -> None:
        """Nothing is whole before the end."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._sink.write(self._stream.sealed(bytes(self._waiting), last=True))


class Decrypting:
    """The plain content of ``stored``, as a stream; the first of the passphrases that fits opens it.

    Raises ArtifactError from ``read``: ``passphrase.wrong``, ``artifact.truncated``, ``artifact.damaged``.
    """

    def __init__(self, stored: Source, passphrases: list[Passphrase]) -> None:
        self._stored = _Filled(stored)
        self._passphrases = passphrases
        self._stream: _Stream | None = None
        self._plain, self._at = b"", 0
        self._next = b""
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, empty at the end; below 0 the next chunk."""
        if self._stream is None:
            self._stream = self._opened()
        if self._at >= len(self._plain):
            self._plain, self._at = self._chunk(self._stream), 0
        end = len(self._plain) if size < 0 else self._at + size
        part = self._plain[self._at : end]
        self._at += len(part)
        return part

    def close(self) -> None:
        """Nothing goes on behind it."""

    def _opened(self) -> "_Stream":
        header = _Header.read(self._stored)
        file_key = header.file_key(self._passphrases)
        nonce = self._stored.exactly(16)
        self._next = self._stored.upto(_CHUNK_BYTES + _TAG_BYTES)
        return _Stream(file_key, nonce)

    def _chunk(self, stream: "_Stream") -> bytes:
        if self._ended:
            return b""
        here, self._next = self._next, self._stored.upto(_CHUNK_BYTES + _TAG_BYTES)
        self._ended = not self._next
        plain = stream.opened(here, last=self._ended)
        if plain is None:
            raise ends_early() if self._ended else changed()
        if not plain and stream.count > 1:
            raise changed()  # only of nothing at all is the last chunk empty
        return plain


class _Filled:
    """Reads exactly as much as is asked for."""

    def __init__(self, stored: Source) -> None:
        self._stored = stored
        self._rest = b""

    def upto(self, size: int) -> bytes:
        while len(self._rest) < size and (block := self._stored.read(_CHUNK_BYTES)):
            self._rest += block
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    def exactly(self, size: int) -> bytes:
        found = self.upto(size)
        if len(found) < size:
            raise ends_early()
        return found

    def line(self) -> bytes:
        self._rest = self.upto(_MOST_HEADER_BYTES) + self._rest
        line, end, rest = self._rest.partition(b"\n")
        if not end:
            raise ends_early() if len(line) < _MOST_HEADER_BYTES else changed()
        self._rest = rest
        return line


@dataclass(frozen=True)
class _Header:
    signed: bytes
    code: bytes
    salt: bytes
    work: int
    body: bytes

    @classmethod
    def read(cls, stored: _Filled) -> "_Header":
        version, stanza, body, end = (stored.line() for _line in range(_HEADER_LINES))
        parts = stanza.split(b" ")
        if version != _VERSION or parts[:2] != [b"->", b"scrypt"] or len(parts) != 4:
            raise changed()
        mark, _blank, code = end.partition(b" ")
        if mark != b"---" or not _WORK(parts[3]):
            raise changed()
        work = int(parts[3])
        if work > MOST_WORK:
            raise _too_much_work()
        signed = b"\n".join([version, stanza, body, b"---"])
        return cls(signed, _decoded(code), _decoded(parts[2]), work, _decoded(body))

    def file_key(self, passphrases: list[Passphrase]) -> bytes:
        if len(self.salt) != 16 or len(self.body) != _KEY_BYTES + _TAG_BYTES:
            raise changed()
        for passphrase in passphrases:
            wrapping = _wrapping_key(passphrase, self.salt, self.work)
            try:
                key = ChaCha20Poly1305(wrapping).decrypt(bytes(12), self.body, None)
            except InvalidTag:
                continue
            if not hmac.compare_digest(_code_over(key, self.signed), self.code):
                raise changed()
            return key
        raise wrong() if passphrases else needed()


class _Stream:
    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        self._cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self.count = 0

    def sealed(self, plain: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last=last), plain, None)

    def opened(self, sealed: bytes, *, last: bool) -> bytes | None:
        try:
            return self._cipher.decrypt(self._nonce(last=last), sealed, None)
        except InvalidTag:
            return None

    def _nonce(self, *, last: bool) -> bytes:
        self.count += 1
        return (self.count - 1).to_bytes(11) + bytes([last])


def _new_header(passphrase: Passphrase) -> tuple[bytes, bytes]:
    file_key, salt = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(16)
    wrapping = _wrapping_key(passphrase, salt, WORK_FACTOR)
    body = ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)
    stanza = b"-> scrypt %s %d" % (_encoded(salt), WORK_FACTOR)
    signed = b"\n".join([_VERSION, stanza, _encoded(body), b"---"])
    return signed + b" " + _encoded(_code_over(file_key, signed)) + b"\n", file_key


def _wrapping_key(passphrase: Passphrase, salt: bytes, work: int) -> bytes:
    cost = 1 << work
    return hashlib.scrypt(
        passphrase.text.encode(),
        salt=_LABEL + salt,
        n=cost,
        r=_BLOCK_SIZE,
        p=1,
        maxmem=128 * cost * _BLOCK_SIZE + (1 << 20),
        dklen=32,
    )


def _code_over(file_key: bytes, signed: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), signed, "sha256")


def _derived(key: bytes, salt: bytes, what: bytes) -> bytes:
    """HKDF with SHA-256 (RFC 5869), for 32 bytes."""
    extracted = hmac.digest(salt or bytes(32), key, "sha256")
    return hmac.digest(extracted, what + b"\x01", "sha256")


def _encoded(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    try:
        found = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise changed() from None
    if _encoded(found) != text:
        raise changed()
    return found


# Errors


def needed() -> ArtifactError:
    return ArtifactError(
        "passphrase.needed",
        _("The file is encrypted with a passphrase, which was not given."),
        hint=_("Give the passphrase with which it was made; by command: --passphrase."),
    )


def armored() -> ArtifactError:
    return ArtifactError(
        "passphrase.armored",
        _("The file was encrypted with a passphrase in the form for mail, which is not read here."),
        hint=_("Decrypt it with the program age first, then use the plain file."),
    )


def wrong() -> ArtifactError:
    return ArtifactError(
        "passphrase.wrong",
        _("The passphrase that was given does not open this file."),
        hint=_("Type it as it was when the file was made; capitals and blanks count."),
    )


def _too_much_work() -> ArtifactError:
    return ArtifactError(
        "passphrase.work",
        _("The file asks for more memory to try a passphrase than this server gives."),
        hint=_("Decrypt it with the program age first, then use the plain file."),
    )
