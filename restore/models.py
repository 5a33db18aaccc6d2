"""The truth about restores. As in ``backups.models``, no foreign key leads to any restored table."""

from django.db import models
from django.utils import timezone

from backups.models import Run


class RestoreRun(Run):
    """One restore of one file. ``source`` is the file's name as the person knows it.

    ``artifact`` is the stored copy that is read; ``safety_backup`` names the BackupRun made before.
    """

    source = models.TextField(blank=True, default="")
    artifact = models.CharField(max_length=128, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")
    scope = models.CharField(max_length=16, blank=True, default="")
    choices = models.JSONField(default=dict, blank=True)
    plan = models.JSONField(default=dict, blank=True)
    report = models.JSONField(default=dict, blank=True)
    safety_backup = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        ordering = ["-requested_at"]
        permissions = [("apply_restore", "Can restore a backup")]

    def __str__(self) -> str:
        return f"restore {self.id}"


class Receipt(models.Model):
    """Written inside a restore's own transaction: it is there exactly when the restore committed."""

    run_id = models.CharField(primary_key=True, max_length=32)
    committed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.run_id
