"""How a section says which of its columns locate files.

A locator is data, never code: it names a column by its field, what its values mean, and when a
value is a file at all.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class FileLocator:
    """One column whose values locate files.

    ``field`` is the field's name; the column may hold text or an array of text.
    ``unless`` maps field names to a value; a row where all of them match holds no file there.
    ``storage`` is an alias of Django's STORAGES, used for values that are not HTTP addresses; for the
    storage of a FileField that has no alias, ``field:app.Model.field``.
    """

    field: str
    storage: str = "default"
    unless: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class StoragePath(FileLocator):
    """Values are paths in a Django storage; a leading slash is the storage's root."""


@dataclass(frozen=True)
class Address(FileLocator):
    """Values are HTTP addresses, addresses below the storage's own base URL, or storage names."""


@dataclass(frozen=True)
class JsonAddress(FileLocator):
    """Values are addresses inside a JSON document.

    ``path`` is an SQL/JSON path that yields the strings, made of members and all elements only, such as
    ``$[*].url``.
    ``ids_of`` is the label of a model: a string that is the primary key of one of its rows is a
    reference and not an address.
    """

    path: str = "$[*]"
    ids_of: str = ""
