"""The recovery kit: the installation's key as it is printed, typed in and saved.

Whoever has it can make files that this installation takes for its own, so it is shown after the password
alone, and nothing here says anything of a key in an error, a log or a ``repr``. What reading a kit does
not prove: that the key is that of a certain file; that is what the file's HMAC is for.
"""

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils import timezone

from backups import conf, printed_json
from backups.artifact import age_keys, digest
from backups.artifact.age_keys import Identity
from backups.artifact.tail import Integrity
from backups.errors import ArtifactError, StorageFailure
from backups.files import private
from backups.models import AuditEvent, Recipient
from backups.services import auditing, installation, keyring, software
from backups.services.auditing import Actor
from backups.wording import Sentence, _

FORMAT_FAMILY = "backupsvc-recovery-kit/"
FORMAT = FORMAT_FAMILY + "1"
# A kit has less than two thousand; whatever has more is another file.
MOST_BYTES = 64 * 1024
FILE_NAME = "recovery-kit.json"

# Crockford's: no I, L, O and U, which people take for 1, 1, 0 and V. https://www.crockford.com/base32.html
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TAKEN_FOR = str.maketrans("ILOU", "110V")
_GROUP = 4
# 32 bytes and 3 of checksum are 56 letters, 14 groups without a rest.
_CHECK_BYTES = 3
_LETTERS = (installation.KEY_BYTES + _CHECK_BYTES) * 8 // 5
_HEX_LETTERS = 2 * installation.KEY_BYTES
# What people and word processors put between groups.
_BETWEEN = frozenset("-_.:\u00b7\u2010\u2011\u2012\u2013\u2014\u2212")

SAVED = "kit.save"


@dataclass(frozen=True)
class RecoveryKit:
    """The key of an installation, perhaps of another one; in its file also the keys that the installation
    had before, and private keys that open encrypted backups: that of its safety backups, and the owner's
    where the owner put them there."""

    key: bytes = field(repr=False)
    former: tuple[bytes, ...] = field(default=(), repr=False)
    identities: tuple[Identity, ...] = field(default=(), repr=False)
    # Of the owner's keys: name, public key and fingerprint, for whoever looks for the private ones.
    public_keys: tuple[dict[str, str], ...] = ()

    @property
    def installation(self) -> str:
        """The name of the installation whose key it is."""
        return digest.key_id(self.key)

    @property
    def names(self) -> list[str]:
        """That name, and those that the installation had before."""
        return [digest.key_id(one) for one in (self.key, *self.former)]

    @property
    def text(self) -> str:
        """The key in 14 groups of letters and digits, the last of which check the others."""
        return _printed(self.key)

    @property
    def lines(self) -> list[str]:
        """The same text for paper, four groups a line."""
        groups = self.text.split("-")
        return [" ".join(groups[at : at + 4]) for at in range(0, len(groups), 4)]

    def signed(self, integrity: Integrity) -> bool:
        """Whether a file was made by the kit's installation and not changed since."""
        return any(installation.is_signed(integrity, one) for one in (self.key, *self.former))


def current() -> RecoveryKit:
    """This installation's kit. Raises StorageFailure where its keys cannot be read or made."""
    today, *former = installation.keys()
    safety = keyring.safety_keys() if keyring.has_safety_key() else []
    public = tuple(_public(key) for key in Recipient.objects.all())
    return RecoveryKit(today, tuple(former), tuple(safety), public)


# As a file


def as_file(kit: RecoveryKit, *, private_keys: Sequence[Identity] = ()) -> bytes:
    """The small file: JSON that a person can read, too. ``private_keys``: those that open the owner's
    backups, where the owner wants them in it; this server keeps none of them."""
    said = {
        "format": FORMAT,
        "what": "The key of an installation. Keep it apart from the backups, and from its server.",
        "application": conf.application(),
        "software": software.in_words(),
        "installation": kit.installation,
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "key": kit.text,
        "former_keys": [_printed(one) for one in kit.former],
        "safety_keys": [identity.told() for identity in kit.identities],
        "private_keys": [identity.told() for identity in private_keys],
        "public_keys": list(kit.public_keys),
        "steps": [str(step) for step in STEPS],
    }
    return printed_json.indented(said).encode() + b"\n"


