"""A file of an older schema comes back into today's, with every difference said in the plan."""

import msgspec
import pytest

from backups.artifact.manifest import Column, SectionHead
from backups.registry import RenamedColumn, RenamedSection, registry
from backupsvc.studio.models import Room, User
from restore.services.planning import drift
from tests.restore.rewriting import rewrite
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database


def _columns(head: SectionHead, change) -> SectionHead:
    columns = [new for old in head.columns if (new := change(old)) is not None]
    return msgspec.structs.replace(head, columns=tuple(columns))


def _without(*names: str):
    return lambda column: None if column.name in names else column


def _older(head: SectionHead) -> SectionHead:
    """Users had fewer columns, rooms one more, and counted in smaller numbers."""
    if head.key == "users":
        return _columns(head, _without("phone_number", "sms_notifications_enabled"))
    if head.key == "rooms":
        smaller = _columns(
            head, lambda c: Column(c.name, "smallint", c.encoding) if c.name == "order" else c
        )
        return msgspec.structs.replace(
            smaller, columns=(*smaller.columns, Column("wallpaper", "text", "native"))
        )
    return head


def _older_row(key: str, row: dict) -> dict:
    if key == "users":
        return {
            k: v for k, v in row.items() if k not in ("phone_number", "sms_notifications_enabled")
        }
    return row | {"wallpaper": "flowers"} if key == "rooms" else row


@pytest.mark.parametrize("scope", ["safe", "complete"])
def test_it_fills_drops_and_converts_what_the_plan_says(damaged_studio, tmp_path, scope) -> None:
    source = getattr(damaged_studio, scope)
    old = rewrite(source, tmp_path / "old.json", head=_older, row=_older_row)
    plan = plan_as(old)
    assert codes(plan).get("restore.column_gone") == "warning"
    said = " ".join(plan.schema)
    assert "studio_user.phone_number is not in the file" in said
    assert "studio_room.order is converted from smallint to integer" in said
    restore_as(old)
    assert set(User.objects.exclude(email="x").values_list("phone_number", flat=True)) == {None}
    assert set(User.objects.values_list("sms_notifications_enabled", flat=True)) == {False}
    rows = rows_of_database()
    touched = changed_tables(damaged_studio.rows, rows)
    assert "studio_project" not in touched and "studio_comment" not in touched
    assert Room.objects.count() == len(damaged_studio.rows["studio_room"])


def test_a_renamed_section_and_column_follow_their_declared_moves(
    damaged_studio, tmp_path, monkeypatch
) -> None:
    def head(head: SectionHead) -> SectionHead:
        if head.key == "tags":
            head = _columns(
                head, lambda c: Column("colour", c.type, c.encoding) if c.name == "color" else c
            )
            return msgspec.structs.replace(head, key="labels")
        return head

    def row(key: str, row: dict) -> dict:
        if key == "tags":
            row["colour"] = row.pop("color")
        return row

    old = rewrite(damaged_studio.complete, tmp_path / "old.json", head=head, row=row)
    before = rows_of_database()
    assert refusal(old) == "restore.unknown_section"
    assert not changed_tables(before, rows_of_database())
    moves = [
        RenamedSection("labels", "tags", "2.0"),
        RenamedColumn("tags", "colour", "color", "2.0"),
    ]
    monkeypatch.setattr(registry, "_moves", moves)
    restore_as(old)
    assert rows_of_database()["studio_tag"] == damaged_studio.rows["studio_tag"]


def test_a_type_that_could_lose_something_is_refused(damaged_studio, tmp_path) -> None:
    def head(head: SectionHead) -> SectionHead:
        if head.key != "rooms":
            return head
        return _columns(
            head, lambda c: Column(c.name, "bigint", c.encoding) if c.name == "order" else c
        )

    old = rewrite(damaged_studio.complete, tmp_path / "old.json", head=head)
    before = rows_of_database()
    assert refusal(old) == "restore.column_type"
    assert not changed_tables(before, rows_of_database())


@pytest.mark.parametrize(
    ("old", "new", "safe"),
    [
        ("integer", "bigint", True),
        ("bigint", "integer", False),
        ("integer", "numeric", True),
        ("real", "double precision", True),
        ("double precision", "real", False),
        ("character varying(20)", "text", True),
        ("character varying(20)", "character varying(30)", True),
        ("character varying(30)", "character varying(20)", False),
        ("text", "character varying(20)", False),
        ("numeric(10,2)", "numeric(12,2)", True),
        ("numeric(10,2)", "numeric(10,4)", False),
        ("integer[]", "bigint[]", True),
        ("json", "jsonb", False),
        ("timestamp with time zone", "date", False),
    ],
)
def test_only_widening_loses_nothing(old: str, new: str, safe: bool) -> None:
    assert drift.loses_nothing(old, new) is safe
