from django.db import migrations

from tests.ill_mannered.harm import delete_tags


class Migration(migrations.Migration):
    dependencies = [("studio", "0001_initial")]

    operations = [migrations.RunPython(delete_tags, migrations.RunPython.noop)]
