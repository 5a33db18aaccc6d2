"""The truth about restores. As in ``backups.models``, no foreign key leads to any restored table."""

import datetime
from collections.abc import Iterable

from django.db import models
from django.utils import formats, timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backups.models import BackupRun, Purpose, Run, new_id
from backups.own_fields import OwnJSONField, OwnTextField

# What stands before the name of the file in the source of an undo.
UNDO_OF = "undo of the restore of "


class RestoreRun(Run):
    """One restore of one file. ``source`` is the file's name as the person knows it.

    ``artifact`` is the stored copy that is read; ``safety_backup`` names the BackupRun made before.
    """

    source = OwnTextField(blank=True, default="")
    artifact = models.CharField(max_length=128, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")
    scope = models.CharField(max_length=16, blank=True, default="")
    choices = OwnJSONField(default=dict, blank=True)
    plan = OwnJSONField(default=dict, blank=True)
    report = OwnJSONField(default=dict, blank=True)
    safety_backup = models.CharField(max_length=32, blank=True, default="")
    # The stored backup that is read, where it is one; then ``artifact`` is not a copy to be removed.
    backup = models.CharField(max_length=32, blank=True, default="")
    undo_of = models.CharField(max_length=32, blank=True, default="")
    # The upload that is read, where it is one; it stays until it was restored.
    upload = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        ordering = ["-requested_at"]
        permissions = [("apply_restore", "Can restore a backup")]

    def __str__(self) -> str:
        return f"restore {self.id}"

    @property
    def deed(self) -> str:
        return "restore"

    @property
    def source_in_words(self) -> str:
        """The file's name; of an undo what it undoes, in the reader's language and however long the chain
        is: what was undone, by its day and time, and which undo in a row it is."""
        if not self.undo_of:
            return self.source
        undone = self._undone
        if undone is None:
            return _("undo of an earlier restore")
        at = (
            formats.date_format(undone.requested_at.astimezone(datetime.UTC), "j M Y, H:i") + " UTC"
        )
        between = self.source.count(UNDO_OF) - 1
        if between <= 0:
            return _("Undo of the restore of %(at)s") % {"at": at}
        return ngettext(
            "Undo of the undo of %(at)s",
            "Undo of the undo of %(at)s, the %(n)d. in a row",
            between,
        ) % {"at": at, "n": between + 1}

    @classmethod
    def know_undone(cls, runs: "Iterable[RestoreRun]") -> "list[RestoreRun]":
        """The same runs, each knowing what it undid: one query for a whole list of them."""
        listed = list(runs)
        undone = cls.objects.defer("plan", "report", "choices").in_bulk(
            [run.undo_of for run in listed if run.undo_of]
        )
        for run in listed:
            run._undone = undone.get(run.undo_of)
        return listed

    @cached_property
    def _undone(self) -> "RestoreRun | None":
        runs = RestoreRun.objects.defer("plan", "report", "choices")
        return runs.filter(pk=self.undo_of).first()


class Upload(models.Model):
    """A file that somebody brings, whole or still arriving. Its bytes lie in the folder of the backups
    under ``stored``; ``head`` is what its beginning says of it, empty until that was read.

    With ``backup`` nothing was brought: it stands for a stored backup, whose own file is read. Beside
    ``stored`` lie only the rows of its plans.
    """

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    name = OwnTextField()
    size_bytes = models.BigIntegerField()
    received_bytes = models.BigIntegerField(default=0)
    stored = models.CharField(max_length=128)
    backup = models.CharField(max_length=32, blank=True, default="")
    head = OwnJSONField(default=dict, blank=True)
    owner_name = OwnTextField(blank=True, default="")
    owner_email = OwnTextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"upload {self.id}"

    @property
    def is_whole(self) -> bool:
        return self.received_bytes == self.size_bytes

    @cached_property
    def stored_backup(self) -> BackupRun | None:
        """The stored backup that it stands for, where it does."""
        return BackupRun.objects.filter(pk=self.backup).first() if self.backup else None

    @property
    def is_safety(self) -> bool:
        """Whether it stands for the safety backup of a restore."""
        return self.stored_backup is not None and self.stored_backup.purpose == Purpose.SAFETY

    @property
    def note(self) -> str:
        """What people call the stored backup; empty where it has no name, or is no stored backup."""
        return self.stored_backup.note if self.stored_backup else ""


class PlanRun(Run):
    """Making one plan of one upload with one set of choices. ``plan`` is there when it succeeded."""

    upload = models.CharField(max_length=32, db_index=True)
    choices = OwnJSONField(default=dict, blank=True)
    plan = OwnJSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-requested_at"]

    def __str__(self) -> str:
        return f"plan {self.id}"


class Rehearsal(Run):
    """A restore of a backup into a throwaway database, compared with the file, then dropped."""

    backup = models.CharField(max_length=32, db_index=True)
    report = OwnJSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-requested_at"]

    def __str__(self) -> str:
        return f"rehearsal {self.id}"

    @property
    def deed(self) -> str:
        return "rehearsal"


class OutgoingHold(models.Model):
    """Mail and jobs that would leave are held after another installation's file was restored, until
    an owner releases them: a staging server must not write to real clients."""

    since = models.DateTimeField(default=timezone.now)
    restore_run = models.CharField(max_length=32)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = OwnTextField(blank=True, default="")

    class Meta:
        ordering = ["-since"]

    def __str__(self) -> str:
        return f"hold since {self.since:%Y-%m-%d %H:%M}"


class Receipt(models.Model):
    """Written inside a restore's own transaction: it is there exactly when the restore committed."""

    run_id = models.CharField(primary_key=True, max_length=32)
    committed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.run_id


class FirstStart(models.Model):
    """There once this installation has, or ever had, an account: then no page makes another without a
    sign-in, even where all accounts are gone again. Its one key is what two who begin at once wait for."""

    id = models.CharField(primary_key=True, max_length=8, default="ended", editable=False)
    ended_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"first start ended {self.ended_at:%Y-%m-%d %H:%M}"
