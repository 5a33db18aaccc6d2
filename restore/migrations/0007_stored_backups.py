from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('restore', '0006_first_start'),
    ]

    operations = [
        migrations.AddField(
            model_name='upload',
            name='backup',
            field=models.CharField(blank=True, default='', max_length=32),
        ),
    ]
