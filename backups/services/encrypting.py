"""Whether a backup is encrypted, to which keys, and the writing of one that is.

The server keeps public keys alone, so that it can write what it cannot read. While a backup is written it is
also encrypted to a key that its run makes in memory: with that the file is read back from the disk, from end
to end, as any other is. That key is forgotten with the run, and opens nothing afterwards. What is encrypted
with a passphrase is read back by that.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from backups import conf
from backups.artifact import age, age_keys, passphrase
from backups.artifact.passphrase import Passphrase
from backups.artifact.writer import Sink
from backups.errors import ConfigurationError
from backups.models import BackupRun, Encryption, Purpose, Recipient
from backups.registry import COMPLETE, Scope
from backups.services import key_requests, keyring, vault
from backups.wording import _

Plain = dict[str, Any]


def columns_for(
    scope: Scope, purpose: Purpose, chosen: bool | None, *, by_passphrase: bool = False
) -> Plain:
    """The columns of a new run that say how it is encrypted. ``chosen``: what the person said; None leaves it
    to the rule: a Complete backup is encrypted as soon as there are keys, a Safe one is not, and a safety
    backup is where Complete ones are. ``by_passphrase``: with one, in place of the keys.

    Raises ConfigurationError: ``encryption.no_keys``, ``encryption.obligatory``.
    """
    keys = list(Recipient.objects.all())
    if purpose == Purpose.SAFETY:
        return _to_installation() if keys or conf.encrypt_complete() else _plain()
    if by_passphrase:
        return {"encryption": Encryption.PASSPHRASE, "encrypted_to": []}
    obligatory = scope is COMPLETE and conf.encrypt_complete()
    if chosen is None:
        chosen = obligatory or (scope is COMPLETE and bool(keys))
    if not chosen:
        if obligatory:
            raise _obligatory()
        return _plain()
    if not keys:
        raise _no_keys()
    return {"encryption": Encryption.RECIPIENTS, "encrypted_to": [_told(key) for key in keys]}


def _plain() -> Plain:
    return {"encryption": Encryption.NONE, "encrypted_to": []}


def _to_installation() -> Plain:
    public = keyring.safety_key().recipient
    told = {"public_key": public, "name": "", "fingerprint": age_keys.fingerprint(public)}
    return {"encryption": Encryption.INSTALLATION, "encrypted_to": [told]}


def _told(key: Recipient) -> Plain:
    public = key.public_key
    return {"public_key": public, "name": key.name, "fingerprint": age_keys.fingerprint(public)}


class Sealing:
    """How the file of ``run`` is written: ``suffix`` ends its name."""

    def __init__(self, run: BackupRun) -> None:
        self._recipients = [str(key["public_key"]) for key in run.encrypted_to]
        self.is_on = run.encryption != Encryption.NONE
        self._by_passphrase = run.encryption == Encryption.PASSPHRASE
        self._passphrase = Passphrase("")
        self.suffix = vault.SUFFIX + (age.SUFFIX if self.is_on else "")
        if self.is_on and not (self._recipients or self._by_passphrase):
            raise _no_keys()

    @contextlib.contextmanager
    def readable(self, check: Callable[[], None], waiting: Callable[[], None]) -> Iterator[None]:
        """While the block lasts what is written can be read back in this process. A passphrase is asked for
        where none is held: ``waiting`` is told, and ``check`` called meanwhile. Raises ArtifactError."""
        if not self.is_on:
            yield
            return
        if self._by_passphrase:
            self._passphrase = key_requests.new_passphrase(check, waiting)
            with keyring.held([self._passphrase]):
                yield
            return
        passing = age_keys.new_identity()
        self._recipients.append(passing.recipient)
        with keyring.held([passing]):
            yield

    @contextlib.contextmanager
    def writing(self, sink: Sink) -> Iterator[Sink]:
        """What hands on to ``sink``: encrypted, and whole at the end of the block."""
        if not self.is_on:
            yield sink
            return
        if self._by_passphrase:
            with passphrase.Encrypting(sink, self._passphrase) as encrypted:
                yield encrypted
            return
        with age.Encrypting(sink, self._recipients) as sealed:
            yield sealed


def require_may_be_plain(run: BackupRun) -> None:
    """Raises ConfigurationError where the plain document of an encrypted backup is asked for: what this
    server hands out of it is the file as it is stored."""
    if run.encryption:
        raise ConfigurationError(
            "backup.encrypted",
            _("The backup is encrypted, and is handed out only as it is stored."),
            hint=_(
                "Take it as it is stored (.age), and decrypt it with your key: age -d -i KEY FILE"
            ),
        )


def _obligatory() -> ConfigurationError:
    return ConfigurationError(
        "encryption.obligatory",
        _("A Complete backup must be encrypted here."),
        hint=_("Leave the choice out. BACKUPS_ENCRYPT_COMPLETE makes it so."),
    )


def _no_keys() -> ConfigurationError:
    return ConfigurationError(
        "encryption.no_keys",
        _("The backup is to be encrypted, and there is no public key to encrypt it to."),
        hint=_("Add one on the page Keys, or by manage.py backup_keys --add PUBLIC-KEY."),
    )
