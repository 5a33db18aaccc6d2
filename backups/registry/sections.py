"""The declarations themselves, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Model

from backups.registry.accounts import Accounts
from backups.registry.files import FileLocator
from backups.registry.redaction import Omit
from backups.registry.scopes import COMPLETE, SAFE, Scope


@dataclass(frozen=True)
class Section:
    """One table's declaration. Field names throughout; columns are looked up when needed.

    ``framework``: the table is Django's own and gives its rows numbers that mean something else in
    another database; ``natural_key`` says what a number means everywhere. ``lets_in`` is None where nobody
    said whether a row lets somebody in: ``backups.registry.access`` knows what that means.
    """

    model: type[Model]
    key: str
    group: str
    scopes: frozenset[Scope]
    safe_columns: tuple[str, ...] = ()
    redact: Mapping[str, Omit] = field(default_factory=dict)
    natural_key: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    files: tuple[FileLocator, ...] = ()
    accounts: Accounts | None = None
    revoked: Mapping[str, str] = field(default_factory=dict)
    no_files: Mapping[str, str] = field(default_factory=dict)
    content_types: tuple[str, ...] = ()
    framework: bool = False
    lets_in: bool | None = None

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def in_safe(self) -> bool:
        return SAFE in self.scopes

    @property
    def in_complete(self) -> bool:
        return COMPLETE in self.scopes


@dataclass(frozen=True)
class Exclusion:
    """A table that no backup holds, and the reason an auditor reads."""

    table: str
    because: str
    model: type[Model] | None = None
