"""What a registry must satisfy. Pure: every finding at once, each with a stable id and a hint.

docs/errors.md lists the ids. The live database is compared in ``backups.services.coverage``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model

from backups.findings import Finding, Severity
from backups.registry.file_checks import file_fields
from backups.registry.files import FileLocator, JsonAddress
from backups.registry.json_path import parse
from backups.registry.named_storages import storages
from backups.registry.references import references
from backups.registry.registry import Registry
from backups.registry.sections import Section
from backups.wording import Sentence, _

# A word of a column's name that stands for something that opens something.
SECRET_WORDS = re.compile(
    r"(^|_)(password|passwd|secret|token|api_?key|private_?key|credential|otp|salt|hash)s?(_|$)"
)


def check_registry(registry: Registry, models: Iterable[type[Model]]) -> list[Finding]:
    """All findings on ``registry`` against every model that has a table."""
    found = [*_undecided(registry, models), *_duplicates(registry), *_exclusions(registry)]
    for section in registry.sections:
        names = list(_unknown_names(section))
        found += names
        found += _scopes(section)
        if not names and _has_own_table(section):
            found += [*_columns(section), *_refills(section), *_secrets(section)]
            found += [*_references(section, registry), *_locators(section)]
            found += file_fields(section)
        elif not names:
            found.append(_no_table(section))
    return found


def fields_of(model: type[Model]) -> dict[str, Field]:
    """The fields with a column in the model's own table, by name."""
    return {f.name: f for f in model._meta.local_concrete_fields if f.column}


def _finding(code: str, section: Section, message: Sentence, hint: Sentence) -> Finding:
    return Finding(code, Severity.ERROR, message, hint, table=section.table)


def _label(section: Section) -> str:
    return section.model._meta.label


def _undecided(registry: Registry, models: Iterable[type[Model]]) -> Iterator[Finding]:
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


def _duplicates(registry: Registry) -> Iterator[Finding]:
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
            yield _finding(
                "backups.E007",
                section,
                _("The key {section!r} belongs to more than one section.", section=section.key),
                _("Give each section a key of its own."),
            )


def _exclusions(registry: Registry) -> Iterator[Finding]:
    for exclusion in registry.exclusions:
        if not exclusion.because.strip():
            yield Finding(
                "backups.E008",
                Severity.ERROR,
                _("The table is excluded without a reason."),
                _("Say in because= why losing it harms nobody."),
                table=exclusion.table,
            )


