"""``data:`` addresses hold a file's content: it does not leave in a Safe file, and no restore loses it."""

import pytest
from django.db import connection
from psycopg2 import sql

from backups.database import data_addresses
from backups.database.introspection import LiveColumn
from backups.hunting import contents
from backups.registry import COMPLETE, SAFE
from backupsvc.studio.models import ActivityLog, Asset, PasswordResetToken, Project, User
from restore.services.applying import writing
from tests.restore.steps import codes, plan_as, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.roundtrip import independent
from tests.roundtrip.engine import back_up, document, stored

SECRET = "c2VjcmV0LWNvbnRlbnQ"
PICTURE = f"data:image/png;base64,{SECRET}"
COVERS = [PICTURE, "covers/1.png", {"url": f"DATA:text/plain,{SECRET}\\"}, "text: data:no"]


@pytest.fixture
def pictures(studio) -> tuple[str, str, str]:
    """An account, an asset and a project that hold their files themselves. Returns their keys."""
    user = User.objects.exclude(role="OWNER").order_by("pk").first()
    asset = Asset.objects.exclude(type="LINK").order_by("pk").first()
    project = Project.objects.order_by("pk").first()
    User.objects.filter(pk=user.pk).update(image=PICTURE)
    Asset.objects.filter(pk=asset.pk).update(url=f" Data:,{SECRET}")
    Project.objects.filter(pk=project.pk).update(cover_images=COVERS)
    return user.pk, asset.pk, project.pk


def cells(pictures) -> tuple:
    user, asset, project = pictures
    return (
        User.objects.get(pk=user).image,
        Asset.objects.get(pk=asset).url,
        Project.objects.get(pk=project).cover_images,
    )


def test_the_content_is_not_in_a_safe_file_and_is_counted(pictures):
    run = back_up(SAFE)
    found = document(run)
    assert SECRET.encode() not in found
    rows = independent.read(found)["data"]["projects"]
    (covers,) = [row["cover_images"] for row in rows if row["id"] == pictures[2]]
    assert covers == ["data:,", "covers/1.png", {"url": "data:,"}, "text: data:no"]
    # Two hold the same picture, and what stands beside the locator's path is emptied without a count.
    assert run.statistics["files"]["not_included_in_rows"] == 2


def test_a_complete_file_holds_it_in_the_rows(pictures):
    run = back_up(COMPLETE)
    assert SECRET.encode() in document(run)
    assert run.statistics["files"]["not_included_in_rows"] == 0


def test_a_safe_restore_keeps_what_is_there_now_and_the_plan_counts_it(pictures):
    file = stored(back_up(SAFE))
    before = rows_of_database()
    plan = plan_as(file)
    kept = {f.table: f.count for f in plan.findings if f.code == "restore.content_kept"}
    assert kept == {"studio_user": 1, "studio_asset": 1, "studio_project": 1}
    assert "restore.content_missing" not in codes(plan)
    restore_as(file, confirmed=plan)
    assert changed_tables(before, rows_of_database()).keys() & kept.keys() == set()


def test_the_current_content_counts_and_not_that_of_then(pictures):
    file = stored(back_up(SAFE))
    User.objects.filter(pk=pictures[0]).update(image="data:,today", name="of today")
    restore_as(file)
    user = User.objects.get(pk=pictures[0])
    assert user.image == "data:,today" and user.name != "of today"


def test_a_row_that_is_gone_comes_back_without_and_the_plan_says_so(pictures):
    file = stored(back_up(SAFE))
    Asset.objects.filter(pk=pictures[1]).delete()
    plan = plan_as(file)
    missing = {f.table: f.count for f in plan.findings if f.code == "restore.content_missing"}
    assert missing == {"studio_asset": 1}
    restore_as(file, confirmed=plan)
    assert Asset.objects.get(pk=pictures[1]).url == data_addresses.EMPTY


def test_without_the_step_live_content_would_be_overwritten(pictures, monkeypatch):
    file = stored(back_up(SAFE))
    monkeypatch.setattr(writing, "keep_content", lambda *_: 0)
    restore_as(file)
    assert cells(pictures)[:2] == (data_addresses.EMPTY, data_addresses.EMPTY)


def test_without_the_expression_the_content_would_leave(pictures, monkeypatch):
    monkeypatch.setattr(
        "backups.database.row_stream.without_content", lambda column, cell, **_: cell
    )
    # Each of the two would do alone: the server empties it, and what it missed the search finds.
    assert SECRET.encode() not in document(back_up(SAFE))
    monkeypatch.setattr(contents, "addresses", lambda _text: iter(()))
    assert SECRET.encode() in document(back_up(SAFE))


# Where nobody declares a file.
HTML = f'<p>See <img src="{PICTURE}"> and <a href="DATA:text/plain;charset=utf-8,%20{SECRET}">it</a></p>'
DETAILS = {"note": HTML, "list": [f"url({PICTURE}) x", "data: none"]}


