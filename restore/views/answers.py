"""Errors of the backup system as answers to the page's script.

A file that is no backup is not an error of the request: the piece arrived and was looked at, and what came
of it is the answer (200, ``refused``). Any other status is a request that was not carried out.
"""

from typing import Any

from django.http import HttpResponse

from backups import printed_json
from backups.errors import (
    ArtifactError,
    BackupSystemError,
    RestoreError,
    StorageFailure,
    WorkerFailure,
)
from backups.translating import translated

_BY_CODE = {
    "upload.offset": 409,
    "upload.busy": 409,
    "upload.length": 413,
    "upload.password": 403,
    "upload.too_large": 413,
    "upload.broken": 400,
    "storage.full": 507,
    "storage.missing": 410,
}
_BY_KIND: tuple[tuple[type[BackupSystemError], int], ...] = (
    (RestoreError, 400),
    (StorageFailure, 503),
    (WorkerFailure, 503),
)


def as_json(value: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """An answer for the page's script."""
    text = printed_json.compact(value, default=str)
    return HttpResponse(text, status=status, content_type="application/json")


def status_of(error: BackupSystemError) -> int:
    """The HTTP status that fits."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((status for kind, status in _BY_KIND if isinstance(error, kind)), 500)


def refusal(error: BackupSystemError, **more: Any) -> HttpResponse:
    """What went wrong and what to do, for the script to show."""
    return as_json({"error": _said(error), **more}, status=status_of(error))


def no_backup(error: ArtifactError, name: str) -> HttpResponse:
    """What came of looking at the file of that name, which was thrown away."""
    return as_json({"refused": _said(error) | {"file": name}})


def _said(error: BackupSystemError) -> dict[str, str]:
    return {
        "code": error.code,
        "message": translated(error.message),
        "hint": translated(error.hint),
    }