def _public(key: Recipient) -> dict[str, str]:
    fingerprint = age_keys.fingerprint(key.public_key)
    return {"name": key.name, "public_key": key.public_key, "fingerprint": fingerprint}


STEPS: tuple[Sentence, ...] = (
    _("Install the software on the new server and start it: make run EMPTY=1, or your own way."),
    _('Open its address, type the one-time code that it printed, and choose "I have a backup".'),
    _("Choose this kit, then the file of the newest Complete backup."),
    _("Read what the restore would do, and confirm it."),
    _("Sign in with the password that you had on the day of the backup."),
)


def write(path: Path) -> RecoveryKit:
    """Save this installation's kit as a private file. Nothing is written over.

    Raises StorageFailure: there is a file already, the folder is missing, or the disk refused.
    """
    kit = current()
    try:
        if not private.write_once(path, as_file(kit)):
            raise _refused(
                "kit.exists",
                _("There is a file of this name already. Nothing was written."),
                _("Name another file."),
            )
    except OSError as error:
        raise StorageFailure(
            "kit.unwritable",
            _("The recovery kit cannot be written there."),
            hint=_("Name a file in a folder that exists and that you may write to."),
        ) from error
    return kit


def adopt(kit: RecoveryKit, actor: Actor) -> int:
    """Let backups of the kit's installation count as made here from now on, without the kit. Returns how many
    of its keys were not known. Raises StorageFailure."""
    number = installation.adopt([kit.key, *kit.former])
    auditing.audit(actor, "kit.adopt", "done", subject=kit.installation, count=number)
    return number


# Reading one


def read(path: Path) -> RecoveryKit:
    """The kit in a file. Raises ArtifactError where it is none, StorageFailure where it cannot be read."""
    try:
        with path.open("rb") as file:
            return parsed(file.read(MOST_BYTES + 1))
    except OSError as error:
        raise StorageFailure(
            "kit.unreadable",
            _("The file of the recovery kit cannot be read."),
            hint=_("Check its name, and that you may read it."),
        ) from error


def parsed(content: bytes) -> RecoveryKit:
    """The kit in a file's content or in what somebody typed: its JSON, the printed text, or the key file
    of an installation itself. Blanks, line breaks, hyphens, small letters and a byte order mark do not
    matter.

    Raises ArtifactError: ``kit.too_large``, ``kit.format``, ``kit.version``, ``kit.letters``,
    ``kit.length``, ``kit.checksum``. None of them says anything of what was typed.
    """
    if len(content) > MOST_BYTES:
        raise _wrong(
            "kit.too_large",
            _("The file is too large to be a recovery kit."),
            _("A kit has about two thousand letters. Choose the file recovery-kit.json."),
        )
    text = _decoded(content)
    if text.startswith("{"):
        return _from_json(text)
    return RecoveryKit(_key_of(text))


def _decoded(content: bytes) -> str:
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # as Notepad saves "Unicode"
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise _no_kit() from None
    return text.strip().lstrip("\ufeff").strip()


def _from_json(text: str) -> RecoveryKit:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong(
            "kit.format",
            _("The file of the recovery kit is not whole."),
            _("Use another copy of it, or type the text from paper."),
        ) from None
    name = said.get("format") if isinstance(said, dict) else None
    if not isinstance(name, str) or not name.startswith(FORMAT_FAMILY):
        raise _no_kit()
    if name != FORMAT:
        raise _wrong(
            "kit.version",
            _("The recovery kit is of a version that this software does not know."),
            _("Use the version of the software that made it, or a newer one."),
        )
    key = said.get("key")
    kit = RecoveryKit(
        _key_of(key if isinstance(key, str) else ""),
        tuple(_key_of(one) for one in _texts(said, "former_keys")),
        tuple(_identities(said)),
    )
    if said.get("installation") != kit.installation:
        raise _wrong_checksum()
    return kit


def _texts(said: dict[str, Any], member: str) -> list[str]:
    """A list of texts that an earlier version's kit does not have."""
    found = said.get(member, [])
    return [one if isinstance(one, str) else "" for one in found] if isinstance(found, list) else []


