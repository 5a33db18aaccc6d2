"""Encryption in the format of age (https://age-encryption.org/v1), as a stream: any program of that format
opens what is written here, and what others wrote is read.

Whoever reads is given nothing that was not proven to be as it was written: the format seals each 64 KiB,
and the last of them as the last. Private keys stay in the library's objects, of which no text is kept.
"""

import base64
import binascii
import hashlib
import re
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pyrage

from backups.artifact.behind import PREFIX, Source
from backups.artifact.writer import Sink
from backups.errors import ArtifactError
from backups.wording import Sentence, _

MARK = b"age-encryption.org/v1"
ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"
SUFFIX = ".age"
# An identity file has a few lines; whatever has more is another file.
MOST_BYTES = 64 * 1024
MOST_IDENTITIES = 20

_IDENTITY = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{20,100}", re.IGNORECASE)
_RECIPIENT = re.compile(r"\bage1[0-9a-z]{20,100}\b", re.IGNORECASE)
_WAITING_BYTES = 1024 * 1024
_BLOCK_BYTES = 256 * 1024
# Keys that a file is encrypted to, and what is read before its first plain byte comes: the lines for these
# and one part of the content, both in the form for mail perhaps. The library reads all these lines anew
# whenever there are more of them, so that a hundred thousand would take hours.
_MOST_KEYS = 500
_BEFORE_PLAIN_BYTES = 192 * 1024


@dataclass(frozen=True)
class Identity:
    """A private key. Its text is not kept, and never printed."""

    key: Any

    def __repr__(self) -> str:
        return f"Identity({self.recipient})"

    @property
    def recipient(self) -> str:
        """The public key that belongs to it."""
        return str(self.key.to_public())

    def told(self) -> str:
        """The private key's text, for a private file or a sealed message and nothing else."""
        return str(self.key)


def new_identity() -> Identity:
    return Identity(pyrage.x25519.Identity.generate())


def fingerprint(recipient: str) -> str:
    """Tells public keys apart, and is short enough to be compared by eye: 16 digits in groups of 4."""
    digits = hashlib.sha256(recipient.encode()).hexdigest()[:16]
    return " ".join(digits[at : at + 4] for at in range(0, 16, 4))


# What people give


def recipient_of(text: str) -> str:
    """The public key in what somebody typed or chose: an ``age1…`` alone, or the line of a key file.

    Raises ArtifactError: ``key.private`` where it is a private key, ``key.recipient`` where there is none
    or more than one.
    """
    if _IDENTITY.search(text):
        raise _wrong(
            "key.private",
            _("This is a private key. It was not stored."),
            _(
                "Only the public key belongs here: the line that begins with age1. If anybody could see"
                " what you typed, make a new pair of keys: age-keygen."
            ),
        )
    found = {name.lower() for name in _RECIPIENT.findall(text)}
    if len(found) == 1:
        try:
            return str(pyrage.x25519.Recipient.from_str(found.pop()))
        except pyrage.RecipientError:
            pass
    raise _wrong(
        "key.recipient",
        _("This is not one public key of age."),
        _("It begins with age1 and has 62 letters and digits: age-keygen -y prints it."),
    )


def identities_of(content: bytes) -> list[Identity]:
    """The private keys in what somebody typed or chose: an identity file of age, a recovery kit, or the
    key's text itself.

    Raises ArtifactError: ``key.too_large``, ``key.public``, ``key.format``, ``key.locked``. None of them says
    anything of what was given.
    """
    if len(content) > MOST_BYTES:
        raise _wrong(
            "key.too_large",
            _("The file is too large to hold a private key."),
            _("Choose the file that age-keygen wrote."),
        )
    if is_encrypted(content.lstrip()):
        raise _wrong(
            "key.locked",
            _("The file of the private key is itself encrypted."),
            _("Decrypt it first with its passphrase: age -d key.age, and give what that prints."),
        )
    text = _decoded(content)
    found = list(dict.fromkeys(key.upper() for key in _IDENTITY.findall(text)))
    if not found and _RECIPIENT.search(text):
        raise _wrong(
            "key.public",
            _("This is a public key, which opens nothing."),
            _("Give the private one that belongs to it: its line begins with AGE-SECRET-KEY-1."),
        )
    try:
        keys = [Identity(pyrage.x25519.Identity.from_str(key)) for key in found]
    except pyrage.IdentityError:
        keys = []
    if not 0 < len(keys) <= MOST_IDENTITIES:
        raise _wrong(
            "key.format",
            _("There is no private key of age in it, or one with a wrong letter."),
            _("Its line begins with AGE-SECRET-KEY-1: use the file that age-keygen wrote."),
        )
    return keys


def _decoded(content: bytes) -> str:
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # as Notepad saves "Unicode"
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        return ""


