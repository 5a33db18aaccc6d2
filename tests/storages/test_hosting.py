"""Files of other servers: they stay there, unless the person who restores wants them kept here."""

import datetime
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from psycopg2.extras import Json

from backups.models import BackupRun
from backups.registry import Address
from backups.services import auditing
from restore import files
from restore.models import RestoreRun
from restore.plan import Choices
from restore.services.applying import applying, superseded
from restore.services.asking import requests, undoing
from restore.services.planning.counting import plan_file
from tests.backups.files.web import body, serving
from tests.roundtrip.engine import back_up, stored, writing
from tests.storages import kinds, misbehaving
from tests.storages.conftest import become
from tests.storages.kinds import Kind, on_a_shelf
from tests.storages.shelves import COLUMNS, content_of
from tests.zoo.rows import insert

PICTURE, PAGE = b"a picture", b"a page"
HOST = Choices(host_files=True)


ELSEWHERE = ["in memory", "Shelf", "Suffixing"]


@pytest.fixture(
    params=["local", *(pytest.param(name, marks=pytest.mark.battery) for name in ELSEWHERE)]
)
def here(request: pytest.FixtureRequest, settings: Any) -> Kind:
    """The storage that the files are to be kept in: with an address for its files, and without."""
    known = {kind.name: kind for kind in (*kinds.LOCAL, kinds.MEMORY)}
    kind = known.get(request.param) or on_a_shelf(getattr(misbehaving, request.param))
    become(settings, kind)
    return kind


@pytest.fixture
def addresses(surroundings: None, here: Kind, settings: Any) -> Iterator[list[str]]:
    """Three values in rows, two of them with the same content."""
    with serving() as web:
        settings.BACKUPS_FETCH_INTERNAL_HOSTS = [web.host]
        found = [
            web.on("/a.png?size=1", body(PICTURE)),
            web.on("/b.PNG", body(PICTURE)),
            web.on("/page", body(PAGE)),
        ]
        with writing() as cursor:
            insert(cursor, "zoo_album", COLUMNS, [
                ("x", 1, "", found[0], None, [found[1], found[0], None],
                 Json([{"url": found[2], "also": found[2]}]), None),
                ("x", 2, "LINK", found[0], None, [], None, None),
            ])  # fmt: skip
        yield found


def rows() -> list[Any]:
    with writing() as cursor:
        cursor.execute("SELECT cover, pages, attached FROM zoo_album ORDER BY number")
        return [(*row, json.loads(attached or "null")) for *row, attached in cursor.fetchall()]


def restore(path: Any, choices: Choices) -> RestoreRun:
    run = requests.request(path, auditing.COMMAND_LINE, choices)
    return applying.carry_out(run, path)


def test_they_stay_there_by_default(here: Kind, addresses: list[str]) -> None:
    before = rows()
    backup = stored(back_up())
    plan = plan_file(backup, Choices()).files
    report = restore(backup, Choices()).report["files"]
    assert (plan.hosted, plan.elsewhere, report["hosted"], report["elsewhere"]) == (0, 3, 0, 3)
    assert (rows(), here.files()) == (before, {})


def test_they_are_kept_here_where_that_is_chosen_and_rows_point_at_them(
    here: Kind, addresses: list[str]
) -> None:
    backup = stored(back_up())
    plan = plan_file(backup, HOST).files
    assert (plan.hosted, plan.elsewhere, here.files()) == (3, 0, {})
    assert plan.put_back_bytes == len(PICTURE) + len(PAGE)
    report = restore(backup, HOST).report["files"]
    assert (report["hosted"], report["elsewhere"], report["renamed"]) == (3, 0, 0)
    (first, second) = rows()
    cover, pages, attached = first
    led = [content_of(value, is_path=False) for value in (cover, *pages[:2], attached[0]["url"])]
    assert led == [PICTURE, PICTURE, PICTURE, PAGE]
    # A link is a page and no file, and neither is a member that nobody declared.
    assert (second[0], attached[0]["also"]) == (addresses[0], addresses[2])
    assert sorted(here.files().values()) == sorted([PICTURE, PAGE])
    if here.name in ("local", "in memory"):
        assert cover.startswith("/media/restored/") and cover.endswith(".png")


def test_an_undo_points_at_the_servers_again_and_the_copies_go_in_time(
    here: Kind, addresses: list[str]
) -> None:
    before = rows()
    run = restore(stored(back_up()), HOST)
    asked = undoing.request(run, auditing.COMMAND_LINE)
    back = applying.carry_out(asked, requests.stored_file(asked))
    assert rows() == before
    past = timezone.now() - datetime.timedelta(seconds=1)
    ours = [run.safety_backup, back.safety_backup]
    BackupRun.objects.filter(pk__in=ours).update(keep_until=past)
    undoing.prune_expired()
    assert superseded.sweep() == 2
    assert here.files() == {}


def test_the_next_backup_holds_them_without_the_servers(here: Kind, addresses: list[str]) -> None:
    restore(stored(back_up()), HOST)
    with writing() as cursor:
        cursor.execute("UPDATE zoo_album SET attached = NULL")
    files = back_up().statistics["files"]
    assert (files["embedded"], files["gaps"]) == (1, 0)


def test_the_commands_take_the_choice(surroundings: None, settings: Any) -> None:
    path = stored(back_up())
    said = StringIO()
    call_command("restore_plan", path, "--host-files", stdout=said)
    assert "0 of other servers are kept here" in said.getvalue()
    call_command("restore_apply", path, "--host-files", "--confirm=REPLACE ALL DATA", stdout=said)
    assert RestoreRun.objects.get().choices["host_files"] is True
    assert "0 of other servers kept here" in said.getvalue()


def test_they_go_into_the_storage_that_the_column_s_declaration_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from backups.artifact.tail import Locator

    locator = Locator("https://files.example/a.png", "", [])
    assert files._declared_storage(locator) == "default"
    monkeypatch.setattr(files, "_declared", lambda _: [Address("cover", storage="archive")])
    assert files._declared_storage(locator) == "archive"
