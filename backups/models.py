"""The truth about runs: what was asked for, how far it is, how it ended. RQ only carries it out.

No foreign key leads to any other table: a restore empties tables, and must not touch these.
"""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import OperationalError, connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backups.errors import BackupSystemError
from backups.own_fields import OwnJSONField, OwnTextField
from backups.wording import Sentence, words_of


def new_id() -> str:
    """128 random bits: it names a run in addresses, and must not be guessed."""
    return secrets.token_hex(16)


class State(models.TextChoices):
    QUEUED = "queued", _("Waiting for a worker")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    INCOMPLETE = "incomplete", _("Incomplete")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


ACTIVE_STATES = (State.QUEUED, State.RUNNING)


# What the server says of a row that somebody else changed meanwhile, where the project's transactions are
# REPEATABLE READ or SERIALIZABLE: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
_MEANWHILE = ("40001", "40P01")
_ATTEMPTS = 20
Answer = TypeVar("Answer")


def once_alone(work: Callable[[], Answer]) -> Answer:
    """Write to rows of runs, which a worker and its progress do at once; again where the server refuses that
    because of the other. Within a transaction of the caller's it is for the caller to begin anew."""
    for attempt in range(_ATTEMPTS):
        try:
            return work()
        except OperationalError as error:
            last = attempt == _ATTEMPTS - 1 or connection.in_atomic_block
            if last or _state_of(error.__cause__) not in _MEANWHILE:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _state_of(cause: BaseException | None) -> str:
    """The SQLSTATE, as one driver or the other has it."""
    return getattr(cause, "pgcode", None) or getattr(cause, "sqlstate", None) or ""


class RunRows(models.QuerySet["Any"]):
    """Rows of runs. What one statement changes in them is changed, whoever changes them too."""

    def update(self, **values: Any) -> int:
        return once_alone(lambda: super(RunRows, self).update(**values))


class Run(models.Model):
    """What backups and restores have in common. Times are UTC; sizes are bytes."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    requested_by_name = OwnTextField(blank=True, default="")
    requested_by_email = OwnTextField(blank=True, default="")
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    job_id = models.CharField(max_length=64, blank=True, default="")
    cancel_requested = models.BooleanField(default=False)

    stage = models.CharField(max_length=32, blank=True, default="")
    stage_began_at = models.DateTimeField(null=True, blank=True)
    section = models.CharField(max_length=128, blank=True, default="")
    sections_done = models.IntegerField(default=0)
    sections_total = models.IntegerField(default=0)
    rows_done = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0)
    # Totals are of the stage; 0 where nothing tells.
    bytes_total = models.BigIntegerField(default=0)
    files_done = models.BigIntegerField(default=0)
    files_total = models.BigIntegerField(default=0)
    files_failed = models.BigIntegerField(default=0)
    files_skipped = models.BigIntegerField(default=0)

    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = OwnTextField(blank=True, default="")
    error_hint = OwnTextField(blank=True, default="")
    # What both sentences were made of, so that they can be shown in the reader's language.
    error_words = OwnJSONField(blank=True, default=dict)

    objects = RunRows.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        once_alone(lambda: super(Run, self).save(*args, **options))

    @property
    def deed(self) -> str:
        """What the audit trail calls such a run when it ends; nothing where it is not written down."""
        return ""

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @property
    def error(self) -> BackupSystemError | None:
        """What ended the run, as it was raised; None where nothing went wrong."""
        if not self.error_code:
            return None
        words = self.error_words
        return BackupSystemError(
            self.error_code,
            Sentence.of(words.get("message"), otherwise=self.error_message),
            hint=Sentence.of(words.get("hint"), otherwise=self.error_hint),
        )


def error_values(error: BackupSystemError | None) -> dict[str, Any]:
    """A run's columns for an error, or for none."""
    if error is None:
        return {"error_code": "", "error_message": "", "error_hint": "", "error_words": {}}
    return {
        "error_code": error.code,
        "error_message": str(error.message),
        "error_hint": str(error.hint),
        "error_words": words_of(message=error.message, hint=error.hint),
    }


class Purpose(models.TextChoices):
    ORDINARY = "ordinary", _("Backup")
    SAFETY = "safety", _("Safety backup before a restore")


class Encryption(models.TextChoices):
    """To whose keys a backup is encrypted."""

    NONE = "", _("Not encrypted")
    RECIPIENTS = "recipients", _("Encrypted to the owner's keys")
    PASSPHRASE = "passphrase", _("Encrypted with a passphrase")
    INSTALLATION = "installation", _("Encrypted to the key of this installation")


