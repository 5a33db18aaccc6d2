"""What the backup system itself never backs up, wherever it is installed."""

from django.apps import apps

from backups.models import AuditEvent, BackupRun, KeyRequest, OneTimeDownload, Recipient
from backups.registry import COMPLETE, SAFE, exclude, section
from backups.registry.framework import FRAMEWORK
from backups.wording import _

exclude(BackupRun, because=_("the list of backups; a restore must not change it"))
exclude(AuditEvent, because=_("the audit trail; a restore must not rewrite who did what"))
exclude(Recipient, because=_("the public keys of today; an old file must not bring others back"))
exclude(KeyRequest, because=_("says that a worker waits for a key; a restore must not change it"))
exclude(OneTimeDownload, because=_("who may download what at this moment; nothing to come back"))
exclude("admin.LogEntry", because=_("the admin's own log; a restore must not rewrite it"))
exclude("sessions.Session", because=_("web sessions; an old file must not sign anyone in"))
exclude("django_migrations", because=_("says which schema this database has, not what is in it"))

# Their rows have numbers, which rows of other tables hold and which every database gives out by itself. So
# a file says what its numbers mean: docs/artifact-format.md, Tables of Django itself.
for table in FRAMEWORK:
    if apps.is_installed(table.app):
        section(
            apps.get_model(table.label),
            key=table.key,
            group=_("Tables of Django itself"),
            scopes={SAFE, COMPLETE},
            safe_columns=table.columns,
            natural_key=table.natural_key,
            framework=True,
        )
