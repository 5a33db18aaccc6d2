"""What a project may set, with the defaults. Names, units and meaning: docs/operating.md."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE


def _var() -> Path:
    """Where a project that says nothing keeps what is nobody else's: below its own folder, which Django's
    template calls BASE_DIR, else below that of the account that runs it."""
    base = getattr(settings, "BASE_DIR", None)
    if base:
        return Path(base) / "var"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "backupsvc"


def root() -> Path:
    """The folder of the artifacts: outside the web root and outside MEDIA, which a check holds."""
    return Path(getattr(settings, "BACKUPS_ROOT", None) or _var() / "backups")


def key_file() -> Path:
    """The file of the installation's key, outside the folders that a web server hands out."""
    return Path(getattr(settings, "BACKUPS_KEY_FILE", None) or _var() / "installation.key")


def audit_head_file() -> Path:
    """Where the newest event of the audit trail is noted, outside the database: beside the key if not set."""
    named = getattr(settings, "BACKUPS_AUDIT_HEAD_FILE", None)
    return Path(named) if named else key_file().with_suffix(".audit")


def safety_key_file() -> Path:
    """The file of the key that opens safety backups: beside the installation's key."""
    return key_file().with_name(key_file().name + ".age")


def encrypt_complete() -> bool:
    """Whether a Complete backup that is not encrypted is refused."""
    return bool(getattr(settings, "BACKUPS_ENCRYPT_COMPLETE", False))


def key_wait_seconds() -> float:
    """How long a worker waits for the private key that opens a file."""
    return float(getattr(settings, "BACKUPS_KEY_WAIT_SECONDS", 900))


def application() -> str:
    return str(getattr(settings, "BACKUPS_APPLICATION", "Django"))


def queue() -> str:
    return str(getattr(settings, "BACKUPS_QUEUE", "backups"))


def queues() -> Mapping[str, Any]:
    """RQ's queues by name; empty where the project has none."""
    return getattr(settings, "RQ_QUEUES", None) or {}


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


def fetch_host_seconds() -> float:
    """How long one host may be slow in all, in one backup."""
    return float(getattr(settings, "BACKUPS_FETCH_HOST_SECONDS", 900))


def fetch_stage_seconds() -> float:
    """How long a backup asks for files over HTTP at all."""
    return float(getattr(settings, "BACKUPS_FETCH_STAGE_SECONDS", 6 * 3600))


def fetch_attempts() -> int:
    return int(getattr(settings, "BACKUPS_FETCH_ATTEMPTS", 3))


def fetched_limit_bytes() -> int:
    """How much of what was fetched is kept, so that it need not be fetched again; 0 keeps nothing."""
    return int(getattr(settings, "BACKUPS_FETCHED_LIMIT_BYTES", 5 * GIBIBYTE))


def fetch_internal_hosts() -> frozenset[str]:
    """``host:port`` pairs that may lie inside the network and speak plain HTTP."""
    return frozenset(getattr(settings, "BACKUPS_FETCH_INTERNAL_HOSTS", ()))


def fetch_allowed_hosts() -> frozenset[str]:
    """When not empty, files are fetched from these hosts alone."""
    return frozenset(getattr(settings, "BACKUPS_FETCH_ALLOWED_HOSTS", ()))


def fetch_plain_http() -> bool:
    return bool(getattr(settings, "BACKUPS_FETCH_PLAIN_HTTP", False))


def mask_credentials() -> bool:
    """Whether a Safe file shows a marker for what looks like a credential that no column holds."""
    return bool(getattr(settings, "BACKUPS_MASK_CREDENTIALS", False))


def second_factor_required() -> bool:
    """Whether the password again is never enough without a token of the account's device."""
    return bool(getattr(settings, "BACKUPS_SECOND_FACTOR_REQUIRED", False))


def lock_wait_seconds() -> float:
    """How long a backup waits for a restore, and a restore for backups, before it gives up."""
    return float(getattr(settings, "BACKUPS_LOCK_WAIT_SECONDS", 60))


def drain_seconds() -> float:
    """How long a restore lets work on the tables go on before it cuts it off."""
    return float(getattr(settings, "BACKUPS_DRAIN_SECONDS", 10))


def leaves_equal_tables() -> bool:
    """Whether a restore leaves tables alone whose rows are those of the file already."""
    return bool(getattr(settings, "BACKUPS_LEAVE_EQUAL_TABLES", True))


def job_seconds() -> int:
    return int(getattr(settings, "BACKUPS_JOB_SECONDS", 24 * 3600))


def progress_seconds() -> float:
    return float(getattr(settings, "BACKUPS_PROGRESS_SECONDS", 0.5))


def row_limit_bytes() -> int:
    """The longest line that the reader takes."""
    return int(getattr(settings, "BACKUPS_ROW_LIMIT_BYTES", 256 * MEBIBYTE))


def document_limit_bytes() -> int:
    """The largest document that the reader takes, after decompression."""
    return int(getattr(settings, "BACKUPS_DOCUMENT_LIMIT_BYTES", 100 * GIBIBYTE))


def safety_backup_days() -> int:
    return int(getattr(settings, "BACKUPS_SAFETY_DAYS", 7))


def reminder_days(scope: str) -> int:
    """After how many days the next backup of a kind is overdue."""
    if scope == "safe":
        return int(getattr(settings, "BACKUPS_SAFE_REMINDER_DAYS", 7))
    return int(getattr(settings, "BACKUPS_COMPLETE_REMINDER_DAYS", 31))


# What restores may be told.


def upload_limit_bytes() -> int:
    """The largest file that may be brought in by the page."""
    return int(getattr(settings, "BACKUPS_UPLOAD_LIMIT_BYTES", 20 * GIBIBYTE))


def body_limit_bytes() -> int:
    """The longest body of a request: a little more than a piece of an upload, which has 8 MiB."""
    return int(getattr(settings, "BACKUPS_BODY_LIMIT_BYTES", 9 * MEBIBYTE))


def email_backend() -> str:
    """The backend that really sends, behind ``restore.mail.HoldingEmailBackend``."""
    smtp = "django.core.mail.backends.smtp.EmailBackend"
    return str(getattr(settings, "BACKUPS_EMAIL_BACKEND", smtp))


def open_paths() -> tuple[str, ...]:
    """Paths that answer while a restore holds the data: a health check, say."""
    return tuple(getattr(settings, "RESTORE_OPEN_PATHS", ("/favicon.ico", "/health/", "/healthz")))


def pg_dump() -> str:
    """The program that a test restore reads the live schema with; empty: it is looked for."""
    return str(getattr(settings, "BACKUPS_PG_DUMP", "") or "")
