"""The file storages by the names that declarations and artifacts give them.

A name is an alias of Django's ``STORAGES``, or ``field:app.Model.field``: the storage of that FileField, for
storages that are made in code and have no alias. Stands in for ``django.core.files.storage.storages``:
``storages[name]``, and ``name in storages.backends`` where it may be unknown.
"""

from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.files.storage import Storage
from django.core.files.storage import storages as of_django
from django.core.files.storage.handler import InvalidStorageError
from django.db.models import FileField
from django.utils.functional import LazyObject

OF_A_FIELD = "field:"


class NamedStorages:
    @property
    def backends(self) -> "NamedStorages":
        """What ``in`` is asked of, as Django's own has it."""
        return self

    def __contains__(self, name: str) -> bool:
        return _field(name) is not None if _is_of_a_field(name) else name in of_django.backends

    def __getitem__(self, name: str) -> Storage:
        """Raises Django's InvalidStorageError for a name that is unknown here."""
        if not _is_of_a_field(name):
            return of_django[name]
        field = _field(name)
        if field is None:
            raise InvalidStorageError("No FileField of this name is installed.")
        return storage_of(field)


storages = NamedStorages()


def storage_for(name: str) -> Storage:
    """The storage of this name. Raises InvalidStorageError where it is unknown."""
    return storages[name]


def name_of(field: Any) -> str:
    """The name by which the storage of a FileField can be declared without an alias."""
    return f"{OF_A_FIELD}{field.model._meta.label}.{field.name}"


def storage_of(field: Any) -> Storage:
    """The field's storage itself: what a callable returned, what a lazy one stands for."""
    storage: Any = field.storage
    while isinstance(storage, LazyObject):
        storage.exists  # noqa: B018  -- any attribute makes it
        storage = storage._wrapped
    return storage  # type: ignore[no-any-return]


def are_one(one: Storage, other: Storage) -> bool:
    """Whether both lead to the same files: the same object, or two made alike."""
    return one is other or (type(one) is type(other) and _making(one) == _making(other) is not None)


def _making(storage: Any) -> Any:
    """How Django's ``deconstructible`` says that a storage is made; None where it does not say."""
    return storage.deconstruct() if hasattr(storage, "deconstruct") else None


def _is_of_a_field(name: str) -> bool:
    return name.startswith(OF_A_FIELD)


def _field(name: str) -> FileField | None:
    label, _, field_name = name.removeprefix(OF_A_FIELD).rpartition(".")
    try:
        field = apps.get_model(label)._meta.get_field(field_name)
    except (LookupError, ValueError, FieldDoesNotExist):
        return None
    return field if isinstance(field, FileField) else None
