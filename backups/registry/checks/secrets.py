"""Nothing that opens something is kept in Safe."""

import re
from collections.abc import Iterator

from backups.findings import Finding, Severity
from backups.registry.access import lets_in
from backups.registry.checks.saying import fields_of, finding, label
from backups.registry.sections import Section
from backups.wording import _

# A word of a column's name that stands for something that opens something.
SECRET_WORDS = re.compile(
    r"(^|_)(password|passwd|secret|token|api_?key|private_?key|credential|otp|salt|hash)s?(_|$)"
)


def secrets(section: Section) -> Iterator[Finding]:
    for name in section.secret:
        if section.in_safe and name not in section.redact:
            yield finding(
                "backups.E014",
                section,
                _(
                    "{model} keeps {name!r} in Safe although it is declared secret.",
                    model=label(section),
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
                    model=label(section),
                    name=name,
                ),
                _("Redact it, or silence this id if it opens nothing."),
                table=section.table,
            )


def unsaid_secrets(section: Section) -> Iterator[Finding]:
    """A table that only Complete files hold, and whose rows may let somebody in: of files of others they
    would be taken as data."""
    if section.in_safe or section.framework or section.lets_in is not None or lets_in(section):
        return
    fields = (f.name for f in section.model._meta.local_concrete_fields)
    names = [n for n in fields if SECRET_WORDS.search(n) and not _is_harmless(section, n)]
    if names:
        yield Finding(
            "backups.W010",
            Severity.WARNING,
            _(
                "{model} has {names}, which sounds like something that opens something, and its section"
                " does not say so.",
                model=label(section),
                names=", ".join(names),
            ),
            _('Add secret="…", or lets_in=False if no row of it lets anybody in.'),
            table=section.table,
        )


def _is_harmless(section: Section, name: str) -> bool:
    """A reference, a switch, a number or a time opens nothing, whatever its name."""
    field = fields_of(section.model)[name]
    opens = {"TextField", "CharField", "BinaryField", "JSONField", "UUIDField", "ArrayField"}
    is_id = bool(field.remote_field) or (field.column or "").endswith("_id")
    return is_id or (field.get_internal_type() not in opens and type(field).__name__ not in opens)
