"""A column that the older file lacks: what a default makes is made once a row, whatever its type."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.db import connection
from psycopg2.extras import Json, NumericRange

from backups.artifact.manifest import SectionHead
from backupsvc.studio.models import CadPreferences, ClientAccessToken
from restore.database.cells import cell_text
from restore.services.planning import filling
from tests.restore.rewriting import rewrite
from tests.restore.steps import codes, plan_as, refusal, restore_as

GONE = {
    "clientAccessTokens": {"token", "created_at", "access_count"},
    "cadPreferences": {"margins"},
}


def _head(head: SectionHead) -> SectionHead:
    gone = GONE.get(head.key, set())
    kept = tuple(column for column in head.columns if column.name not in gone)
    return msgspec.structs.replace(head, columns=kept)


def _row(key: str, row: dict) -> dict:
    return {name: cell for name, cell in row.items() if name not in GONE.get(key, set())}


@pytest.fixture
def older(studio, tmp_path):
    return rewrite(studio.complete, tmp_path / "old.json", head=_head, row=_row)


def test_it_makes_a_token_of_its_own_for_each_row(older) -> None:
    plan = plan_as(older)
    assert not plan.blocking
    (table,) = (t for t in plan.tables if t.key == "clientAccessTokens")
    assert table.changed == table.now > 1  # the tokens of now go, and the plan says so
    restore_as(older)
    tokens = ClientAccessToken.objects.values_list("token", flat=True)
    assert len(tokens) == len(set(tokens)) == table.now
    assert set(ClientAccessToken.objects.values_list("access_count", flat=True)) == {0}
    default = CadPreferences._meta.get_field("margins").get_default()
    assert {str(p.margins) for p in CadPreferences.objects.all()} == {str(default)}


def test_one_token_for_all_rows_is_found_in_the_plan(older, monkeypatch) -> None:
    """The twin: were it made once, the plan would find what the database then refuses."""
    monkeypatch.setattr(
        filling, "_prepared", lambda *given, made=filling._prepared: filling._once(made(*given)())
    )
    assert codes(plan_as(older)).get("restore.duplicate") == "error"


def test_a_default_that_fails_is_a_finding_and_names_no_value(older, monkeypatch) -> None:
    def fails() -> str:
        raise LookupError("canary-7f3a")

    monkeypatch.setattr(ClientAccessToken._meta.get_field("token"), "_get_default", fails)
    plan = plan_as(older)
    assert codes(plan)["restore.default_failed"] == "error"
    assert "canary" not in str(plan.findings)
    assert refusal(older) == "restore.default_failed"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "text"),
        (True, "boolean"),
        (-1.5e300, "double precision"),
        (Decimal("1.10"), "numeric"),
        ('a\\b"c\n', "text"),
        (b"\x00\\x", "bytea"),
        (uuid.UUID(int=7), "uuid"),
        (datetime.date(2024, 2, 29), "date"),
        (datetime.datetime(2024, 2, 29, 1, 2, 3, 4, datetime.UTC), "timestamptz"),
        (datetime.timedelta(days=-1, seconds=3, microseconds=4), "interval"),
        (["a", None, 'b"\\', "NULL"], "text[]"),
        ([[1, 2], [3, 4]], "integer[]"),
        (Json({"a": [1, None, "ü"]}), "jsonb"),
        (NumericRange(1, 5), "int4range"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.django_db
def test_it_is_the_value_that_the_driver_would_send(value: Any, kind: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT %s::text::{kind} IS NOT DISTINCT FROM %s::{kind}", [cell_text(value), value]
        )
        assert cursor.fetchone() == (True,)


def test_what_has_no_known_text_is_refused() -> None:
    with pytest.raises(TypeError):
        cell_text(object())
    with pytest.raises(ValueError):
        cell_text("a\0b")
