"""The key of this installation: made at first need, kept outside the database, never in a backup.

Where it was changed, the former ones lie in a file beside it, one a line: they sign nothing any more, and
still tell what was made here.
"""

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from backups import conf
from backups.artifact import digest
from backups.artifact.tail import Integrity
from backups.errors import ConfigurationError, StorageFailure
from backups.files import private
from backups.wording import _

KEY_BYTES = 32


def key() -> bytes:
    """The key. Raises StorageFailure where the file cannot be read or made."""
    path = conf.key_file()
    with _key_errors():
        if not path.exists():
            _make(path)
        found = bytes.fromhex(path.read_text().strip())
        if len(found) != KEY_BYTES:
            # A file cut short would still sign, with a key that anybody could guess.
            raise ValueError("not a key")
    return found


def former_keys() -> list[bytes]:
    """The keys that this installation had before, newest first. Raises StorageFailure."""
    try:
        lines = _former_file().read_text().split()
        found = [bytes.fromhex(line) for line in lines]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise _unreadable_former() from error
    if any(len(one) != KEY_BYTES for one in found):
        raise _unreadable_former()
    return found


def keys() -> list[bytes]:
    """All keys that tell what was made here, that of today first. Raises StorageFailure."""
    return list(dict.fromkeys([key(), *former_keys()]))


def rotate(*, of: str = "") -> tuple[str, str]:
    """Put a new key in place of today's, which becomes a former one. Returns the names before and after.
    ``of``: the name that is to be changed; where it was changed already, it is not a second time.

    Whoever dies in between leaves today's key in both places, which harms nothing.

    Raises StorageFailure, ConfigurationError (``key.changed``).
    """
    path = conf.key_file()
    key()  # made, where there is none yet
    with _key_errors(), private.alone(path.parent):
        known = keys()
        if of and digest.key_id(known[0]) != of:
            raise _changed_already()
        private.write(_former_file(), "".join(f"{one.hex()}\n" for one in known).encode())
        private.write(path, secrets.token_hex(KEY_BYTES).encode())
    return digest.key_id(known[0]), name()


def adopt(others: Sequence[bytes]) -> int:
    """Take keys of an installation that is no more for former ones of this: what was made with them counts as
    made here. Returns how many were not known before. Raises StorageFailure."""
    path = conf.key_file()
    key()  # made, where there is none yet
    with _key_errors(), private.alone(path.parent):
        known = keys()
        new = [one for one in dict.fromkeys(others) if one not in known]
        if new:
            former = [*known[1:], *new]
            private.write(_former_file(), "".join(f"{one.hex()}\n" for one in former).encode())
    return len(new)


@contextlib.contextmanager
def _key_errors() -> Iterator[None]:
    """What the disk refuses, or what is no key, in words. Raises StorageFailure."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise StorageFailure(
            "installation.key",
            _("The installation's key cannot be read or made."),
            hint=_("Check BACKUPS_KEY_FILE: its folder must be writable by the application alone."),
        ) from error


def _changed_already() -> ConfigurationError:
    return ConfigurationError(
        "key.changed",
        _(
            "The key of the installation has changed since the page was shown. It was not changed again."
        ),
        hint=_("Save the recovery kit of today. If it must be changed once more, begin anew."),
    )


def _former_file() -> Path:
    path = conf.key_file()
    return path.with_name(path.name + ".former")


def _unreadable_former() -> StorageFailure:
    return StorageFailure(
        "installation.former_keys",
        _("The former keys of this installation cannot be read."),
        hint=_("Check the file beside BACKUPS_KEY_FILE: a copy of them is in the recovery kit."),
    )


def _make(path: Path) -> None:
    """Of two first starts at once, one key wins and both read it."""
    private.make_folder(path.parent)
    private.write_once(path, secrets.token_hex(KEY_BYTES).encode())


def name() -> str:
    """Tells installations apart without telling the key."""
    return digest.key_id(key())


def names() -> list[str]:
    """The name of today, and those that it had with former keys."""
    return [digest.key_id(one) for one in keys()]


def seal(document_digest: str) -> Integrity:
    """The last member of an artifact made here."""
    secret = key()
    return Integrity(
        algorithm="sha256",
        digest=document_digest,
        key_id=digest.key_id(secret),
        hmac=digest.sign(secret, document_digest),
    )


def is_ours(integrity: Integrity) -> bool:
    """Whether the file was made by this installation, with whichever of its keys, and not changed since."""
    return any(is_signed(integrity, one) for one in keys())


def is_signed(integrity: Integrity, secret: bytes) -> bool:
    """Whether the file was made by the installation whose key this is, and not changed since."""
    named = integrity.key_id == digest.key_id(secret) and integrity.hmac.isascii()
    return named and digest.is_signed_by(secret, integrity.digest, integrity.hmac)
