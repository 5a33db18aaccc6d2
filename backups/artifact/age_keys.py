"""The keys of age: what people give, and small messages to who holds one. Private keys stay in the library's
objects, of which no text is kept.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import pyrage

from backups.artifact.age_beginnings import is_encrypted
from backups.errors import ArtifactError
from backups.wording import Sentence, _

# An identity file has a few lines; whatever has more is another file.
MOST_BYTES = 64 * 1024
MOST_IDENTITIES = 20

_IDENTITY = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{20,100}", re.IGNORECASE)
_RECIPIENT = re.compile(r"\bage1[0-9a-z]{20,100}\b", re.IGNORECASE)


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


def _wrong(code: str, message: Sentence, hint: Sentence) -> ArtifactError:
    return ArtifactError(code, message, hint=hint)
