"""An e-mail backend that holds mail back while outgoing traffic is held; else it hands it on.

``EMAIL_BACKEND = "restore.mail.HoldingEmailBackend"``; the backend that really sends is named by
``BACKUPS_EMAIL_BACKEND``.
"""

from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from backups import conf
from restore.services import outgoing


class HoldingEmailBackend(BaseEmailBackend):
    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self._options = options

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Returns how many messages were sent or are held."""
        if outgoing.is_held():
            return sum(outgoing.keep_message(message) for message in email_messages)
        return really_send(email_messages, fail_silently=self.fail_silently, **self._options)


def really_send(messages: Sequence[EmailMessage], **options: Any) -> int:
    return int(get_connection(conf.email_backend(), **options).send_messages(messages) or 0)
