"""No reference leads out of what a file holds."""

from collections.abc import Iterator

from backups.findings import Finding, Severity
from backups.registry.checks.saying import finding, label
from backups.registry.references import references
from backups.registry.registry import Registry
from backups.registry.sections import Section
from backups.wording import _


def references_out(section: Section, registry: Registry) -> Iterator[Finding]:
    declared = registry.by_table()
    for reference in references(section.model):
        target = declared.get(reference.target_table)
        if target is None:
            if reference.target_table != section.table:
                yield from _reference_to_excluded(section, reference.field, registry)
            continue
        if section.in_safe and not target.in_safe and reference.field not in section.redact:
            yield finding(
                "backups.E005",
                section,
                _(
                    "{model} is in Safe and keeps {field!r}, which points to"
                    " {target}, which is not.",
                    model=label(section),
                    field=reference.field,
                    target=label(target),
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
                model=label(section),
                target=target._meta.label,
            ),
            _(
                "In another database the reference may lead nowhere; a restore would then be refused."
            ),
            table=section.table,
        )
