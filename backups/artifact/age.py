"""Encryption in the format of age (https://age-encryption.org/v1), as a stream: any program of that format
opens what is written here, and what others wrote is read.

Whoever reads is given nothing that was not proven to be as it was written: the format seals each 64 KiB,
and the last of them as the last.
"""

import binascii
import re
import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import pyrage

from backups.artifact.age_beginnings import ARMOR
from backups.artifact.age_keys import Identity, wrong_key
from backups.artifact.behind import Source
from backups.artifact.pipe import Pipe, working
from backups.artifact.writer import Sink
from backups.errors import ArtifactError
from backups.wording import _

SUFFIX = ".age"

_BLOCK_BYTES = 256 * 1024
# Keys that a file is encrypted to, and what is read before its first plain byte comes: the lines for these
# and one part of the content, both in the form for mail perhaps. The library reads all these lines anew
# whenever there are more of them, so that a hundred thousand would take hours.
_MOST_KEYS = 500
_BEFORE_PLAIN_BYTES = 192 * 1024


class Encrypting:
    """Hands on to ``sink``, encrypted to all ``recipients``, what is written here; whole when its block
    has ended without an exception. ``sink`` is written to in a thread of its own.

    What the sink raises is raised by the next ``write``, else by the end of the block.
    """

    def __init__(self, sink: Sink, recipients: Sequence[str]) -> None:
        self._pipe = Pipe()
        keys = [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]
        self._thread = working("encryption", lambda: _encrypt(self._pipe, _Kept(sink), keys))

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


def _encrypt(pipe: "Pipe", sink: "_Kept", keys: list[Any]) -> None:
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
        pipe = self._pipe = Pipe()
        keys = [identity.key for identity in identities]
        # Holds nothing of this object, so that whoever forgets it ends the work.
        blocks = _Blocks(stored, lambda: pipe.has_begun)
        work = _decrypting(blocks, pipe, keys, refused or wrong_key)
        self._thread = working("decryption", work)
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
    stored: "_Blocks", pipe: "Pipe", keys: list[Any], refused: Callable[[], ArtifactError]
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
