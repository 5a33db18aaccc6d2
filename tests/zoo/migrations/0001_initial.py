import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

from tests.zoo import ddl
from tests.zoo.fields import Typed
from tests.zoo.types import TYPES, column_name


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        *(migrations.RunSQL([(statement, None)]) for statement in ddl.TYPES),
        migrations.CreateModel(
            name='Boat',
            fields=[
                ('id', models.IntegerField(primary_key=True, serialize=False)),
                ('name', models.TextField()),
                ('oars', models.IntegerField()),
            ],
            options={
                'db_table': 'zoo_boat',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Quoted',
            fields=[
                ('id', models.TextField(db_column='the "id"', primary_key=True, serialize=False)),
                ('percent', models.TextField(db_column='100%s')),
                ('backslash', models.TextField(db_column='back\\slash')),
                ('line', models.TextField(db_column='two\nlines')),
                ('brace', models.JSONField(db_column='{"json"}\t:', null=True)),
                ('numbers', Typed('integer[]', db_column='"', null=True)),
            ],
            options={
                'db_table': 'zoo "quoted" 100%',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Reading',
            fields=[
                ('pk', models.CompositePrimaryKey('year', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('year', models.IntegerField()),
                ('number', models.IntegerField()),
                ('note', models.TextField(null=True)),
            ],
            options={
                'db_table': 'zoo_reading',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Vessel',
            fields=[
                ('id', models.IntegerField(primary_key=True, serialize=False)),
                ('name', models.TextField()),
            ],
            options={
                'db_table': 'zoo_vessel',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Altered',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.TextField()),
                ('times', models.IntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Album',
            fields=[
                ('pk', models.CompositePrimaryKey('shelf', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('shelf', models.TextField()),
                ('number', models.IntegerField()),
                ('kind', models.TextField(default='')),
                ('cover', models.TextField(null=True)),
                ('drawing', models.CharField(max_length=200, null=True)),
                ('pages', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('attached', models.JSONField(null=True)),
                ('layout', Typed('json', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='AlwaysIdentity',
            fields=[
                ('id', Typed('bigint GENERATED ALWAYS AS IDENTITY (INCREMENT BY 7 START WITH 100)', primary_key=True, serialize=False)),
                ('note', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Animal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('friends', models.ManyToManyField(to='zoo.animal')),
            ],
        ),
        migrations.CreateModel(
            name='Chicken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
        ),
        migrations.CreateModel(
            name='Collated',
            fields=[
                ('word', Typed('text COLLATE zoo_words', primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name='Computed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('price', models.DecimalField(decimal_places=4, max_digits=20)),
                ('doubled', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(models.F('price'), '*', models.Value(2)), output_field=models.DecimalField(decimal_places=4, max_digits=22))),
            ],
        ),
        migrations.CreateModel(
            name='Descending',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='DocumentKey',
            fields=[
                ('document', models.JSONField(primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name='EveryType',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                *((column_name(sql_type), Typed(sql_type, null=True)) for sql_type in TYPES),
            ],
        ),
        migrations.CreateModel(
            name='Initials',
            fields=[
                ('r', models.TextField(primary_key=True, serialize=False)),
                ('t', models.TextField()),
                ('o', models.JSONField(null=True)),
                ('value', models.TextField()),
                ('key', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Keeper',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Caseless',
            fields=[
                ('label', Typed('citext', primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name='NeverUsed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Pointer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('deferred', models.BigIntegerField(null=True)),
                ('unchecked', models.BigIntegerField(null=True)),
                ('emptied', models.TextField(null=True)),
                ('both_code', models.TextField(null=True)),
                ('both_part', models.IntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Serial',
            fields=[
                ('id', Typed('bigserial', primary_key=True, serialize=False)),
                ('note', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Shy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_hidden', models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name='WeirdName',
            fields=[
                ('group', models.TextField(db_column='order', primary_key=True, serialize=False)),
                ('space', models.TextField(db_column='a column')),
                ('upper', models.TextField(db_column='UPPER')),
                ('other_upper', models.TextField(db_column='Upper')),
                ('accent', models.JSONField(db_column='Käse 🧀', null=True)),
            ],
            options={
                'db_table': 'Weird Name',
            },
        ),
        migrations.CreateModel(
            name='Parrot',
            fields=[
                ('animal_ptr', models.OneToOneField(auto_created=True, on_delete=django.db.models.deletion.CASCADE, parent_link=True, primary_key=True, serialize=False, to='zoo.animal')),
                ('words', models.JSONField(default=list)),
            ],
            bases=('zoo.animal',),
        ),
        migrations.CreateModel(
            name='Branch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('parent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='zoo.branch')),
            ],
        ),
        migrations.CreateModel(
            name='Egg',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('laid_by', models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='laid', to='zoo.chicken')),
            ],
        ),
        migrations.AddField(
            model_name='chicken',
            name='hatched_from',
            field=models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='hatched', to='zoo.egg'),
        ),
        migrations.CreateModel(
            name='Exclusive',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.IntegerField()),
                ('span', django.contrib.postgres.fields.ranges.IntegerRangeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], fields=('place',), name='zoo_place'), django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('span', '&&')], name='zoo_no_overlap'), models.CheckConstraint(condition=models.Q(('place__gte', 0)), name='zoo_place_positive')],
            },
        ),
        migrations.CreateModel(
            name='Feeding',
            fields=[
                ('pk', models.CompositePrimaryKey('animal_id', 'day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('grams', models.FloatField(null=True)),
                ('animal', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='zoo.animal')),
            ],
        ),
        migrations.AddField(
            model_name='animal',
            name='keepers',
            field=models.ManyToManyField(related_name='animals', to='zoo.keeper'),
        ),
        migrations.CreateModel(
            name='Target',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.TextField(unique=True)),
                ('part', models.IntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('code', 'part'), name='zoo_target_both')],
            },
        ),
        migrations.CreateModel(
            name='TalkingParrot',
            fields=[
            ],
            options={
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('zoo.parrot',),
        ),
        migrations.CreateModel(
            name='Licence',
            fields=[
                ('permission', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='auth.permission')),
            ],
        ),
        migrations.CreateModel(
            name='Sticker',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('object_id', models.TextField()),
                ('kind', models.IntegerField(null=True)),
                ('content_type', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='contenttypes.contenttype')),
                ('licence', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='zoo.licence')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('content_type', 'object_id'), name='zoo_one_sticker')],
            },
        ),
        *(migrations.RunSQL([(statement, None)]) for statement in ddl.FEATURES),
    ]
