"""The registry's rules as Django system checks, and the live database's under ``--database``.

In ``migrate`` the latter only warn: the migration that mends the database could not run otherwise.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.apps import AppConfig
from django.core import checks

from backups.database import introspection
from backups.database.connection import connected
from backups.findings import Finding, Severity
from backups.registry import registry
from backups.registry.checks import check_registry
from backups.registry.registry import models_with_tables
from backups.services import coverage

_migrating: ContextVar[bool] = ContextVar("migrating", default=False)


@contextmanager
def as_warnings() -> Iterator[None]:
    """What the database lacks or has too much is a warning inside the block."""
    token = _migrating.set(True)
    try:
        yield
    finally:
        _migrating.reset(token)


def check_declarations(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """Every finding on the declarations, whatever apps were asked for: forgetting is global."""
    return [_message(f) for f in check_registry(registry, models_with_tables())]


def check_database(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[checks.CheckMessage]:
    """Every table and column of the live database that no model owns, and the other way round."""
    found: list[checks.CheckMessage] = []
    for alias in databases or ():
        with connected(alias, purpose="check") as connection:
            tables = introspection.live_tables(connection)
        drift = coverage.drift(registry, tables)
        if _migrating.get():
            # What the database lacks is what migrate is about to bring.
            drift = [finding for finding in drift if finding.code != "backups.E103"]
        found += [_message(finding, soften=_migrating.get()) for finding in drift]
    return found


def _message(finding: Finding, *, soften: bool = False) -> checks.CheckMessage:
    kind = checks.Warning if soften or finding.severity is not Severity.ERROR else checks.Error
    return kind(finding.message, hint=finding.hint, obj=finding.table, id=finding.code)


def register() -> None:
    checks.register(check_declarations, "backups")
    checks.register(check_database, checks.Tags.database)