# Small messages


def sealed(message: bytes, recipient: str) -> str:
    """A small message for the holder of one key, as text."""
    to = pyrage.x25519.Recipient.from_str(recipient)
    return bytes(pyrage.encrypt(message, [to], armored=True)).decode("ascii")


def unsealed(text: str, identity: Identity) -> bytes:
    """What was sealed. Raises ArtifactError where it was for somebody else, or is not whole."""
    try:
        return bytes(pyrage.decrypt(text.encode(), [identity.key]))
    except (pyrage.DecryptError, OSError):
        raise wrong_key() from None


# Streams


def is_encrypted(start: bytes) -> bool:
    """Whether what begins so is a file of age, in either of its two forms."""
    return start.startswith((MARK, ARMOR))


def is_by_passphrase(start: bytes) -> bool:
    """Whether what begins so, with its first few hundred bytes, is opened by a passphrase."""
    if start.startswith(ARMOR):
        body = b"".join(start.splitlines()[1:3])
        try:
            start = base64.b64decode(body[: len(body) // 4 * 4])
        except binascii.Error:
            return False  # whoever decrypts it will say what is wrong with it
    return b"\n-> scrypt " in start[:100]


class Encrypting:
    """Hands on to ``sink``, encrypted to all ``recipients``, what is written here; whole when its block
    has ended without an exception. ``sink`` is written to in a thread of its own.

    What the sink raises is raised by the next ``write``, else by the end of the block.
    """

    def __init__(self, sink: Sink, recipients: Sequence[str]) -> None:
        self._pipe = _Pipe()
        keys = [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]
        self._thread = _thread("encryption", lambda: _encrypt(self._pipe, _Kept(sink), keys))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._pipe.end()
        else:
            self._pipe.stop()
        self._thread.join()
        if error is None:
            self._pipe.require_sound()

    def write(self, data: bytes, /) -> int:
        return self._pipe.write(data)

    def flush(self) -> None:
        """Nothing is whole before the end."""


def _encrypt(pipe: "_Pipe", sink: "_Kept", keys: list[Any]) -> None:
    try:
        pyrage.encrypt_io(pipe, sink, keys)
        sink.flush()
    except BaseException as error:
        pipe.fail(sink.error or error)


class Decrypting:
    """The plain content of ``stored``, as a stream. ``close`` ends the work; so does forgetting it.

    ``refused`` makes the error for a file that none of the keys opens.

    Raises ArtifactError from ``read``: that error, ``artifact.truncated``, ``artifact.damaged``; and whatever
    reading ``stored`` raises.
    """

    def __init__(
        self,
        stored: Source,
        identities: Sequence[Identity],
        refused: Callable[[], ArtifactError] | None = None,
    ) -> None:
        pipe = self._pipe = _Pipe()
        keys = [identity.key for identity in identities]
        # Holds nothing of this object, so that whoever forgets it ends the work.
        blocks = _Blocks(stored, lambda: pipe.has_begun)
        work = _decrypting(blocks, pipe, keys, refused or wrong_key)
        self._thread = _thread("decryption", work)
        self._begun = False
        self._end = weakref.finalize(self, pipe.stop)
        self._end.atexit = False

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, empty at the end; below 0 the next block."""
        if not self._begun:
            self._begun = True
            self._thread.start()
        return self._pipe.read(size)

    def close(self) -> None:
        self._pipe.stop()
        if self._begun:
            self._thread.join()


def _decrypting(
    stored: "_Blocks", pipe: "_Pipe", keys: list[Any], refused: Callable[[], ArtifactError]
) -> Callable[[], None]:
    def work() -> None:
        try:
            if not keys:
                raise refused()
            pyrage.decrypt_io(stored, pipe, keys)
            pipe.end()
        except BaseException as error:
            pipe.fail(stored.error or _understood(error, stored, refused))

    return work


def _understood(
    error: BaseException, stored: "_Blocks", refused: Callable[[], ArtifactError]
) -> BaseException:
    """The library's complaint in our words. It does not tell a file that was cut from one whose last 64 KiB
    were changed."""
    if not isinstance(error, pyrage.DecryptError | OSError):
        return error
    if "No matching keys" in str(error):
        return refused()
    return ends_early() if stored.ended else changed()


class _Blocks:
    """Reads ``stored`` in large blocks and hands it out in small ones. ``error`` is what it raised, or that
    so much was wanted before anything came of it (``has_begun``)."""

    def __init__(self, stored: Source, has_begun: Callable[[], bool]) -> None:
        self._stored = stored
        self._has_begun = has_begun
        self._handed_out = 0
        self._block, self._at = b"", 0
        self.ended = False
        self.error: BaseException | None = None

    def _fill(self) -> None:
        try:
            self._block, self._at = self._stored.read(_BLOCK_BYTES), 0
            if not self._handed_out:
                self._fill_first()
        except BaseException as error:
            self.error = error
            raise
        self.ended = not self._block

    def _fill_first(self) -> None:
        """All lines for keys are in the first block, or there are too many of them."""
        while self._block and len(self._block) < _BLOCK_BYTES:
            more = self._stored.read(_BLOCK_BYTES - len(self._block))
            if not more:
                break
            self._block += more
        if _keys_in(self._block) > _MOST_KEYS:
            raise too_many_keys()

    def read(self, size: int = -1, /) -> bytes:
        if self._at >= len(self._block):
            self._fill()
        end = len(self._block) if size < 0 else self._at + size
        part = self._block[self._at : end]
        self._at += len(part)
        self._handed_out += len(part)
        if self._handed_out > _BEFORE_PLAIN_BYTES and not self._has_begun():
            self.error = too_many_keys()
            raise self.error
        return part


def _keys_in(start: bytes) -> int:
    """How many keys the lines say that a file begins with; a form for mail is taken off."""
    if start.lstrip().startswith(ARMOR):
        lines = start.partition(ARMOR)[2].partition(b"-----END")[0]
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", lines)
        start = binascii.a2b_base64(letters[: len(letters) // 4 * 4])
    return start.partition(b"\n---")[0].count(b"\n-> ")


class _Kept:
    """Writes to a sink in large blocks. ``error`` is what it raised, which the library does not hand on."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self.error: BaseException | None = None

    def write(self, data: bytes, /) -> int:
        self._waiting.append(bytes(data))
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= _BLOCK_BYTES:
            self.flush()
        return len(data)

    def flush(self) -> None:
        whole, self._waiting, self._waiting_bytes = b"".join(self._waiting), [], 0
        try:
            if whole:
                self._sink.write(whole)
        except BaseException as error:
            self.error = error
            raise


class _Stopped(Exception):
    """Nobody wants the rest."""


class _Pipe:
    """Bytes from one thread to another, of which no more wait than ``_WAITING_BYTES``."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._ended = self._stopped = self.has_begun = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._block, self._at = b"", 0

    def write(self, data: bytes, /) -> int:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._error or self._waiting_bytes < _WAITING_BYTES
            )
            if self._stopped or self._error:
                raise self._error or _Stopped
            self.has_begun = True
            self._waiting.append(bytes(data))
            self._waiting_bytes += len(data)
            self._changed.notify_all()
        return len(data)

    def flush(self) -> None:
        """All is handed on at once."""

    def read(self, size: int = -1, /) -> bytes:
        if self._at >= len(self._block) and not self._next():
            return b""
        end = len(self._block) if size < 0 else self._at + size
        part = self._block[self._at : end]
        self._at += len(part)
        return part

    def _next(self) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._ended or self._stopped or self._error
            )
            if self._stopped:
                raise _Stopped
            if not self._waiting:
                if self._error:
                    raise self._error
                return False
            self._block, self._at = b"".join(self._waiting), 0
            self._waiting.clear()
            self._waiting_bytes = 0
            self._changed.notify_all()
        return bool(self._block) or self._next()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def require_sound(self) -> None:
        if self._error:
            raise self._error


def _thread(name: str, work: Callable[[], None]) -> threading.Thread:
    return threading.Thread(target=work, name=PREFIX + name, daemon=True)


# Errors


def needed() -> ArtifactError:
    """The file is encrypted and nobody gave a key."""
    return ArtifactError(
        "key.needed",
        _("The file is encrypted, and the private key that opens it was not given."),
        hint=_(
            "Give the private key that belongs to one of the public keys it was encrypted to; by command:"
            " --identity FILE."
        ),
    )


def wrong_key() -> ArtifactError:
    return ArtifactError(
        "key.wrong",
        _("The key that was given does not open this file."),
        hint=_("Give the private key of a public key that it was encrypted to."),
    )


def too_many_keys() -> ArtifactError:
    return ArtifactError(
        "artifact.too_many",
        _("The encrypted file begins with lines for more keys than any backup has."),
        hint=_("Use another copy of the file."),
    )


def ends_early() -> ArtifactError:
    """Of a file of this format, whatever opens it."""
    return ArtifactError(
        "artifact.truncated",
        _("The encrypted file ends too early, or its last part was changed."),
        hint=_("Download or copy it again and compare the sizes."),
    )


def changed() -> ArtifactError:
    """Of a file of this format, whatever opens it."""
    return ArtifactError(
        "artifact.damaged",
        _("The encrypted file is damaged: a part of it is not as it was written."),
        hint=_("Use another copy of the file."),
    )


def _wrong(code: str, message: Sentence, hint: Sentence) -> ArtifactError:
    return ArtifactError(code, message, hint=hint)
