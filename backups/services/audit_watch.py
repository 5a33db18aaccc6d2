"""A worker looks at the audit trail each day, without being asked. What is wrong is told to the owners.

A short look: of a trail that is too long for it, the next one reads on. Its guards and its newest event are
looked at each time.
"""

import datetime
import logging
import time

from django.core.mail import send_mail
from django.utils import timezone
from django.utils.translation import gettext as _

from backups import conf
from backups.errors import BackupSystemError
from backups.files import private
from backups.services import audit_proof, owners, vault
from backups.services.audit_proof import Proof
from backups.services.auditing import Actor
from backups.translating import translated

logger = logging.getLogger("backups")

WORKER = Actor(name="worker")
EVERY = datetime.timedelta(days=1)
# The heartbeat of a job lasts 90 seconds; some two million events are read meanwhile.
SECONDS = 20.0
# Where it could not be read; and between two messages that say the same.
_AGAIN_SECONDS = 3600.0
_SAID_AGAIN = datetime.timedelta(days=7)


class Daily:
    """For who asks again and again: one look a day, whichever worker comes first."""

    def __init__(self) -> None:
        self._not_before = float("-inf")

    def __call__(self) -> None:
        """Silent where it cannot be read: the log says so."""
        if time.monotonic() < self._not_before or not _is_due():
            return
        self._not_before = time.monotonic() + _AGAIN_SECONDS
        try:
            # Not the folder of the noted head, which whoever writes an event locks.
            with vault.disk_errors(), private.alone_if_free(vault.folder()) as is_free:
                if is_free and _is_due():
                    audit_proof.verify_for(WORKER, seconds=SECONDS, tell=alarm)
        except BackupSystemError as error:
            logger.warning("the audit trail could not be verified (%s)", error.code)


def alarm(proof: Proof) -> bool:
    """Say that the trail is not whole and guarded, in the log each time and by mail to the owners where they
    do not know yet, or were told a week ago. Returns whether they were."""
    if proof.is_guarded:
        return False
    codes = sorted({finding.code for finding in proof.findings})
    logger.error(
        "the audit trail is not what was written (%s); `manage.py audit_verify` tells more",
        ", ".join(codes),
    )
    if _is_known(codes):
        return False
    found = owners.addresses()
    # One by one: nobody need know who else is told, and one wrong address keeps nobody else from it.
    return bool([address for address in found if _write_to(address, proof)])


def _write_to(address: str, proof: Proof) -> int:
    said = [f"{translated(f.message)} {translated(f.hint)} ({f.code})" for f in proof.findings]
    return send_mail(
        _("The audit trail of %(application)s is not what was written")
        % {"application": conf.application()},
        "\n\n".join(
            [
                _("The audit trail was verified just now, and this was found:"),
                *said,
                _(
                    "Look at the audit page, and at the log of the server. Nothing was changed by looking."
                ),
            ]
        ),
        None,
        [address],
        fail_silently=True,
    )


def _is_known(codes: list[str]) -> bool:
    """Whether owners were told the same within the week."""
    before = audit_proof.last_look()
    if before is None or before.told_at is None or not {*codes} <= {*before.told}:
        return False
    return _is_within(_SAID_AGAIN, before.told_at)


def _is_due() -> bool:
    looked = audit_proof.last_look()
    return looked is None or not _is_within(EVERY, looked.at)


def _is_within(span: datetime.timedelta, at: datetime.datetime) -> bool:
    """Whether it is no longer ago. What is still to come by a clock that was put right says nothing."""
    return datetime.timedelta(0) <= timezone.now() - at < span
