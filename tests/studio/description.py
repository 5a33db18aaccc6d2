"""A model's fields, in the words of columns.csv."""

import json
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.fields import NOT_PROVIDED
from django.utils import timezone

from backupsvc.studio.models.keys import make_id, make_token

KINDS = {
    models.TextField: "text",
    models.DateTimeField: "timestamp",
    models.BooleanField: "boolean",
    models.IntegerField: "integer",
    models.FloatField: "double",
    models.DecimalField: "decimal",
    models.JSONField: "json",
    models.ForeignKey: "reference",
    models.OneToOneField: "reference",
}
DELETE_RULES = {models.CASCADE: "cascade", models.SET_NULL: "set null", models.RESTRICT: "restrict"}


def described(field: Any) -> dict[str, str]:
    """The same keys as a row of columns.csv, as far as a model can know them."""
    reference = field.remote_field if field.is_relation else None
    return {
        "column": field.column,
        "kind": _kind(field),
        "null": _yes(field.null) or "no",
        "references": reference.model.__name__ if reference else "",
        "on_delete": DELETE_RULES[reference.on_delete] if reference else "",
        # That a primary key is unique goes without saying, except for a table without an id.
        "unique": _yes(field.unique and field.name != "id"),
        "default": _default(field),
        "choices": " ".join(_choices(field)),
    }


def _kind(field: Any) -> str:
    if isinstance(field, ArrayField):
        return f"array of {_kind(field.base_field)}"
    return "choice" if field.choices else KINDS[type(field)]


def _choices(field: Any) -> list[str]:
    if isinstance(field, ArrayField):
        return _choices(field.base_field)
    return [value for value, _ in field.choices or ()]


def _default(field: Any) -> str:
    if getattr(field, "auto_now", False):
        return "now on every save"
    if field.default is NOT_PROVIDED:
        return ""
    if field.primary_key and field.default in (make_id, make_token):
        return "primary key, made by the application"
    named = {make_token: "made by the application", timezone.now: "now"}
    if callable(field.default) and field.default in named:
        return named[field.default]
    value = field.default() if callable(field.default) else field.default
    return str(value) if isinstance(value, str) else json.dumps(value)


def _yes(fact: bool) -> str:
    return "yes" if fact else ""
