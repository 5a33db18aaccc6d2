"""The errors of the backup system, as one tree. No Django in here.

    BackupSystemError
    ├── ConfigurationError   the registry, the schema or a setting is not fit for a backup
    ├── BusyError            somebody else holds the lock; trying again later helps
    ├── CancelledError       a person asked for it
    ├── DatabaseFailure      the database refused or went away
    ├── StorageFailure       the disk or Django's storage refused
    ├── WorkerFailure        nobody did the work, or who did it died
    ├── FetchError           one file could not be fetched: a gap, never the end of a backup
    ├── ArtifactError        a file is not what it should be
    └── RestoreError         a restore was refused, or failed and changed nothing

Every error carries a stable ``code`` (docs/errors.md lists them all), a sentence, a ``hint`` that says
what to do, and ``permanent``: whether the same call would fail again. Messages never hold a row's
values, a secret or a path of the server. Both texts are English and can be shown in another language
later: see ``backups.wording``.
"""

from backups.wording import Sentence


class BackupSystemError(Exception):
    """Base of all; ``str()`` is the sentence without code and hint."""

    def __init__(
        self, code: str, message: Sentence, *, hint: Sentence, permanent: bool = True
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.permanent = permanent

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.code, self.message, self.hint, self.permanent))


def _rebuild(
    kind: type[BackupSystemError], code: str, message: Sentence, hint: Sentence, permanent: bool
) -> BackupSystemError:
    return kind(code, message, hint=hint, permanent=permanent)


class ConfigurationError(BackupSystemError):
    pass


class BusyError(BackupSystemError):
    pass


class CancelledError(BackupSystemError):
    pass


class DatabaseFailure(BackupSystemError):
    pass


class StorageFailure(BackupSystemError):
    pass


class WorkerFailure(BackupSystemError):
    pass


class FetchError(BackupSystemError):
    pass


class ArtifactError(BackupSystemError):
    pass


class RestoreError(BackupSystemError):
    pass
