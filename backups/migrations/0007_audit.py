"""The audit trail is only added to from here on, and chained: what it holds by now, too."""

from typing import Any

from django.db import migrations, models, router
from django.utils import timezone

from backups.database import audit_chain


def begin(apps: Any, schema_editor: Any) -> None:
    """Chain what is there as it stands. How much that is becomes an event of its own, so that nobody takes
    it for proven from before this day on."""
    alias, model = schema_editor.connection.alias, apps.get_model("backups", "AuditEvent")
    if not router.allow_migrate_model(alias, model):
        return
    events = model.objects.using(alias)
    count = events.count()
    with schema_editor.connection.cursor() as cursor:
        if count:
            events.create(
                at=timezone.now(), action="audit.chain", outcome="begun", details={"count": count}
            )
            audit_chain.chain_all(cursor)
        audit_chain.install(cursor)


def end(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("backups", "AuditEvent")
    if not router.allow_migrate_model(schema_editor.connection.alias, model):
        return
    with schema_editor.connection.cursor() as cursor:
        audit_chain.uninstall(cursor)


class Migration(migrations.Migration):

    dependencies = [
        ('backups', '0006_encryption'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditevent',
            name='number',
            field=models.BigIntegerField(editable=False, null=True, unique=True),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='hash',
            field=models.CharField(blank=True, default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='person_id',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.RunPython(begin, end),
    ]
