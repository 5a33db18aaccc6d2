"""What a storage's exception means. Each backend has errors of its own, so they are told by what they carry
and not by their class: an HTTP status, an error number, or one of Django's and Python's own kinds."""

import errno
from typing import Any

from django.core.exceptions import SuspiciousOperation

_NOT_FOUND = 404
# Asking again later may help; every other refusal with a status (400 to 499) is final.
_LATER = {408, 425, 429}
_IN_VAIN = (
    SuspiciousOperation,
    NotImplementedError,
    PermissionError,
    TypeError,
    AttributeError,
    ValueError,
)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP)
_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


def may_help_later(error: BaseException) -> bool:
    """Whether the same call may succeed another time, by what a storage raised."""
    status = _status(error)
    if status:
        return status >= 500 or status in _LATER
    if isinstance(error, OSError) and error.errno in _FULL:
        return False
    return not isinstance(error, _IN_VAIN + _NO_FILE)


def says_missing(error: BaseException) -> bool:
    """Whether it says that there is no such file."""
    return isinstance(error, _NO_FILE) or _status(error) == _NOT_FOUND


def says_bad_name(error: BaseException) -> bool:
    """Whether it says that no file can have this name; a text that cannot be decoded is another thing."""
    is_value = isinstance(error, ValueError) and not isinstance(error, UnicodeError)
    return is_value or isinstance(error, SuspiciousOperation)


def may_mean_missing(cause: BaseException | None) -> bool:
    """Whether a storage may say in this way that nothing is there: no denial, no failing connection."""
    plain = type(cause) is OSError and cause.errno is None
    return plain or (isinstance(cause, LookupError) and not _status(cause))


def _status(error: BaseException) -> int:
    """The HTTP status in an error of a client: those of S3, Google, Azure and requests say it each in a
    way of its own."""
    response = getattr(error, "response", None)
    told: list[Any] = [getattr(error, "status_code", None), getattr(error, "code", None)]
    if isinstance(response, dict):
        told.append(dict(response.get("ResponseMetadata") or {}).get("HTTPStatusCode"))
        told.append(dict(response.get("Error") or {}).get("Code"))
    else:
        told.append(getattr(response, "status_code", None))
    for status in told:
        if str(status).isdecimal() and 400 <= int(status) <= 599:
            return int(status)
    return 0
