"""Every table is decided on once, by a name that is right."""

from collections import Counter
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model

from backups.findings import Finding, Severity
from backups.registry.checks.saying import finding, label
from backups.registry.registry import Registry
from backups.registry.sections import Section
from backups.wording import _


def undecided(registry: Registry, models: Iterable[type[Model]]) -> Iterator[Finding]:
    decided = set(registry.by_table()) | registry.excluded_tables()
    for model in models:
        if model._meta.db_table not in decided:
            yield Finding(
                "backups.E001",
                Severity.ERROR,
                _("{model} is neither declared for backups nor excluded.", model=model._meta.label),
                _("Add section(...) or exclude(..., because=...) to the app's sections module."),
                table=model._meta.db_table,
            )


def duplicates(registry: Registry) -> Iterator[Finding]:
    tables = Counter([s.table for s in registry.sections] + [e.table for e in registry.exclusions])
    keys = Counter(s.key for s in registry.sections)
    for table, count in tables.items():
        if count > 1:
            yield Finding(
                "backups.E006",
                Severity.ERROR,
                _("The table is declared or excluded {n} times.", n=count),
                _("Keep one declaration."),
                table=table,
            )
    for section in registry.sections:
        if keys[section.key] > 1:
            yield finding(
                "backups.E007",
                section,
                _("The key {section!r} belongs to more than one section.", section=section.key),
                _("Give each section a key of its own."),
            )


def exclusions(registry: Registry) -> Iterator[Finding]:
    for exclusion in registry.exclusions:
        if not exclusion.because.strip():
            yield Finding(
                "backups.E008",
                Severity.ERROR,
                _("The table is excluded without a reason."),
                _("Say in because= why losing it harms nobody."),
                table=exclusion.table,
            )


def unknown_names(section: Section) -> Iterator[Finding]:
    named = {
        "safe_columns": section.safe_columns,
        "redact": tuple(section.redact),
        "natural_key": section.natural_key,
        "secret": section.secret,
        "accounts": section.accounts.fields() if section.accounts else (),
        "revoked": tuple(section.revoked),
        "no_files": tuple(section.no_files),
        "content_types": section.content_types,
        "files": tuple(name for f in section.files for name in (f.field, *f.unless)),
    }
    if section.accounts:
        links = {field.name for field in section.model._meta.many_to_many}
        named["memberships"] = tuple(n for n in section.accounts.memberships if n not in links)
    for place, names in named.items():
        for name in names:
            if not _is_own_field(section.model, name):
                yield finding(
                    "backups.E003",
                    section,
                    _(
                        "{place} of {model} names {name!r}, which is no field of its table.",
                        place=place,
                        model=label(section),
                        name=name,
                    ),
                    _("Correct the name or take it out."),
                )


def _is_own_field(model: type[Model], name: str) -> bool:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return field in model._meta.local_concrete_fields


def has_own_table(section: Section) -> bool:
    meta = section.model._meta
    return not (meta.proxy or meta.abstract or meta.swapped)


def no_table(section: Section) -> Finding:
    return finding(
        "backups.E009",
        section,
        _(
            "{model} has no table of its own (it is a proxy, abstract or swapped out).",
            model=label(section),
        ),
        _("Declare the model that owns the table."),
    )


def nobody_s_accounts(section: Section) -> Iterator[Finding]:
    """Nothing else says whose passwords, roles and owners a restore has to look after."""
    if section.accounts is None and section.model._meta.label == settings.AUTH_USER_MODEL:
        yield finding(
            "backups.E022",
            section,
            _(
                "{model} is the model that people sign in with, and its section does not say which of its"
                " fields mean what, so that a restore could not look after accounts.",
                model=label(section),
            ),
            _(
                "Add accounts=Accounts(...), or accounts=django_accounts() where it is made as Django's."
            ),
        )


def scopes(section: Section) -> Iterator[Finding]:
    if not section.in_complete:
        yield finding(
            "backups.E010",
            section,
            _(
                "{model} is not in the Complete scope, which holds everything.",
                model=label(section),
            ),
            _("Add COMPLETE to its scopes, or exclude the model with a reason."),
        )
