"""The animals: each model is one thing that a backup could get wrong."""

# ruff: noqa: DJ008 - rows of these are never shown to anybody.

from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, IntegerRangeField
from django.db import models
from django.db.models import Deferrable, F, Q, UniqueConstraint

from tests.zoo.fields import Typed
from tests.zoo.types import TYPES, column_name

EveryType = type(
    "EveryType",
    (models.Model,),
    {
        "__module__": __name__,
        "__doc__": "One column of every type, all nullable.",
        **{column_name(sql_type): Typed(sql_type, null=True) for sql_type in TYPES},
    },
)


# Numbers made by the database


class Serial(models.Model):
    id = Typed("bigserial", primary_key=True)
    note = models.TextField()


class AlwaysIdentity(models.Model):
    id = Typed(
        "bigint GENERATED ALWAYS AS IDENTITY (INCREMENT BY 7 START WITH 100)", primary_key=True
    )
    note = models.TextField()


class Descending(models.Model):
    """Its sequence counts down from -5, in threes."""

    note = models.TextField()


class NeverUsed(models.Model):
    """A table without rows, and a sequence that was never asked for a number."""

    note = models.TextField()


class Computed(models.Model):
    price = models.DecimalField(max_digits=20, decimal_places=4)
    doubled = models.GeneratedField(
        expression=F("price") * 2,
        output_field=models.DecimalField(max_digits=22, decimal_places=4),
        db_persist=True,
    )


# What Django does with tables


class Keeper(models.Model):
    name = models.TextField()


class Animal(models.Model):
    name = models.TextField()
    keepers = models.ManyToManyField(Keeper, related_name="animals")
    friends = models.ManyToManyField("self")


class Parrot(Animal):
    words = models.JSONField(default=list)


class TalkingParrot(Parrot):
    class Meta:
        proxy = True


class Feeding(models.Model):
    pk = models.CompositePrimaryKey("animal_id", "day")
    animal = models.ForeignKey(Animal, models.CASCADE)
    day = models.DateField()
    grams = models.FloatField(null=True)


class OnlyVisible(models.Manager):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(is_hidden=False)


class Shy(models.Model):
    """Its default manager hides rows."""

    is_hidden = models.BooleanField(default=True)
    objects = OnlyVisible()


class Branch(models.Model):
    parent = models.ForeignKey("self", models.CASCADE, null=True)


class Chicken(models.Model):
    hatched_from = models.ForeignKey("Egg", models.RESTRICT, related_name="hatched")


class Egg(models.Model):
    laid_by = models.ForeignKey(Chicken, models.RESTRICT, related_name="laid")


# Names and keys


class WeirdName(models.Model):
    group = models.TextField(primary_key=True, db_column="order")
    space = models.TextField(db_column="a column")
    upper = models.TextField(db_column="UPPER")
    other_upper = models.TextField(db_column="Upper")
    accent = models.JSONField(db_column="Käse 🧀", null=True)

    class Meta:
        db_table = "Weird Name"


class Initials(models.Model):
    """Columns called as the aliases that our own queries use."""

    r = models.TextField(primary_key=True)
    t = models.TextField()
    o = models.JSONField(null=True)
    value = models.TextField()
    key = models.TextField()


class Quoted(models.Model):
    """Names that Django cannot quote itself, over a table that was there before it."""

    id = models.TextField(primary_key=True, db_column='the "id"')
    percent = models.TextField(db_column="100%s")
    backslash = models.TextField(db_column="back\\slash")
    line = models.TextField(db_column="two\nlines")
    brace = models.JSONField(db_column='{"json"}\t:', null=True)
    numbers = Typed("integer[]", db_column='"', null=True)

    class Meta:
        managed = False
        db_table = 'zoo "quoted" 100%'


class Collated(models.Model):
    """A primary key that the database sorts as people do."""

    word = Typed("text COLLATE zoo_words", primary_key=True)


class DocumentKey(models.Model):
    document = models.JSONField(primary_key=True)


class Caseless(models.Model):
    """Keys that the database compares without looking at case."""

    label = Typed("citext", primary_key=True)


class Album(models.Model):
    """Files, located in every way that can be declared."""

    pk = models.CompositePrimaryKey("shelf", "number")
    shelf = models.TextField()
    number = models.IntegerField()
    kind = models.TextField(default="")
    cover = models.TextField(null=True)
    drawing = models.CharField(max_length=200, null=True)
    pages = ArrayField(models.TextField(), default=list)
    attached = models.JSONField(null=True)
    layout = Typed("json", null=True)


# What the database does by itself


class Altered(models.Model):
    """Triggers would change each row on its way in; one of them even where triggers are off."""

    note = models.TextField()
    times = models.IntegerField(default=0)


class Exclusive(models.Model):
    """Constraints that are not foreign keys."""

    place = models.IntegerField()
    span = IntegerRangeField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["place"], name="zoo_place", deferrable=Deferrable.DEFERRED),
            ExclusionConstraint(name="zoo_no_overlap", expressions=[("span", "&&")]),
            models.CheckConstraint(condition=Q(place__gte=0), name="zoo_place_positive"),
        ]


class Target(models.Model):
    code = models.TextField(unique=True)
    part = models.IntegerField()

    class Meta:
        constraints = [UniqueConstraint(fields=["code", "part"], name="zoo_target_both")]


class Pointer(models.Model):
    """Foreign keys that only the database knows, each with a clause of its own."""

    deferred = models.BigIntegerField(null=True)
    unchecked = models.BigIntegerField(null=True)
    emptied = models.TextField(null=True)
    both_code = models.TextField(null=True)
    both_part = models.IntegerField(null=True)


class Licence(models.Model):
    """Its primary key is a number that another database counts otherwise."""

    permission = models.OneToOneField(Permission, models.CASCADE, primary_key=True)


class Sticker(models.Model):
    """Sticks on whatever row there is, and says so twice: ``kind`` is a content type without a key."""

    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.TextField()
    on = GenericForeignKey()
    kind = models.IntegerField(null=True)
    licence = models.ForeignKey(Licence, models.CASCADE, null=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=("content_type", "object_id"), name="zoo_one_sticker"),
        )


class Reading(models.Model):
    """A partitioned table."""

    pk = models.CompositePrimaryKey("year", "number")
    year = models.IntegerField()
    number = models.IntegerField()
    note = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "zoo_reading"


class Vessel(models.Model):
    """A table that another one inherits from, in PostgreSQL's sense."""

    id = models.IntegerField(primary_key=True)
    name = models.TextField()

    class Meta:
        managed = False
        db_table = "zoo_vessel"


class Boat(models.Model):
    id = models.IntegerField(primary_key=True)
    name = models.TextField()
    oars = models.IntegerField()

    class Meta:
        managed = False
        db_table = "zoo_boat"
