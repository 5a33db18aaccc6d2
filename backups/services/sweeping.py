"""Tidying goes on: what cannot be tidied is logged and passed over, and never stops what comes after it."""

import contextlib
import logging
from collections.abc import Iterator

from django.db import Error as DjangoDatabaseError
from django.db import connection

from backups.files import storage

logger = logging.getLogger("backups")
_LONGEST = 40


@contextlib.contextmanager
def passed_over(what: str, run_id: str = "") -> Iterator[None]:
    """Log whatever the block raises, with its run, and go on behind the block.

    Neither what was raised nor a name is told: both may hold what nobody should read in a log.
    """
    try:
        yield
    except BaseException as error:
        storage.let_through(error)
        told = ascii(run_id[:_LONGEST])[1:-1] or "-"
        logger.warning(
            "run %s: %s failed and was passed over (%s)", told, what, type(error).__name__
        )
        if isinstance(error, DjangoDatabaseError):
            connection.close()
