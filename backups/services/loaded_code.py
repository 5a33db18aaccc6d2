"""What this process has loaded: declarations, the columns of their models, versions, as one digest.

A worker goes on with the code that it was started with, whatever was installed since. Nothing in here
looks at the disk when it is asked: it would find what was installed, and not what is at work.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import django
from django.db import connection
from django.db.models import Model

from backups.registry import Registry, registry
from backups.services import software

# When the process began, which is what counts. Without the commit: not every one changes what is done.
_VERSIONS = (software.version(), django.get_version())


def digest(declared: Registry = registry) -> str:
    """SHA-256, equal in all processes that run the same code. Headings and reasons do not count."""
    facts = {
        "versions": _VERSIONS,
        "sections": [_plain(section) for section in declared.sections],
        "columns": [_columns(section.model) for section in declared.sections],
        "excluded": sorted(declared.excluded_tables()),
        "moves": [_plain(move) for move in declared.moves],
    }
    printed = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(printed.encode()).hexdigest()


def _columns(model: type[Model]) -> list[list[Any]]:
    return [
        [model._meta.db_table, field.column, field.db_type(connection), field.null]
        for field in model._meta.local_concrete_fields
    ]


# Words for people, which are said in the language of whoever reads.
_WORDS = ("group",)


def _plain(value: Any) -> Any:
    """The same in every process: neither an address in memory nor an order that changes."""
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if dataclasses.is_dataclass(value):
        facts = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        kept = {name: _plain(fact) for name, fact in facts.items() if name not in _WORDS}
        return [type(value).__name__, kept]
    if isinstance(value, Mapping):
        return sorted([str(key), _plain(cell)] for key, cell in value.items())
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(cell) for cell in value]
    return _name(value) if callable(value) else str(value)


def _name(made: Callable[..., object]) -> str:
    kind = made if hasattr(made, "__qualname__") else type(made)
    return f"{kind.__module__}.{kind.__qualname__}"