@pytest.fixture
def texts(studio) -> tuple[str, str]:
    """A project and an entry of the activity whose texts hold files. Returns their keys."""
    project = Project.objects.order_by("pk").first()
    activity = ActivityLog.objects.order_by("pk").first()
    Project.objects.filter(pk=project.pk).update(description=HTML)
    ActivityLog.objects.filter(pk=activity.pk).update(details=DETAILS)
    return project.pk, activity.pk


def held(texts) -> tuple:
    project, activity = texts
    return (
        Project.objects.get(pk=project).description,
        ActivityLog.objects.get(pk=activity).details,
    )


def test_a_file_within_a_text_is_not_in_a_safe_file_and_is_counted(texts):
    run = back_up(SAFE)
    assert SECRET.encode() not in document(run)
    # The picture stands in both cells, and counts once.
    assert run.statistics["files"]["not_included_in_rows"] == 2
    rows = independent.read(document(run))["data"]["projects"]
    (text,) = [row["description"] for row in rows if row["id"] == texts[0]]
    assert text.startswith('<p>See <img src="data:,[redacted:file]"> and <a href="data:,[')


def test_a_safe_restore_keeps_texts_with_files_and_says_so(texts):
    file = stored(back_up(SAFE))
    before = rows_of_database()
    plan = plan_as(file)
    kept = {f.table: f.count for f in plan.findings if f.code == "restore.content_kept"}
    assert kept == {"studio_project": 1, "studio_activitylog": 1}
    secrets = {f.table for f in plan.findings if f.code == "restore.secret_kept"}
    assert not secrets & kept.keys() and "restore.content_missing" not in codes(plan)
    restore_as(file, confirmed=plan)
    assert changed_tables(before, rows_of_database()).keys() & kept.keys() == set()


def test_a_text_of_a_row_that_is_gone_comes_back_with_markers(texts):
    file = stored(back_up(SAFE))
    ActivityLog.objects.filter(pk=texts[1]).delete()
    plan = plan_as(file)
    missing = {f.table: f.count for f in plan.findings if f.code == "restore.content_missing"}
    assert missing == {"studio_activitylog": 1}
    restore_as(file, confirmed=plan)
    project, details = held(texts)
    assert project == HTML
    assert details["list"] == ["url(data:,[redacted:file]) x", "data: none"]


def test_a_secret_beside_a_file_is_told_as_both(texts):
    token = PasswordResetToken.objects.values_list("token", flat=True).first()
    Project.objects.filter(pk=texts[0]).update(description=f"{HTML} and {token}")
    plan = plan_as(stored(back_up(SAFE)))
    said = {(f.code, f.table): f.count for f in plan.findings}
    assert said["restore.content_kept", "studio_project"] == 1
    assert said["restore.secret_kept", "studio_project"] == 1


def test_a_complete_restore_gives_every_text_back_byte_by_byte(texts, pictures):
    file, rows = stored(back_up(COMPLETE)), rows_of_database()
    Project.objects.filter(pk=texts[0]).update(description="", cover_images=[])
    restore_as(file)
    assert changed_tables(rows, rows_of_database()) == {}


CELLS = [
    ("text", False, "data:x", "data:,"),
    ("text", False, "\n DaTa:x", "data:,"),
    ("text", False, "https://a.example/?data:x", None),
    ("text", False, "database:x", None),
    ("character varying(20)", False, "data:x", "data:,"),
    ("text[]", False, ["a", "data:x", None, "b"], ["a", "data:,", None, "b"]),
    ("text[]", False, ["a", None], None),
    ("text[]", False, [], None),
    ("jsonb", True, '"data:x"', '"data:,"'),
    (
        "jsonb",
        True,
        '{"data:key": "data:x\\"y", "b": [{"u": "data:"}]}',
        '{"b": [{"u": "data:,"}], "data:key": "data:,"}',
    ),
    (
        "json",
        True,
        '{"a" :  "data:x\\\\", "b":"c, \\"data:y"}',
        '{"a" :  "data:,", "b":"c, \\"data:y"}',
    ),
    ("json", True, '["x,", "data is: data:y"]', None),
    ("text", True, '[ "data:x","y"]', '[ "data:,","y"]'),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "is_document", "given", "expected"), CELLS)
def test_each_kind_of_cell(kind, is_document, given, expected):
    column = LiveColumn("c", kind, ("pg_catalog", "textout"), True, False, False, True)
    emptied = data_addresses.without_content(column, sql.Identifier("c"), is_document=is_document)
    found = data_addresses.is_emptied(column, sql.Identifier("n"), is_document=is_document)
    query = sql.SQL(
        "SELECT n::{k}, {found}, c FROM (SELECT {emptied} AS n, c FROM (SELECT %s::{k} AS c) a) b"
    )
    if kind.startswith("json"):
        query = sql.SQL(
            "SELECT n::text, {found}, c::text FROM (SELECT {emptied} AS n, c FROM (SELECT %s::{k} AS c) a) b"
        )
    with connection.cursor() as cursor:
        cursor.execute(query.format(k=sql.SQL(kind), found=found, emptied=emptied), [given])
        after, is_emptied, before = cursor.fetchone()
    assert after == (before if expected is None else expected)
    assert is_emptied == (expected is not None)
