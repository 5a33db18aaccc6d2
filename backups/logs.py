"""What stands in a log: neither paths of the server nor values of rows, and no traceback for a refusal.

What an exception says may hold both (PostgreSQL quotes the row in DETAIL, the system names the file), and so
do the lines of a traceback. Which code it came through, and what kind it was, is all that leaves here.
"""

import logging
import re
import types
from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import DisallowedHost

from backups.errors import BackupSystemError

# What a terminal or a reader of lines obeys: a name with it would write lines of its own into the log.
_ENDS_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Answers from here on are faults of the application; before, of who asked.
_FAULT = 500


class Discreet(logging.Filter):
    """For the handlers of a project's ``LOGGING``, as docs/installing.md shows. Lets every record through."""

    def filter(self, record: logging.LogRecord) -> bool:
        if settings.DEBUG:
            return True
        if record.args and isinstance(record.args, tuple):
            record.args = tuple(_discreet(value) for value in record.args)
        if isinstance(record.msg, BaseException):
            record.msg = kind_of(record.msg)
        if record.exc_info:
            error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
            record.exc_info = None
            if error and record.msg == str(error) and not isinstance(error, DisallowedHost):
                # Django says of what it finds suspicious what the error said.
                path = getattr(getattr(record, "request", None), "path", "")
                record.msg, record.args = "%s: %s", (kind_of(error), ascii(path)[1:-1])
            is_fault = getattr(record, "status_code", _FAULT) >= _FAULT
            record.exc_text = "\n".join(way_of(error)) if error and is_fault else None
        return True


def kind_of(error: BaseException) -> str:
    """What an error is, in a word: of ours its code, of PostgreSQL's its SQLSTATE."""
    if isinstance(error, BackupSystemError):
        return error.code
    told = error.__cause__ if not getattr(error, "pgcode", None) and error.__cause__ else error
    state = getattr(told, "pgcode", None) or ""
    return f"{type(error).__name__}, SQLSTATE {state}" if state else type(error).__name__


def way_of(error: BaseException) -> Iterator[str]:
    """The way an error took, a line a function, without its words; what caused it first."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.insert(0, at)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    for one in chain:
        yield from _frames(one.__traceback__)
        yield kind_of(one)


def _frames(traceback: types.TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        module = traceback.tb_frame.f_globals.get("__name__", "?")
        yield f"  {module}:{traceback.tb_lineno} {code.co_name}"
        traceback = traceback.tb_next


def _discreet(value: object) -> object:
    if isinstance(value, str) and not value.isprintable():
        return _ENDS_LINE.sub(lambda found: ascii(found[0])[1:-1], value)
    return kind_of(value) if isinstance(value, BaseException) else value
