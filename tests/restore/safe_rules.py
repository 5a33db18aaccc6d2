"""What a Safe restore must leave behind, worked out in plain Python.

It follows the description of the studio (``tests/studio/facts``) and the models' own delete rules, and
shares no code with the engine.
"""

import csv
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from django.apps import apps
from django.db.models import SET_NULL

from backups.registry import registry
from tests.restore.tables import Key, Row, Rows

FACTS = Path(__file__).parent.parent / "studio" / "facts"
USERS = "studio_user"
# What the acting owner's account keeps, whatever the file says.
SURVIVES = ("role", "approval_status", "approved_at", "approved_by", "email")
FRESH = "<fresh>"
# Texts with live links, which a Safe file does not let out.
PASTED = {
    "studio_chatmessage": ("content",),
    "studio_emaillog": ("html", "metadata"),
    "studio_clientapprovalemaillog": ("html_content",),
    "studio_floorplanapprovalemaillog": ("html_content",),
}


@dataclass(frozen=True)
class Link:
    """A foreign key of the models. ``sets_null``: its delete rule; all others remove the row."""

    table: str
    column: str
    target: str
    sets_null: bool


@dataclass(repr=False)
class Expected:
    """``rows`` after the restore, with ``FRESH`` where a new secret stands; the rest are counts."""

    rows: Rows
    kept: dict[str, int] = field(default_factory=dict)
    refilled: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    set_null: dict[str, int] = field(default_factory=dict)
    survives: int = 0


def _facts(name: str) -> list[dict[str, str]]:
    with (FACTS / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _table(model: str) -> str:
    return apps.get_model("studio", model)._meta.db_table


def safe_tables() -> dict[str, list[str]]:
    """The omitted columns of each Safe table."""
    return {
        _table(fact["model"]): [
            column["column"]
            for column in _facts("columns.csv")
            if column["model"] == fact["model"] and column["in_safe"] == "omitted"
        ]
        for fact in _facts("tables.csv")
        if fact["safe"] == "yes"
    }


def secret_columns() -> set[tuple[str, str]]:
    return {(_table(f["model"]), f["column"]) for f in _facts("columns.csv") if f["secret"]}


def links() -> list[Link]:
    """Every foreign key of every model."""
    return [
        Link(
            model._meta.db_table,
            key.column,
            key.related_model._meta.db_table,
            key.remote_field.on_delete is SET_NULL,
        )
        for model in apps.get_models(include_auto_created=True)
        for key in model._meta.local_concrete_fields
        if key.remote_field and key.related_model
    ]


def after_safe_restore(file: Rows, now: Rows, acting: str) -> Expected:
    """``file``: the rows when the backup was made. ``now``: those that the restore finds."""
    expected = Expected(rows=deepcopy(now))
    markers = _markers(file)
    for table, omitted in safe_tables().items():
        expected.rows[table] = _filled(table, omitted, file[table], now[table], expected, markers)
    _keep_acting(expected, now[USERS], acting)
    _follow(expected)
    return expected


def _filled(
    table: str, omitted: list[str], file, now, expected: Expected, markers: dict[str, str]
) -> dict[Key, Row]:
    rows = {}
    kept = 0
    for key, row in file.items():
        found = now.get(key) or (_same_person(row, file, now) if table == USERS else None)
        kept += found is not None
        rows[key] = row | {
            column: found[column] if found else _refill(table, column) for column in omitted
        }
        for column in PASTED.get(table, ()):
            marked = _marked(row[column], markers)
            if marked != row[column]:
                rows[key][column] = found[column] if found else marked
    if omitted:
        expected.kept[table], expected.refilled[table] = kept, len(rows) - kept
    return rows


def _markers(file: Rows) -> dict[str, str]:
    """What stands in a Safe file for each secret that the demo pastes into texts."""
    keys = {section.table: section.key for section in registry.sections}
    return {
        row[column]: f"[redacted:{keys[table]}.{column}]"
        for table, column in secret_columns()
        for row in file[table].values()
        if row[column] and len(row[column]) > 20
    }


def _marked(text: str | None, markers: dict[str, str]) -> str | None:
    for secret, marker in markers.items():
        if text and secret in text:
            text = text.replace(secret, marker)
    return text


def _same_person(row: Row, file: dict[Key, Row], now: dict[Key, Row]) -> Row | None:
    """The account of now with this e-mail address, unless the file has it under its own key."""
    return next(
        (r for k, r in now.items() if r["email"] == row["email"] and k not in file),
        None,
    )


def _refill(table: str, column: str) -> str | None:
    return FRESH if (table, column) in secret_columns() and column != "password" else None


def _keep_acting(expected: Expected, now: dict[Key, Row], acting: str) -> None:
    users = expected.rows[USERS]
    was = next((k, r) for k, r in now.items() if r["email"] == acting)
    key = next((k for k, r in users.items() if k == was[0] or r["email"] == acting), None)
    if key is not None:
        users[key].update({column: was[1][column] for column in SURVIVES})
        return
    users[was[0]] = dict(was[1])
    if (was[1]["org_id"],) not in expected.rows["studio_organization"]:
        users[was[0]]["org_id"] = None
        expected.set_null[USERS] = 1
    expected.survives = 1


def _follow(expected: Expected) -> None:
    """Rows outside Safe whose target has gone follow their rule, until nothing changes any more."""
    safe, rows = safe_tables(), expected.rows
    every = [link for link in links() if link.table in rows and link.target in rows]
    outside = [link for link in every if link.table not in safe]
    grown = True
    while grown:
        grown = False
        for link in outside:
            if not link.sets_null:
                for key in _dangling(link, rows):
                    del rows[link.table][key]
                    expected.removed[link.table] = expected.removed.get(link.table, 0) + 1
                    grown = True
    kept = [link for link in every if link.column in safe.get(link.table, ())]
    for link in [link for link in outside if link.sets_null] + kept:
        for key in _dangling(link, rows):
            rows[link.table][key][link.column] = None
            expected.set_null[link.table] = expected.set_null.get(link.table, 0) + 1


def _dangling(link: Link, rows: Rows) -> list[Key]:
    there = rows[link.target]
    return [
        key
        for key, row in rows[link.table].items()
        if row[link.column] is not None and (row[link.column],) not in there
    ]
