"""The database as plain values: each table's rows by primary key, as pg_dump prints their cells."""

import re

from django.apps import apps

from tests.roundtrip.dump import Dump, dump_data

Row = dict[str, str | None]
Key = tuple[str | None, ...]
Rows = dict[str, dict[Key, Row]]


def rows_of_database() -> Rows:
    """Every row of the studio, of Django and of the zoo, but none of the backup system's own."""
    return rows_of(dump_data())


def rows_of(dump: Dump) -> Rows:
    keys = _primary_keys()
    found: Rows = {}
    for head, lines in dump.tables.items():
        name, columns = _head(head)
        table: dict[Key, Row] = {}
        for line in lines:
            cells = [None if c == "\\N" else c for c in line.decode().split("\t")]
            row = dict(zip(columns, cells, strict=True))
            table[tuple(row[c] for c in keys[name]) if name in keys else tuple(cells)] = row
        found[name] = table
    return found


def _head(head: str) -> tuple[str, list[str]]:
    """``COPY public."a table" (id, "a column") FROM stdin;``"""
    parts = re.fullmatch(r'COPY \w+\.("(?:[^"]|"")+"|\w+) \((.*)\) FROM stdin;', head, re.DOTALL)
    assert parts, head
    columns = re.findall(r'"(?:[^"]|"")+"|\w+', parts[2])
    return _unquoted(parts[1]), [_unquoted(column) for column in columns]


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _primary_keys() -> dict[str, list[str]]:
    return {
        model._meta.db_table: [field.column for field in model._meta.pk_fields]
        for model in apps.get_models(include_auto_created=True)
    }


def changed_tables(before: Rows, after: Rows) -> dict[str, str]:
    """What differs, by table, in a few words; never whole rows, they are many."""
    found = {}
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, {}), after.get(name, {})
        if was == now:
            continue
        lost, new = was.keys() - now.keys(), now.keys() - was.keys()
        altered = {k for k in was.keys() & now.keys() if was[k] != now[k]}
        columns = {c for k in altered for c in was[k] if was[k][c] != now[k][c]}
        found[name] = f"{len(lost)} lost, {len(new)} new, {len(altered)} altered in {columns}"
    return found