LONGEST_NOTE = 80


class BackupRun(Run):
    """One backup. ``artifact`` is the stored file's name; empty until it was verified."""

    scope = models.CharField(max_length=16)
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.ORDINARY)
    artifact = models.CharField(max_length=128, blank=True, default="")
    stored_bytes = models.BigIntegerField(default=0)
    plain_bytes = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, default="")
    statistics = OwnJSONField(default=dict, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    keep_until = models.DateTimeField(null=True, blank=True)
    pinned = models.BooleanField(default=False)
    # What a person calls it; empty where nobody gave it a name.
    note = models.CharField(max_length=LONGEST_NOTE, blank=True, default="")
    encryption = models.CharField(max_length=16, choices=Encryption, blank=True, default="")
    # The public keys that it was encrypted to, each with the name that it had then.
    encrypted_to = OwnJSONField(default=list, blank=True)
    # SHA-256 of the file as it is stored, once it was proven; of encrypted ones alone.
    stored_sha256 = models.CharField(max_length=64, blank=True, default="")
    # Whether a Safe file shows markers for what looks like a credential that no column holds.
    mask_credentials = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering = ["-requested_at"]
        indexes = [
            models.Index(fields=["-requested_at"], name="backups_run_newest"),
            models.Index(fields=["state"], name="backups_run_state"),
        ]
        permissions = [
            ("create_safe_backup", "Can make a Safe backup"),
            ("create_complete_backup", "Can make a Complete backup"),
            ("download_safe_backup", "Can download a Safe backup"),
            ("download_complete_backup", "Can download a Complete backup"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.id}"

    @property
    def deed(self) -> str:
        return f"backup.{self.scope}"

    @property
    def is_kept(self) -> bool:
        """Whether nothing and nobody may delete the file now: pinned, or the way back of a restore."""
        return self.pinned or (self.keep_until is not None and self.keep_until > timezone.now())


LONGEST_KEY_NAME = 80


class Recipient(models.Model):
    """A public key of age that backups are encrypted to. ``proven``: its holder has shown that the private
    key is there; else somebody has said so."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    public_key = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=LONGEST_KEY_NAME)
    proven = models.BooleanField(default=False)
    added_at = models.DateTimeField(default=timezone.now)
    added_by = OwnTextField(blank=True, default="")

    class Meta:
        ordering = ["added_at", "id"]

    def __str__(self) -> str:
        return self.name


class KeyRequest(models.Model):
    """A worker waits for a private key that opens a file. It has made ``public_key`` in its memory for
    this, and ``sealed`` is what somebody gave, readable by that worker alone."""

    run = models.CharField(primary_key=True, max_length=64, editable=False)
    public_key = models.CharField(max_length=200)
    sealed = OwnTextField(blank=True, default="")
    # Whether it is a passphrase to make a backup with, not a key that opens one.
    to_make = models.BooleanField(default=False)
    # Whether a key was given that does not open the file.
    refused = models.BooleanField(default=False)
    asked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"a key for {self.run}"


class AuditEvent(models.Model):
    """Who did, tried, downloaded or was refused what. Written once, never changed: the database refuses that,
    and chains the events at the end of the transaction that wrote them (``backups.database.audit_chain``).

    Who did it stands here as it was then, without a foreign key: accounts are changed and deleted.
    """

    # The place in the chain, and the hash over this event and the one before it: the database's alone.
    number = models.BigIntegerField(null=True, unique=True, editable=False)
    hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    action = models.CharField(max_length=64)
    outcome = models.CharField(max_length=32)
    # The key of the account as text; empty of who has none.
    person_id = models.CharField(max_length=64, blank=True, default="")
    person_name = OwnTextField(blank=True, default="")
    person_email = OwnTextField(blank=True, default="")
    address = models.CharField(max_length=64, blank=True, default="")
    subject = models.CharField(max_length=64, blank=True, default="")
    details = OwnJSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.outcome}"


class OneTimeDownload(models.Model):
    """The way to the file of a Complete backup, as the password opened it: for one account, in one browser,
    until one download is complete. ``sent`` has the spans of bytes that went out, by form; ``turn`` is of the
    one transfer that may go on."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    run = models.CharField(max_length=32, db_index=True)
    account = models.CharField(max_length=64)
    opened_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    is_begun = models.BooleanField(default=False)
    done_at = models.DateTimeField(null=True, blank=True)
    sent = OwnJSONField(default=dict, blank=True)
    turn = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        ordering = ["-opened_at"]

    def __str__(self) -> str:
        return f"download of {self.run}"
