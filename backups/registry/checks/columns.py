"""Each column of a Safe section is kept or redacted, and what is redacted can be filled again."""

from collections import Counter
from collections.abc import Iterator

from backups.findings import Finding
from backups.registry.checks.saying import fields_of, finding, label
from backups.registry.sections import Section
from backups.wording import _


def columns(section: Section) -> Iterator[Finding]:
    if not section.in_safe:
        return
    named = Counter([*section.safe_columns, *section.redact])
    for name in fields_of(section.model):
        if named[name] == 0:
            yield finding(
                "backups.E002",
                section,
                _(
                    "The column {name!r} of {model} is neither kept nor redacted in Safe.",
                    name=name,
                    model=label(section),
                ),
                _("Name it in safe_columns, or in redact with a refill."),
            )
        elif named[name] > 1:
            yield finding(
                "backups.E004",
                section,
                _(
                    "The column {name!r} of {model} is both kept and redacted, or named twice.",
                    name=name,
                    model=label(section),
                ),
                _("Name it once."),
            )


def refills(section: Section) -> Iterator[Finding]:
    for name, omit in section.redact.items():
        field = fields_of(section.model)[name]
        if field.primary_key:
            yield finding(
                "backups.E011",
                section,
                _(
                    "{model} redacts {name!r}, its primary key; its rows could not be told apart.",
                    model=label(section),
                    name=name,
                ),
                _("Keep the table out of the Safe scope instead."),
            )
        elif omit.rule.is_null and not field.null:
            yield finding(
                "backups.E012",
                section,
                _(
                    "{model} redacts {name!r}, which may not be NULL, without a refill.",
                    model=label(section),
                    name=name,
                ),
                _("Name a refill that makes a value, such as random_token."),
            )
        elif not omit.rule.is_null and field.remote_field:
            yield finding(
                "backups.E012",
                section,
                _(
                    "{model} refills {name!r}, a reference, with a made-up value.",
                    model=label(section),
                    name=name,
                ),
                _("A redacted reference can only become NULL."),
            )
    if section.in_safe and set(section.natural_key) & set(section.redact):
        yield finding(
            "backups.E013",
            section,
            _(
                "The natural key of {model} is redacted, so a Safe file finds no row by it.",
                model=label(section),
            ),
            _("Name fields that a Safe file holds."),
        )
    if not _is_unique(section):
        yield finding(
            "backups.E013",
            section,
            _(
                "The natural key of {model} is not unique, so it finds no one row.",
                model=label(section),
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
