"""Which section points to which: foreign keys as the models declare them."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import CASCADE, DO_NOTHING, PROTECT, RESTRICT, SET_DEFAULT, SET_NULL, Model

_RULES = {
    CASCADE: "cascade",
    SET_NULL: "set null",
    RESTRICT: "restrict",
    PROTECT: "restrict",
    SET_DEFAULT: "set default",
    DO_NOTHING: "nothing",
}


@dataclass(frozen=True)
class Reference:
    """One foreign key. ``rule`` says what becomes of the row when its target goes."""

    field: str
    column: str
    target_table: str
    target_column: str
    nullable: bool
    rule: str


def references(model: type[Model]) -> Iterator[Reference]:
    """The foreign keys of the model's own table, a child's link to its parent included."""
    for field in model._meta.local_concrete_fields:
        remote = field.remote_field
        if remote is None or not field.column:
            continue
        target = field.related_model
        if target is None:
            continue
        yield Reference(
            field=field.name,
            column=field.column,
            target_table=target._meta.db_table,
            target_column=field.target_field.column,  # type: ignore[attr-defined]
            nullable=field.null,
            rule=_RULES.get(getattr(remote, "on_delete", CASCADE), "other"),
        )