def _identities(said: dict[str, Any]) -> list[Identity]:
    texts = _texts(said, "safety_keys") + _texts(said, "private_keys")
    try:
        return age_keys.identities_of("\n".join(texts).encode()) if texts else []
    except ArtifactError:
        raise _wrong_checksum() from None


def _key_of(text: str) -> bytes:
    """The key that was printed or typed."""
    letters = _without_blanks(text)
    if len(letters) == _HEX_LETTERS and not set(letters) - set("0123456789ABCDEF"):
        return bytes.fromhex(letters)
    letters = letters.translate(_TAKEN_FOR)
    if not letters or len(letters) > 4 * _LETTERS:
        raise _no_kit()
    if set(letters) - set(ALPHABET):
        raise _wrong(
            "kit.letters",
            _("The text has letters that no recovery kit has."),
            _("It has digits and the letters of the alphabet without I, L, O and U."),
        )
    if len(letters) != _LETTERS:
        raise _wrong(
            "kit.length",
            _(
                "The text has {n} letters and digits, and a recovery kit has {whole}.",
                n=len(letters),
                whole=_LETTERS,
            ),
            _("Look for a group that is missing or stands there twice."),
        )
    value = _bytes_of(letters)
    key, check = value[: installation.KEY_BYTES], value[installation.KEY_BYTES :]
    if not secrets.compare_digest(check, _checksum(key)):
        raise _wrong_checksum()
    return key


def plain_letters(text: str) -> str:
    """What somebody typed, in the letters and digits of ``ALPHABET`` as far as it has any."""
    return _without_blanks(text).translate(_TAKEN_FOR)


def _without_blanks(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(c for c in plain if not c.isspace() and c not in _BETWEEN)


def _checksum(key: bytes) -> bytes:
    return hashlib.sha256(b"recovery kit 1\0" + key).digest()[:_CHECK_BYTES]


def _printed(key: bytes) -> str:
    letters = _encoded(key + _checksum(key))
    return "-".join(letters[at : at + _GROUP] for at in range(0, _LETTERS, _GROUP))


def _encoded(value: bytes) -> str:
    number = int.from_bytes(value)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (_LETTERS - 1), -1, -5))


def _bytes_of(letters: str) -> bytes:
    number = 0
    for letter in letters:
        number = number << 5 | ALPHABET.index(letter)
    return number.to_bytes(_LETTERS * 5 // 8)


# With a file


def require_of(kit: RecoveryKit | None, made_by: str) -> None:
    """Raises ArtifactError where a kit is given that says nothing of a file of installation ``made_by``."""
    if kit is None or made_by in (*kit.names, *installation.names()):
        return
    raise _wrong(
        "kit.other_installation",
        _(
            "The recovery kit is that of installation {kit}, and the file was made by {file}.",
            kit=kit.installation,
            file=made_by or _("one that does not say its name"),
        ),
        _("Use the kit that was saved where the file was made, or go on without one."),
    )


# Whether somebody has it


def note_saved(actor: Actor, *, how: str) -> None:
    """Write down that this installation's kit was saved: what stops the dashboard from asking."""
    auditing.audit(actor, SAVED, "done", subject=installation.name(), form=how)


def last_saved() -> AuditEvent | None:
    """When the kit of the key of today was saved, and by whom; None where it was not."""
    saved = AuditEvent.objects.filter(action=SAVED, outcome="done", subject=installation.name())
    return saved.order_by("-at").first()


def was_changed() -> bool:
    """Whether a kit was saved once, of a key that was another one."""
    others = AuditEvent.objects.filter(action=SAVED, outcome="done")
    return others.exclude(subject=installation.name()).exists()


def _wrong(code: str, message: Sentence, hint: Sentence) -> ArtifactError:
    return ArtifactError(code, message, hint=hint)


def _refused(code: str, message: Sentence, hint: Sentence) -> StorageFailure:
    return StorageFailure(code, message, hint=hint)


def _no_kit() -> ArtifactError:
    return _wrong(
        "kit.format",
        _("This is not a recovery kit."),
        _("Choose the file recovery-kit.json, or type the text from the printed page."),
    )


def _wrong_checksum() -> ArtifactError:
    return _wrong(
        "kit.checksum",
        _("The recovery kit does not add up: a letter or digit differs from what was printed."),
        _("Compare it group by group, or use another copy."),
    )