def _unknown_names(section: Section) -> Iterator[Finding]:
    named = {
        "safe_columns": section.safe_columns,
        "redact": tuple(section.redact),
        "natural_key": section.natural_key,
        "secret": section.secret,
        "accounts": section.accounts.fields() if section.accounts else (),
        "revoked": tuple(section.revoked),
        "no_files": tuple(section.no_files),
        "files": tuple(name for f in section.files for name in (f.field, *f.unless)),
    }
    for place, names in named.items():
        for name in names:
            if not _is_own_field(section.model, name):
                yield _finding(
                    "backups.E003",
                    section,
                    _(
                        "{place} of {model} names {name!r}, which is no field of its table.",
                        place=place,
                        model=_label(section),
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


def _has_own_table(section: Section) -> bool:
    meta = section.model._meta
    return not (meta.proxy or meta.abstract or meta.swapped)


def _no_table(section: Section) -> Finding:
    return _finding(
        "backups.E009",
        section,
        _(
            "{model} has no table of its own (it is a proxy, abstract or swapped out).",
            model=_label(section),
        ),
        _("Declare the model that owns the table."),
    )


def _scopes(section: Section) -> Iterator[Finding]:
    if not section.in_complete:
        yield _finding(
            "backups.E010",
            section,
            _(
                "{model} is not in the Complete scope, which holds everything.",
                model=_label(section),
            ),
            _("Add COMPLETE to its scopes, or exclude the model with a reason."),
        )


def _columns(section: Section) -> Iterator[Finding]:
    if not section.in_safe:
        return
    named = Counter([*section.safe_columns, *section.redact])
    for name in fields_of(section.model):
        if named[name] == 0:
            yield _finding(
                "backups.E002",
                section,
                _(
                    "The column {name!r} of {model} is neither kept nor redacted in Safe.",
                    name=name,
                    model=_label(section),
                ),
                _("Name it in safe_columns, or in redact with a refill."),
            )
        elif named[name] > 1:
            yield _finding(
                "backups.E004",
                section,
                _(
                    "The column {name!r} of {model} is both kept and redacted, or named twice.",
                    name=name,
                    model=_label(section),
                ),
                _("Name it once."),
            )


def _refills(section: Section) -> Iterator[Finding]:
    for name, omit in section.redact.items():
        field = fields_of(section.model)[name]
        if field.primary_key:
            yield _finding(
                "backups.E011",
                section,
                _(
                    "{model} redacts {name!r}, its primary key; its rows could not be told apart.",
                    model=_label(section),
                    name=name,
                ),
                _("Keep the table out of the Safe scope instead."),
            )
        elif omit.rule.is_null and not field.null:
            yield _finding(
                "backups.E012",
                section,
                _(
                    "{model} redacts {name!r}, which may not be NULL, without a refill.",
                    model=_label(section),
                    name=name,
                ),
                _("Name a refill that makes a value, such as random_token."),
            )
        elif not omit.rule.is_null and field.remote_field:
            yield _finding(
                "backups.E012",
                section,
                _(
                    "{model} refills {name!r}, a reference, with a made-up value.",
                    model=_label(section),
                    name=name,
                ),
                _("A redacted reference can only become NULL."),
            )
    if section.in_safe and set(section.natural_key) & set(section.redact):
        yield _finding(
            "backups.E013",
            section,
            _(
                "The natural key of {model} is redacted, so a Safe file finds no row by it.",
                model=_label(section),
            ),
            _("Name fields that a Safe file holds."),
        )
    if not _is_unique(section):
        yield _finding(
            "backups.E013",
            section,
            _(
                "The natural key of {model} is not unique, so it finds no one row.",
                model=_label(section),
            ),
            _("Name fields that are unique, alone or together."),
        )


def _is_unique(section: Section) -> bool:
    if not section.natural_key:
        return True
    meta = section.model._meta
    together = [set(group) for group in meta.unique_together]
    together += [set(c.fields) for c in meta.total_unique_constraints]
    wanted = set(section.natural_key)
    fields = fields_of(section.model)
    return any(fields[name].unique for name in wanted) or wanted in together


def _secrets(section: Section) -> Iterator[Finding]:
    for name in section.secret:
        if section.in_safe and name not in section.redact:
            yield _finding(
                "backups.E014",
                section,
                _(
                    "{model} keeps {name!r} in Safe although it is declared secret.",
                    model=_label(section),
                    name=name,
                ),
                _("Move it from safe_columns to redact."),
            )
    for name in section.safe_columns:
        if section.in_safe and SECRET_WORDS.search(name) and not _is_harmless(section, name):
            yield Finding(
                "backups.W001",
                Severity.WARNING,
                _(
                    "{model} keeps {name!r} in Safe, and its name sounds like a secret.",
                    model=_label(section),
                    name=name,
                ),
                _("Redact it, or silence this id if it opens nothing."),
                table=section.table,
            )


def _is_harmless(section: Section, name: str) -> bool:
    """A reference, a switch, a number or a time opens nothing, whatever its name."""
    field = fields_of(section.model)[name]
    opens = {"TextField", "CharField", "BinaryField", "JSONField", "UUIDField", "ArrayField"}
    is_id = bool(field.remote_field) or (field.column or "").endswith("_id")
    return is_id or (field.get_internal_type() not in opens and type(field).__name__ not in opens)


def _references(section: Section, registry: Registry) -> Iterator[Finding]:
    declared = registry.by_table()
    for reference in references(section.model):
        target = declared.get(reference.target_table)
        if target is None:
            if reference.target_table != section.table:
                yield from _reference_to_excluded(section, reference.field, registry)
            continue
        if section.in_safe and not target.in_safe and reference.field not in section.redact:
            yield _finding(
                "backups.E005",
                section,
                _(
                    "{model} is in Safe and keeps {field!r}, which points to"
                    " {target}, which is not.",
                    model=_label(section),
                    field=reference.field,
                    target=_label(target),
                ),
                _("Redact the reference (it must be nullable), or take the target into Safe."),
            )


def _reference_to_excluded(section: Section, field: str, registry: Registry) -> Iterator[Finding]:
    target = section.model._meta.get_field(field).related_model
    if target is not None and target._meta.db_table in registry.excluded_tables():
        yield Finding(
            "backups.W002",
            Severity.WARNING,
            _(
                "{field!r} of {model} points to {target}, which is excluded.",
                field=field,
                model=_label(section),
                target=target._meta.label,
            ),
            _(
                "In another database the reference may lead nowhere; a restore would then be refused."
            ),
            table=section.table,
        )


def _locators(section: Section) -> Iterator[Finding]:
    for locator in section.files:
        if locator.storage not in storages:
            yield _finding(
                "backups.E015",
                section,
                _(
                    "{model} looks for the files of {field!r} in the storage"
                    " {storage!r}, which is not there.",
                    model=_label(section),
                    field=locator.field,
                    storage=locator.storage,
                ),
                _("Name an alias of STORAGES, or a FileField as field:app.Model.field."),
            )
        if not _names_a_model(locator):
            yield _finding(
                "backups.E015",
                section,
                _(
                    "{model} takes strings in {field!r} for ids of a model that is not"
                    " there, or whose primary key is not one column.",
                    model=_label(section),
                    field=locator.field,
                ),
                _("Give ids_of the label of an installed model, such as app.Model."),
            )
        if isinstance(locator, JsonAddress) and not _is_followed(locator.path):
            yield _finding(
                "backups.E016",
                section,
                _(
                    "{model} looks for files in {field!r} at {path!r}, a path that"
                    " a restore cannot write to.",
                    model=_label(section),
                    field=locator.field,
                    path=locator.path,
                ),
                _("Use members and all elements only, such as $[*].url or $.cover."),
            )


def _is_followed(path: str) -> bool:
    try:
        parse(path)
    except ValueError:
        return False
    return True


def _names_a_model(locator: FileLocator) -> bool:
    if not isinstance(locator, JsonAddress) or not locator.ids_of:
        return True
    try:
        return len(apps.get_model(locator.ids_of)._meta.pk_fields) == 1
    except (LookupError, ValueError):
        return False
