"""What a registry must satisfy. Pure: every finding at once, each with a stable id and a hint.

docs/errors.md lists the ids. The live database is compared in ``backups.services.coverage``.
"""

from collections.abc import Iterable

from django.db.models import Model

from backups.findings import Finding
from backups.registry.checks.columns import columns, refills
from backups.registry.checks.decisions import (
    duplicates,
    exclusions,
    has_own_table,
    no_table,
    nobody_s_accounts,
    scopes,
    undecided,
    unknown_names,
)
from backups.registry.checks.file_fields import file_fields
from backups.registry.checks.locating import locators
from backups.registry.checks.pointing import references_out
from backups.registry.checks.saying import fields_of
from backups.registry.checks.secrets import secrets, unsaid_secrets
from backups.registry.registry import Registry

__all__ = ["check_registry", "fields_of"]


def check_registry(registry: Registry, models: Iterable[type[Model]]) -> list[Finding]:
    """All findings on ``registry`` against every model that has a table."""
    found = [*undecided(registry, models), *duplicates(registry), *exclusions(registry)]
    for section in registry.sections:
        names = list(unknown_names(section))
        found += names
        found += [*scopes(section), *nobody_s_accounts(section)]
        if not names and has_own_table(section):
            found += [*columns(section), *refills(section), *secrets(section)]
            found += unsaid_secrets(section)
            found += [*references_out(section, registry), *locators(section)]
            found += file_fields(section)
        elif not names:
            found.append(no_table(section))
    return found
