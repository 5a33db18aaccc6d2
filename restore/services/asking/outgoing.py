"""Mail and jobs that would leave are held after another installation's file was restored.

A staging server with the studio's real addresses must not write to real clients. An owner releases the
hold, and decides whether what was held is sent or thrown away.

Each message is one private file, which has its name only when it is whole. One that cannot be read is set
aside, one that cannot be sent stays; neither keeps the others from leaving. Nothing of a message, neither
text nor address, goes to a log.
"""

import contextlib
import fcntl
import logging
import os
import secrets
import shutil
import smtplib
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.mail import EmailMessage
from django.utils import timezone

from backups.errors import StorageFailure
from backups.files import private
from backups.services import auditing, vault
from backups.services.auditing import Actor
from backups.wording import _
from restore.models import OutgoingHold
from restore.services.asking import held_message
from restore.services.asking.held_message import DamagedMessage, Held

_FOLDER = "held-mail"
_SUFFIX = ".json"
_ASIDE = ".unreadable"
# How names of drafts begin; see ``private.write``.
_PARTIAL = "."
# A draft that nobody has written to for so long has no writer any more.
_ABANDONED_SECONDS = 3600
# No mail server takes a message of this size, and it must not fill the disk of the backups.
FILE_BYTES_MAX = 256 * 1024 * 1024
# A mail server that is not there is not asked for every message of thousands.
_UNREACHABLE_MAX = 10
log = logging.getLogger(__name__)

Sender = Callable[[EmailMessage, Mapping[str, Any]], int]


@dataclass(frozen=True)
class Settled:
    """How many messages were sent, were not taken and stay, and cannot be read and lie aside."""

    sent: int = 0
    failed: int = 0
    unreadable: int = 0


def is_held() -> bool:
    """Whether a hold is in force."""
    return OutgoingHold.objects.filter(released_at=None).exists()


def keep_message(message: EmailMessage, options: Mapping[str, Any] | None = None) -> int:
    """Store a message instead of sending it; ``options`` are those of its connection.

    Returns 1, or 0 where it has no recipients. Raises StorageFailure, and what sending raises for a
    message that cannot be written, such as Django's BadHeaderError.
    """
    if not message.recipients():
        return 0
    content = held_message.dump(message, options or {})
    if len(content) > FILE_BYTES_MAX:
        raise StorageFailure(
            "storage.mail_too_large",
            _("Mail is held, and a message is too large to be stored."),
            hint=_("Send it again once mail leaves again, or make its attachments smaller."),
        )
    with vault.disk_errors():
        name = f"{timezone.now():%Y%m%d%H%M%S%f}-{secrets.token_hex(8)}{_SUFFIX}"
        private.write(_folder() / name, content)
    return 1


def held_messages() -> int:
    """How many messages wait."""
    return len(_waiting())


def unreadable_messages() -> int:
    """How many files were set aside because nothing can be read from them."""
    return len(list(_folder().glob(f"*{_ASIDE}")))


def release(actor: Actor) -> int:
    """End the hold. What is held stays stored; see ``send_messages`` and ``discard_messages``.

    Returns how many messages wait.
    """
    OutgoingHold.objects.filter(released_at=None).update(
        released_at=timezone.now(), released_by=actor.email or actor.name
    )
    auditing.audit(actor, "outgoing", "released")
    return held_messages()


def send_messages(send: Sender) -> Settled:
    """Give each held message to ``send``, the oldest first, and remove what it took.

    ``send`` gets a message and the options of its connection, and returns how many messages were taken.
    Whatever it raises leaves that message held. Two that do this at once send nothing twice.
    Raises StorageFailure where what was sent cannot be removed: going on would send it again next time.
    """
    _sweep(_ABANDONED_SECONDS)
    sending = _Sending(send)
    for path in _waiting():
        sending.settle(path)
    return Settled(sending.sent, sending.failed, sending.unreadable)


def discard_messages() -> int:
    """Throw away what is held, what lies aside too. Returns how many messages that were."""
    _sweep(0)
    paths = [*_waiting(), *_folder().glob(f"*{_ASIDE}")]
    with vault.disk_errors():
        for path in paths:
            _remove(path)
    return len(paths)


class _Sending:
    """One pass over what is held, and its counts."""

    def __init__(self, send: Sender) -> None:
        self._send = send
        self._unreachable = 0
        self.sent = self.failed = self.unreadable = 0

    def settle(self, path: Path) -> None:
        try:
            with _claimed(path) as content:
                if content is not None:
                    self._settle(path, content)
        except DamagedMessage:
            _set_aside(path)
            self.unreadable += 1
        except OSError as error:
            log.warning("Held mail %s cannot be read (%s).", path.name, type(error).__name__)
            self.failed += 1

    def _settle(self, path: Path, content: bytes) -> None:
        held = held_message.load(content)
        if self._unreachable < _UNREACHABLE_MAX and self._is_taken(path, held):
            self.sent += 1
            with vault.disk_errors():
                path.unlink(missing_ok=True)
        else:
            self.failed += 1

    def _is_taken(self, path: Path, held: Held) -> bool:
        """An error's own words may hold the addresses or the text, so its kind alone is logged."""
        try:
            taken = self._send(held.message, held.options) > 0
        except Exception as error:
            log.warning("Held mail %s was not sent (%s).", path.name, type(error).__name__)
            away = isinstance(error, OSError) and not isinstance(
                error, smtplib.SMTPResponseException
            )
            away = away and not isinstance(error, smtplib.SMTPRecipientsRefused)
            self._unreachable = self._unreachable + 1 if away else 0
            return False
        self._unreachable = 0
        return taken


def _waiting() -> list[Path]:
    return sorted(p for p in _folder().glob(f"*{_SUFFIX}") if not p.name.startswith(_PARTIAL))


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[bytes | None]:
    """The file's bytes, locked until the end of the block; None where somebody else has it or had it.

    Raises DamagedMessage for what is no file of ours, and OSError.
    """
    try:
        descriptor = _opened(path)
    except FileNotFoundError:
        yield None
        return
    with os.fdopen(descriptor, "rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        # Whoever had it before may have sent and removed it.
        yield stream.read(FILE_BYTES_MAX) if os.fstat(stream.fileno()).st_nlink else None


def _opened(path: Path) -> int:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise DamagedMessage("no file")
    # Should it have become a named pipe, opening it must not wait until somebody writes to it.
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)


def _set_aside(path: Path) -> None:
    log.warning("Held mail %s cannot be read and is set aside.", path.name)
    with vault.disk_errors(), contextlib.suppress(FileNotFoundError):
        path.rename(path.with_name(path.name + _ASIDE))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sweep(older_than_seconds: float) -> None:
    """Remove the drafts of those who died while they wrote."""
    for draft in _folder().glob(f"{_PARTIAL}*"):
        with vault.disk_errors(), contextlib.suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime >= older_than_seconds:
                draft.unlink()


def _folder() -> Path:
    folder = vault.folder() / _FOLDER
    with vault.disk_errors():
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder
