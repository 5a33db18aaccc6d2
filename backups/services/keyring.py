"""The private keys that may be used now: those that somebody gave for this piece of work, and the one of the
installation, which opens its safety backups.

They are held for the length of a block, in this process, and nowhere else. Whoever opens a file asks here,
so that no key is handed through the functions in between, where it could end up in a log or a report.
"""

import contextlib
import contextvars
from collections.abc import Iterator, Sequence
from pathlib import Path

from backups import conf, printed_json
from backups.artifact import age, age_beginnings, age_keys, codecs, passphrase
from backups.artifact.age_keys import Identity
from backups.artifact.behind import Source
from backups.artifact.passphrase import Passphrase
from backups.errors import ArtifactError, StorageFailure
from backups.files import private
from backups.wording import _

Key = Identity | Passphrase

_HELD: contextvars.ContextVar[tuple[Key, ...]] = contextvars.ContextVar("held", default=())
# What is said of a file that the keys of now do not open.
CLOSED = {"key.needed", "key.wrong", "passphrase.needed", "passphrase.wrong"}
_START_BYTES = 256
# Former keys of the safety backups are kept so long, and some days is how long those backups are.
MOST_SAFETY_KEYS = 10


@contextlib.contextmanager
def held(keys: Sequence[Key]) -> Iterator[None]:
    """Let these keys open files while the block lasts, in this thread and those that copy its context."""
    before = _HELD.set((*_HELD.get(), *keys))
    try:
        yield
    finally:
        _HELD.reset(before)


def given() -> tuple[Key, ...]:
    """What somebody gave for this piece of work."""
    return _HELD.get()


def passphrases() -> list[Passphrase]:
    return [key for key in given() if isinstance(key, Passphrase)]


def unlock(stored: Source) -> age.Decrypting | passphrase.Decrypting:
    """The content of an encrypted file, of which nothing was read yet, as a stream.

    Raises ArtifactError, one of ``CLOSED``: itself or by the stream, which raises what is said of damaged
    files too.
    """
    begun = _Begun(stored)
    if age_beginnings.is_by_passphrase(begun.start):
        if begun.start.startswith(age_beginnings.ARMOR):
            raise passphrase.armored()
        if not passphrases():
            raise passphrase.needed()
        return passphrase.Decrypting(begun, passphrases())
    identities = [key for key in given() if isinstance(key, Identity)]
    # Not asked in the stream's own thread, which holds nothing.
    refused = age_keys.wrong_key if given() else age_keys.needed
    return age.Decrypting(begun, [*identities, *_of_installation()], refused)


class _Begun:
    """A stream whose first bytes, ``start``, were looked at and are read once more."""

    def __init__(self, stored: Source) -> None:
        self._stored = stored
        self.start = b""
        while len(self.start) < _START_BYTES and (more := stored.read(_START_BYTES)):
            self.start += more
        self._left = self.start

    def read(self, size: int = -1, /) -> bytes:
        if not self._left:
            return self._stored.read(size)
        data = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(data) :]
        return data


def opens(path: Path) -> bool:
    """Whether the keys of now open the file: true of one that is not encrypted. Only its head is read.

    Raises ArtifactError where it is damaged or no backup, StorageFailure where it cannot be read.
    """
    return obstacle(path) is None


def obstacle(path: Path) -> ArtifactError | None:
    """What would be said of the file where the keys of now do not open it. Raises as ``opens``."""
    return _obstacle(path, unlock)


def is_encrypted(path: Path) -> bool:
    """Whether the file, or what an archive holds, is one of age's. Raises as ``opens``."""
    return _obstacle(path, None) is not None


def _obstacle(path: Path, with_keys: codecs.Unlock | None) -> ArtifactError | None:
    try:
        with path.open("rb") as stored:
            codecs.open_document(
                stored, limit_bytes=conf.document_limit_bytes(), unlock=with_keys
            ).close()
    except ArtifactError as error:
        if error.code in CLOSED:
            return error
        raise
    except OSError as error:
        raise _unreadable() from error
    return None


def told(keys: Sequence[Key]) -> bytes:
    """The keys themselves, for a private pipe or a sealed message and nothing else."""
    plain = {
        "identities": [key.told() for key in keys if isinstance(key, Identity)],
        "passphrases": [key.text for key in keys if isinstance(key, Passphrase)],
    }
    return printed_json.compact(plain).encode()


def heard(message: bytes) -> list[Key]:
    """The keys in what ``told`` made. Raises ArtifactError where it is something else."""
    plain = printed_json.parsed(message)
    found: list[Key] = [Passphrase(text) for text in plain["passphrases"]]
    if plain["identities"]:
        found += age_keys.identities_of("\n".join(plain["identities"]).encode())
    return found


def _unreadable() -> StorageFailure:
    return StorageFailure(
        "storage.unreadable",
        _("The file cannot be opened."),
        hint=_("Check the file's name and that this account may read it."),
    )


# The installation's own


def safety_key() -> Identity:
    """The key of the safety backups, made at first need. Raises as ``safety_keys``."""
    return safety_keys()[0]


def safety_keys() -> list[Identity]:
    """That key, and behind it those that it was before, which still open what was made then. Their file is
    one of age's identity files.

    Raises StorageFailure where it cannot be read or made.
    """
    path = conf.safety_key_file()
    with _safety_key_errors():
        if not path.exists():
            private.make_folder(path.parent)
            private.write_once(path, as_identity_file([age_keys.new_identity()]))
        return age_keys.identities_of(path.read_bytes())


def rotate_safety_key() -> None:
    """Put a new key in front of the others, where there is one: whoever has a copy of these opens no safety
    backup that is made from now on. Raises StorageFailure."""
    path = conf.safety_key_file()
    with _safety_key_errors():
        if path.exists():
            with private.alone(path.parent):
                kept = safety_keys()[: MOST_SAFETY_KEYS - 1]
                private.write(path, as_identity_file([age_keys.new_identity(), *kept]))


@contextlib.contextmanager
def _safety_key_errors() -> Iterator[None]:
    try:
        yield
    except (OSError, ArtifactError) as error:
        raise StorageFailure(
            "installation.safety_key",
            _("The installation's key for safety backups cannot be read or made."),
            hint=_("Check the file beside BACKUPS_KEY_FILE: a copy of it is in the recovery kit."),
        ) from error


def has_safety_key() -> bool:
    return conf.safety_key_file().exists()


def as_identity_file(identities: Sequence[Identity]) -> bytes:
    """As ``age-keygen`` writes it."""
    lines = [f"# public key: {one.recipient}\n{one.told()}\n" for one in identities]
    return "".join(lines).encode()


def _of_installation() -> list[Identity]:
    return safety_keys() if has_safety_key() else []
