"""The head of the audit trail's chain, noted outside the database: who can change that cannot change this.

Noted after each event, and only where the chain leads on from what was noted before: a trail that was cut
or written anew is never taken for the right one by what is added to it.
"""

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from django.db import Error as DjangoDatabaseError
from django.db import connection

from backups import conf
from backups.database import audit_chain
from backups.errors import StorageFailure
from backups.files import private, storage
from backups.logs import kind_of
from backups.models import AuditEvent
from backups.services import vault
from backups.wording import _

logger = logging.getLogger("backups")
_LONGEST = 200
_complained: set["Head"] = set()


@dataclass(frozen=True)
class Head:
    """The newest event: its place in the chain, and its hash."""

    number: int
    hash: str


def note() -> None:
    """Note the chain's head as it is now. Silent for the caller whatever fails: the log has it."""
    try:
        link_waiting()
        with _alone():
            before, now = noted(), newest()
            if before is not None and not leads_on_from(before):
                _complain(before)
            elif now is not None and (before is None or now.number > before.number):
                _write(now)
    except Exception as error:
        # What was to be written down is committed: nothing may make it look undone.
        if isinstance(error, tuple(storage.LET_THROUGH)):
            raise
        logger.warning("the head of the audit trail could not be noted (%s)", kind_of(error))
        if isinstance(error, DjangoDatabaseError):
            connection.close()


def link_waiting() -> None:
    """Let events that wait for their place in the chain have it: those of transactions that saw one instant,
    also of a process that died right behind its commit. Raises DatabaseFailure."""
    if AuditEvent.objects.filter(number=None, hash=audit_chain.WAITS).exists():
        audit_chain.link_waiting()


def note_anew() -> None:
    """Note the chain's head whatever was noted before. Raises StorageFailure."""
    with _alone():
        conf.audit_head_file().unlink(missing_ok=True)
        if now := newest():
            _write(now)


def newest() -> Head | None:
    """The chain's head in the database; None where there is no event."""
    numbered = AuditEvent.objects.exclude(number=None).only("number", "hash")
    event = numbered.order_by("-number").first()
    return Head(event.number, event.hash) if event and event.number else None


def noted() -> Head | None:
    """The head that was noted last; None where none ever was. Raises StorageFailure."""
    with vault.disk_errors():
        try:
            with conf.audit_head_file().open("rb") as file:
                text = file.read(_LONGEST)
        except FileNotFoundError:
            return None
    try:
        said = json.loads(text)
        return Head(int(said["number"]), str(said["hash"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StorageFailure(
            "audit.head",
            _("What was noted of the audit trail outside the database cannot be read."),
            hint=_(
                "Look at the file BACKUPS_AUDIT_HEAD_FILE; then run `manage.py audit_verify --accept`."
            ),
        ) from error


def leads_on_from(before: Head) -> bool:
    """Whether the chain still has that event, with that hash."""
    return AuditEvent.objects.filter(number=before.number, hash=before.hash).exists()


def _write(head: Head) -> None:
    private.write(conf.audit_head_file(), json.dumps(asdict(head)).encode())


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    with vault.disk_errors(), private.alone(private.make_folder(conf.audit_head_file().parent)):
        yield


def _complain(before: Head) -> None:
    """Once for a process: each further event would say it again."""
    if before not in _complained:
        _complained.add(before)
        logger.error(
            "the audit trail is not what was noted of it outside the database; `manage.py audit_verify`"
            " tells more"
        )
