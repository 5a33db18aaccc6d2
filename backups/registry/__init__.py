"""What a project says about its tables: which are backed up, in which scope, and what is left out.

No SQL and no web in here. The words are those of docs/design.md.
"""

from backups.registry.accounts import Accounts
from backups.registry.declare import exclude, section
from backups.registry.files import Address, FileLocator, JsonAddress, StoragePath
from backups.registry.redaction import NULL, Omit, Refill, random_token
from backups.registry.registry import Registry, registry
from backups.registry.scopes import COMPLETE, SAFE, Scope
from backups.registry.sections import Exclusion, Section

__all__ = [
    "COMPLETE",
    "NULL",
    "SAFE",
    "Accounts",
    "Address",
    "Exclusion",
    "FileLocator",
    "JsonAddress",
    "Omit",
    "Refill",
    "Registry",
    "Scope",
    "Section",
    "StoragePath",
    "exclude",
    "random_token",
    "registry",
    "section",
]
