"""What the backup system itself never backs up, wherever it is installed."""

from backups.models import AuditEvent, BackupRun
from backups.registry import exclude
from backups.wording import _

exclude(BackupRun, because=_("the list of backups; a restore must not change it"))
exclude(AuditEvent, because=_("the audit trail; a restore must not rewrite who did what"))
exclude("admin.LogEntry", because=_("the admin's own log; a restore must not rewrite it"))
exclude("sessions.Session", because=_("web sessions; an old file must not sign anyone in"))
exclude("contenttypes.ContentType", because=_("made by migrate out of the installed models"))
exclude("auth.Permission", because=_("made by migrate out of the installed models"))
exclude("django_migrations", because=_("says which schema this database has, not what is in it"))
