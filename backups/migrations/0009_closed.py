"""Events of transactions that see an instant wait for their place in the chain; what a backup and a download
are told further."""

from typing import Any

from django.db import migrations, models, router

from backups.database import audit_chain


def install(apps: Any, schema_editor: Any) -> None:
    """The functions of the audit trail as they are now."""
    model = apps.get_model("backups", "AuditEvent")
    if not router.allow_migrate_model(schema_editor.connection.alias, model):
        return
    with schema_editor.connection.cursor() as cursor:
        audit_chain.install(cursor)


class Migration(migrations.Migration):

    dependencies = [
        ('backups', '0008_onetimedownload'),
    ]

    operations = [
        migrations.AddField(
            model_name='backuprun',
            name='mask_credentials',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='onetimedownload',
            name='turn',
            field=models.CharField(blank=True, default='', max_length=32),
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
