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
        logger.warning(
            "run %s: %s failed and was passed over (%s)", told(run_id), what, type(error).__name__
        )
        if isinstance(error, DjangoDatabaseError):
            connection.close()


def told(run_id: str) -> str:
    """What a log says of a run's number that was the end of a file's name: anybody may have chosen that."""
    return ascii(run_id[:_LONGEST])[1:-1] or "-"
