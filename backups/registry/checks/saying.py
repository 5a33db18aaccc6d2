"""How a rule says what it found."""

from django.db.models import Field, Model

from backups.findings import Finding, Severity
from backups.registry.sections import Section
from backups.wording import Sentence


def fields_of(model: type[Model]) -> dict[str, Field]:
    """The fields with a column in the model's own table, by name."""
    return {f.name: f for f in model._meta.local_concrete_fields if f.column}


def finding(code: str, section: Section, message: Sentence, hint: Sentence) -> Finding:
    """An error of a section."""
    return Finding(code, Severity.ERROR, message, hint, table=section.table)


def label(section: Section) -> str:
    """The model, as messages name it."""
    return section.model._meta.label
