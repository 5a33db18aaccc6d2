"""What names Django's own rows, and which columns hold their numbers."""

from collections.abc import Container, Iterable

from django.apps import apps

from backups.database.introspection import LiveTable
from backups.database.table_reading import column_of, primary_key_columns
from backups.registry import Registry, Section
from backups.registry.references import references
from restore.database.catalogue import ForeignKey
from restore.database.numbers import Naming

CONTENT_TYPES = "contenttypes.ContentType"
# A column, by its table and name, and the table whose numbers it holds.
Numbered = dict[tuple[str, str], str]


def namings(declared: Registry) -> dict[str, Naming]:
    """By table, for every table of Django's own that files have."""
    known = {section.table: section for section in declared.of_framework}
    return {table: _naming(section, known) for table, section in known.items()}


def explained(known: dict[str, Naming], there: Container[str]) -> dict[str, Naming]:
    """The tables that are ``there`` with all that their names are made of."""
    return {
        table: naming
        for table, naming in known.items()
        if table in there and all(other in there for other in naming.by.values())
    }


def _naming(section: Section, known: dict[str, Section]) -> Naming:
    model = section.model
    targets = {r.column: r.target_table for r in references(model) if r.target_table in known}
    columns = tuple(column_of(model, name) for name in section.natural_key)
    return Naming(section.table, primary_key_columns(model)[0], columns, targets)


def numbered(declared: Registry, keys: Iterable[ForeignKey]) -> Numbered:
    """Every column that holds such numbers: by a foreign key of the database or of a model, through
    others' primary keys that are themselves such numbers, or as its section says."""
    links = {
        (key.table, column): (key.target_table, target)
        for key in keys
        for column, target in zip(key.columns, key.target_columns, strict=True)
    }
    for model in apps.get_models(include_auto_created=True):
        for one in references(model):
            to = (one.target_table, one.target_column)
            links.setdefault((model._meta.db_table, one.column), to)
    found: Numbered = {(n.table, n.number): n.table for n in namings(declared).values()}
    own = set(found)
    found |= _declared(declared)
    grown = True
    while grown:
        new = {
            column: found[to] for column, to in links.items() if to in found and column not in found
        }
        found |= new
        grown = bool(new)
    return {column: table for column, table in found.items() if column not in own}


def _declared(declared: Registry) -> Numbered:
    if not apps.is_installed("django.contrib.contenttypes"):
        return {}
    table = apps.get_model(CONTENT_TYPES)._meta.db_table
    if table not in {section.table for section in declared.of_framework}:
        return {}
    return {
        (section.table, column_of(section.model, name)): table
        for section in declared.sections
        for name in section.content_types
    }


def columns_in(table: LiveTable, found: Numbered) -> list[tuple[str, str]]:
    """Of one table: column, and the table whose numbers it holds."""
    return [(column, to) for (name, column), to in found.items() if name == table.name]
