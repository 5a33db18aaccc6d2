from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('backups', '0004_error_words'),
    ]

    operations = [
        migrations.AddField(
            model_name='backuprun',
            name='note',
            field=models.CharField(blank=True, default='', max_length=80),
        ),
    ]
