"""An e-mail backend that holds mail back while outgoing traffic is held; else it hands it on.

``EMAIL_BACKEND = "restore.mail.HoldingEmailBackend"``; the backend that really sends is named by
``BACKUPS_EMAIL_BACKEND``.
"""

import logging
from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from backups import conf
from backups.errors import StorageFailure
from restore.services.asking import outgoing

log = logging.getLogger(__name__)


class HoldingEmailBackend(BaseEmailBackend):
    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self._options = options

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Returns how many messages were sent or are held."""
        if outgoing.is_held():
            return sum(self._keep(message) for message in email_messages)
        return really_send(email_messages, fail_silently=self.fail_silently, **self._options)

    def _keep(self, message: EmailMessage) -> int:
        given = {name: value for name, value in self._options.items() if value is not None}
        try:
            return outgoing.keep_message(message, given)
        except StorageFailure as error:
            if not self.fail_silently:
                raise
            log.error("A message could not be held: %s", error.code)
            return 0


def really_send(messages: Sequence[EmailMessage], **options: Any) -> int:
    sent = get_connection(conf.email_backend(), **options).send_messages(messages)
    # Some backends say nothing where they sent all.
    return len(messages) if sent is None else int(sent)
