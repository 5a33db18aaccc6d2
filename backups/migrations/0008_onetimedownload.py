import backups.models
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('backups', '0007_audit'),
    ]

    operations = [
        migrations.CreateModel(
            name='OneTimeDownload',
            fields=[
                ('id', models.CharField(default=backups.models.new_id, editable=False, max_length=32, primary_key=True, serialize=False)),
                ('run', models.CharField(db_index=True, max_length=32)),
                ('account', models.CharField(max_length=64)),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ends_at', models.DateTimeField()),
                ('is_begun', models.BooleanField(default=False)),
                ('done_at', models.DateTimeField(blank=True, null=True)),
                ('sent', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'ordering': ['-opened_at'],
            },
        ),
    ]
