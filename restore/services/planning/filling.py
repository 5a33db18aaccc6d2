"""What fills a column that the file's schema did not have: the model's default, as a migration that adds
the column would give it, but made once a row where a callable makes it.

A callable is the application's own code. It runs while the file is read, before anything is locked.
"""

import datetime
from collections.abc import Callable

from django.db import connection
from django.db.models import Field
from django.utils import timezone

from backups.database.introspection import LiveColumn
from backups.errors import RestoreError
from backups.registry import Section
from backups.registry.checks import fields_of
from backups.wording import _
from restore.database.cells import Cell, cell_text

Fill = Callable[[], Cell]


def fill_of(section: Section, column: LiveColumn) -> Fill | None:
    """What makes the column's cells, one a call; None where the model has no default for it.

    Raises RestoreError, now or at a later call: the default's own code failed, or made what no cell is.
    """
    for field in fields_of(section.model).values():
        if field.column == column.name:
            return _fill(section, field)
    return None


def _fill(section: Section, field: Field) -> Fill | None:
    if field.has_default():
        make = _prepared(section, field, field.get_default)
        if callable(field.default):
            make()  # what fails at every call fails in the plan, even of a section without rows
            return make
        return _once(make())
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return _once(_prepared(section, field, lambda: _now(field))())
    if not field.null and field.blank and field.empty_strings_allowed:
        empty = b"" if field.get_internal_type() == "BinaryField" else ""
        return _once(_prepared(section, field, lambda: empty)())
    return None


def _once(cell: Cell) -> Fill:
    return lambda: cell


def _now(field: Field) -> object:
    kind = field.get_internal_type()
    now = timezone.now() if kind == "DateTimeField" else datetime.datetime.now()
    return {"DateField": now.date(), "TimeField": now.time()}.get(kind, now)


def _prepared(section: Section, field: Field, make: Callable[[], object]) -> Fill:
    def cell() -> Cell:
        try:
            return cell_text(field.get_db_prep_save(make(), connection))
        except Exception as error:
            raise _failed(section, str(field.column), error) from error

    return cell


def _failed(section: Section, column: str, error: Exception) -> RestoreError:
    return RestoreError(
        "restore.default_failed",
        _(
            "Section {section!r} lacks the column {column!r}, and its default could not be made ({type}).",
            section=section.key,
            column=column,
            type=type(error).__name__,
        ),
        hint=_(
            "Give the field a default that works without a request and without other rows, or restore"
            " the file with the version of the application that made it."
        ),
    )
