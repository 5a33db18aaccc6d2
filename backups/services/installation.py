"""The key of this installation: made at first need, kept outside the database, never in a backup."""

import secrets
from pathlib import Path

from backups import conf
from backups.artifact import digest
from backups.artifact.tail import Integrity
from backups.errors import StorageFailure
from backups.files import private
from backups.wording import _

KEY_BYTES = 32


def key() -> bytes:
    """The key. Raises StorageFailure where the file cannot be read or made."""
    path = conf.key_file()
    try:
        if not path.exists():
            _make(path)
        found = bytes.fromhex(path.read_text().strip())
        if len(found) != KEY_BYTES:
            # A file cut short would still sign, with a key that anybody could guess.
            raise ValueError("not a key")
    except (OSError, ValueError) as error:
        raise StorageFailure(
            "installation.key",
            _("The installation's key cannot be read or made."),
            hint=_("Check BACKUPS_KEY_FILE: its folder must be writable by the application alone."),
        ) from error
    return found


def _make(path: Path) -> None:
    """Of two first starts at once, one key wins and both read it."""
    private.make_folder(path.parent)
    private.write_once(path, secrets.token_hex(KEY_BYTES).encode())


def name() -> str:
    """Tells installations apart without telling the key."""
    return digest.key_id(key())


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
    """Whether the file was made by this installation and not changed since."""
    return is_signed(integrity, key())


def is_signed(integrity: Integrity, secret: bytes) -> bool:
    """Whether the file was made by the installation whose key this is, and not changed since."""
    named = integrity.key_id == digest.key_id(secret) and integrity.hmac.isascii()
    return named and digest.is_signed_by(secret, integrity.digest, integrity.hmac)
