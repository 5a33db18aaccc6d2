"""What a project may set, with the defaults. Names, units and meaning: docs/operating.md."""

from pathlib import Path

from django.conf import settings

MEBIBYTE = 1024 * 1024


def root() -> Path:
    """The folder of the artifacts: outside the web root and outside MEDIA."""
    return Path(settings.BACKUPS_ROOT)


def key_file() -> Path:
    return Path(settings.BACKUPS_KEY_FILE)


def application() -> str:
    return str(getattr(settings, "BACKUPS_APPLICATION", "Django"))


def queue() -> str:
    return str(getattr(settings, "BACKUPS_QUEUE", "backups"))


def file_limit_bytes() -> int:
    """A larger file is skipped by rule."""
    return int(getattr(settings, "BACKUPS_FILE_LIMIT_BYTES", 50 * MEBIBYTE))


def fetch_workers() -> int:
    return int(getattr(settings, "BACKUPS_FETCH_WORKERS", 4))


def fetch_per_host() -> int:
    return int(getattr(settings, "BACKUPS_FETCH_PER_HOST", 2))


def fetch_connect_seconds() -> float:
    return float(getattr(settings, "BACKUPS_FETCH_CONNECT_SECONDS", 5))


def fetch_read_seconds() -> float:
    return float(getattr(settings, "BACKUPS_FETCH_READ_SECONDS", 20))


def fetch_total_seconds() -> float:
    return float(getattr(settings, "BACKUPS_FETCH_TOTAL_SECONDS", 300))


def fetch_attempts() -> int:
    return int(getattr(settings, "BACKUPS_FETCH_ATTEMPTS", 3))


def fetch_internal_hosts() -> frozenset[str]:
    """``host:port`` pairs that may lie inside the network and speak plain HTTP."""
    return frozenset(getattr(settings, "BACKUPS_FETCH_INTERNAL_HOSTS", ()))


def fetch_allowed_hosts() -> frozenset[str]:
    """When not empty, files are fetched from these hosts alone."""
    return frozenset(getattr(settings, "BACKUPS_FETCH_ALLOWED_HOSTS", ()))


def fetch_plain_http() -> bool:
    return bool(getattr(settings, "BACKUPS_FETCH_PLAIN_HTTP", False))


def lock_wait_seconds() -> float:
    """How long a backup waits for a restore, and a restore for backups, before it gives up."""
    return float(getattr(settings, "BACKUPS_LOCK_WAIT_SECONDS", 60))


def drain_seconds() -> float:
    """How long a restore lets work on the tables go on before it cuts it off."""
    return float(getattr(settings, "BACKUPS_DRAIN_SECONDS", 10))


def job_seconds() -> int:
    return int(getattr(settings, "BACKUPS_JOB_SECONDS", 24 * 3600))


def progress_seconds() -> float:
    return float(getattr(settings, "BACKUPS_PROGRESS_SECONDS", 0.5))


def row_limit_bytes() -> int:
    """The longest line that the reader takes."""
    return int(getattr(settings, "BACKUPS_ROW_LIMIT_BYTES", 256 * MEBIBYTE))


def document_limit_bytes() -> int:
    """The largest document that the reader takes, after decompression."""
    return int(getattr(settings, "BACKUPS_DOCUMENT_LIMIT_BYTES", 1024**4))


def safety_backup_days() -> int:
    return int(getattr(settings, "BACKUPS_SAFETY_DAYS", 7))


def reminder_days(scope: str) -> int:
    """After how many days the next backup of a kind is overdue."""
    if scope == "safe":
        return int(getattr(settings, "BACKUPS_SAFE_REMINDER_DAYS", 7))
    return int(getattr(settings, "BACKUPS_COMPLETE_REMINDER_DAYS", 31))


def pg_dump() -> str:
    """The program that a test restore reads the live schema with; empty: it is looked for."""
    return str(getattr(settings, "BACKUPS_PG_DUMP", "") or "")
