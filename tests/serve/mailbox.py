"""Mail of a program that a test starts, one file a message."""

import os
from typing import Any

from django.core.mail.backends import filebased


class Mailbox(filebased.EmailBackend):
    """Writes into the folder that ``MAILBOX`` names."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"file_path": os.environ["MAILBOX"]})
