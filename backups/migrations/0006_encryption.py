import django.utils.timezone
from django.db import migrations, models

import backups.models


class Migration(migrations.Migration):

    dependencies = [
        ('backups', '0005_note'),
    ]

    operations = [
        migrations.CreateModel(
            name='KeyRequest',
            fields=[
                ('run', models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                ('public_key', models.CharField(max_length=200)),
                ('sealed', models.TextField(blank=True, default='')),
                ('to_make', models.BooleanField(default=False)),
                ('refused', models.BooleanField(default=False)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='Recipient',
            fields=[
                ('id', models.CharField(default=backups.models.new_id, editable=False, max_length=32, primary_key=True, serialize=False)),
                ('public_key', models.CharField(max_length=200, unique=True)),
                ('name', models.CharField(max_length=80)),
                ('proven', models.BooleanField(default=False)),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('added_by', models.TextField(blank=True, default='')),
            ],
            options={
                'ordering': ['added_at', 'id'],
            },
        ),
        migrations.AddField(
            model_name='backuprun',
            name='encrypted_to',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='backuprun',
            name='encryption',
            field=models.CharField(blank=True, choices=[('', 'Not encrypted'), ('recipients', "Encrypted to the owner's keys"), ('passphrase', 'Encrypted with a passphrase'), ('installation', 'Encrypted to the key of this installation')], default='', max_length=16),
        ),
        migrations.AddField(
            model_name='backuprun',
            name='stored_sha256',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
    ]
