"""What a project says about its tables: which are backed up, in which scope, and what is left out.

No SQL and no web in here. The words are those of docs/design.md.
"""

from backups.registry.accounts import Accounts, django_accounts, role_in_words
from backups.registry.counted import Counted, counted
from backups.registry.declare import (
    exclude,
    renamed_column,
    renamed_section,
    renamed_value,
    section,
)
from backups.registry.files import Address, FileLocator, JsonAddress, StoragePath
from backups.registry.moves import Move, RenamedColumn, RenamedSection, RenamedValue
from backups.registry.redaction import NULL, Omit, Refill, random_token, unusable_password
from backups.registry.registry import Registry, registry
from backups.registry.scopes import COMPLETE, SAFE, Scope
from backups.registry.sections import Exclusion, Section

__all__ = [
    "COMPLETE",
    "NULL",
    "SAFE",
    "Accounts",
    "Address",
    "Counted",
    "Exclusion",
    "FileLocator",
    "JsonAddress",
    "Move",
    "Omit",
    "Refill",
    "Registry",
    "RenamedColumn",
    "RenamedSection",
    "RenamedValue",
    "Scope",
    "Section",
    "StoragePath",
    "counted",
    "django_accounts",
    "exclude",
    "random_token",
    "registry",
    "renamed_column",
    "renamed_section",
    "renamed_value",
    "role_in_words",
    "section",
    "unusable_password",
]
