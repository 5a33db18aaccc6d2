"""Who is told what an owner must know: the addresses of those who may restore and can sign in."""

from typing import Any

from django.db.models import BooleanField, Model

from backups.registry import registry


def addresses() -> list[str]:
    """In the order of the alphabet; none where the project declares no accounts."""
    section = next((s for s in registry.sections if s.accounts), None)
    if section is None or section.accounts is None:
        return []
    accounts, model = section.accounts, section.model
    wanted = {accounts.role: accounts.owner, **accounts.active}
    asked = {name: _value(model, name, text) for name, text in wanted.items()}
    found = model._base_manager.filter(**asked).values_list(accounts.email, flat=True)
    return sorted({str(address) for address in found if address})


def _value(model: type[Model], name: str, text: str) -> Any:
    """Declarations have values as PostgreSQL prints them."""
    return text == "true" if isinstance(model._meta.get_field(name), BooleanField) else text
