"""Errors of the backup system as answers to the page's script."""

from typing import Any

from django.http import JsonResponse

from backups.errors import (
    ArtifactError,
    BackupSystemError,
    RestoreError,
    StorageFailure,
    WorkerFailure,
)

_BY_CODE = {
    "upload.offset": 409,
    "upload.busy": 409,
    "upload.length": 413,
    "upload.too_large": 413,
    "upload.broken": 400,
    "storage.full": 507,
    "storage.missing": 410,
}
_BY_KIND: tuple[tuple[type[BackupSystemError], int], ...] = (
    (ArtifactError, 422),
    (RestoreError, 400),
    (StorageFailure, 503),
    (WorkerFailure, 503),
)


def status_of(error: BackupSystemError) -> int:
    """The HTTP status that fits."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((status for kind, status in _BY_KIND if isinstance(error, kind)), 500)


def refusal(error: BackupSystemError, **more: Any) -> JsonResponse:
    """What went wrong and what to do, for the script to show."""
    said = {"code": error.code, "message": error.message, "hint": error.hint}
    return JsonResponse({"error": said, **more}, status=status_of(error))
