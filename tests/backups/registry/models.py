"""A handful of models that no application knows: declared, forgotten and contradicted by the tests."""

from django.core.files.storage import FileSystemStorage, InMemoryStorage, default_storage, storages
from django.db import models
from django.test.utils import isolate_apps


def chosen_storage() -> FileSystemStorage:
    """A callable storage, as Django takes one: asked once, when the model is made."""
    return ELSEWHERE


ELSEWHERE = FileSystemStorage(location="elsewhere")


class Upload(models.FileField):
    """A subclass, as many projects have one."""


with isolate_apps("backupsvc.studio"):

    class Person(models.Model):
        id = models.TextField(primary_key=True)
        name = models.TextField()
        email = models.EmailField(unique=True)
        password = models.TextField(null=True)
        door_token = models.TextField()
        tokens_used = models.IntegerField(default=0)
        nick = models.TextField(null=True)
        number = models.IntegerField(null=True)

        class Meta:
            app_label = "studio"
            unique_together = [("nick", "number")]

        def __str__(self) -> str:
            return self.name

    class Room(models.Model):
        name = models.TextField()
        owner = models.ForeignKey(Person, models.CASCADE)
        guest = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
        inside = models.ForeignKey("self", models.CASCADE, null=True)

        class Meta:
            app_label = "studio"

        def __str__(self) -> str:
            return self.name

    class Suite(Room):
        stars = models.IntegerField()

        class Meta:
            app_label = "studio"

    class Guest(Person):
        class Meta:
            app_label = "studio"
            proxy = True

    class Anything(models.Model):
        class Meta:
            app_label = "studio"
            abstract = True

    class Exchanged(models.Model):
        class Meta:
            app_label = "studio"
            swappable = "AUTH_USER_MODEL"

        def __str__(self) -> str:
            return "exchanged"

    class Drawing(models.Model):
        file = Upload()
        scan = models.ImageField(storage=default_storage)
        by_alias = models.FileField(storage=lambda: storages["default"])
        chosen = models.FileField(storage=chosen_storage)
        in_memory = models.FileField(storage=InMemoryStorage())
        template = models.FilePathField(path="templates")

        class Meta:
            app_label = "studio"

        def __str__(self) -> str:
            return "drawing"

    class Section(Drawing):
        detail = models.FileField()

        class Meta:
            app_label = "studio"


PERSON = "id name email tokens_used nick number"
