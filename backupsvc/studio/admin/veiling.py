"""Records shown without the secrets that stand in their texts: a mail that went out holds the very link that
opens an approval, or lets somebody choose an account's password."""

from collections.abc import Callable
from typing import Any

from django.db import connection, models, transaction

from backups.services import withholding


def veil(record: models.Model) -> None:
    """Put markers in the place of live secrets in what the record says. It is for showing only."""
    names = [field.attname for field in record._meta.concrete_fields if not field.is_relation]
    said = {name: value for name in names if _is_said(value := getattr(record, name))}
    if not said:
        return
    with transaction.atomic():
        hunt = withholding.of_now(connection.connection)

    def veiled(text: str) -> str:
        return hunt.veiled(text, len(text)) if hunt.may_stand_in(text) else text

    for name, value in said.items():
        if name != record._meta.pk.attname:
            setattr(record, name, _each_text(value, veiled))


def _is_said(value: Any) -> bool:
    return isinstance(value, str | dict | list) and bool(value)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(name): _each_text(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner, change) for inner in value]
    return value
