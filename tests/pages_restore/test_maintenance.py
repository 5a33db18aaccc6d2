"""Maintenance: who is turned away while a restore holds the data, how, and until when."""

import time

import pytest
from django.contrib.staticfiles.finders import find
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from backupsvc.studio.models import User
from restore import middleware
from restore.middleware import MaintenanceMiddleware
from restore.models import RestoreRun
from restore.services.asking import maintenance
from restore.services.asking.remembered import Remembered
from restore.views import tickets
from tests.pages_restore.conftest import browser_of
from tests.pages_restore.holding import (
    accounts_and_sessions_locked,
    data_held,
    data_held_by_a_process,
)
from tests.pages_restore.test_live import holder, ticket_of


@pytest.fixture(autouse=True)
def believe_nothing(monkeypatch):
    monkeypatch.setattr(middleware, "BELIEVED_SECONDS", 0)


def test_everybody_is_told_in_words_while_a_restore_holds_the_data(live_studio):
    index = reverse("admin:index")
    assert live_studio.get(index).status_code == 200
    with data_held(), accounts_and_sessions_locked():
        answer = live_studio.get(index)
        assert answer.status_code == 503
        assert answer["Retry-After"] == "15"
        assert "no-store" in answer["Cache-Control"]
        assert b"A backup is being restored" in answer.content
        assert Client().get(reverse("admin:login")).status_code == 503
        assert Client().get("/nothing/here/").status_code == 503
    assert live_studio.get(index).status_code == 200


def test_scripts_and_htmx_get_an_answer_that_fits(live_studio):
    with data_held():
        said = live_studio.get(
            reverse("admin:restore_import"), headers={"Accept": "application/json"}
        )
        assert (said.status_code, said.json()["error"]["code"]) == (503, "maintenance")
        part = live_studio.get(reverse("admin:index"), headers={"HX-Request": "true"})
        assert (part.status_code, part["HX-Refresh"], part.content) == (503, "true", b"")


def test_what_is_sent_is_turned_away_too_and_changes_nothing(live_studio):
    with data_held():
        answer = live_studio.post(reverse("admin:restore_begin"), {"name": "x", "size": 5})
        assert answer.status_code == 503


def test_the_live_page_static_files_and_a_health_check_go_on(live_studio, settings):
    settings.RESTORE_OPEN_PATHS = ("/open/",)
    run = RestoreRun.objects.create(source="x")
    assert find("admin/css/base.css")
    with data_held():
        for name in ("restore_live", "restore_live_status"):
            url = reverse(f"admin:{name}", args=[run.pk])
            assert holder(ticket_of(run)).get(url).status_code == 200
        assert Client().get("/static/admin/css/base.css").status_code == 200
        assert Client().get("/open/").status_code == 404


def test_it_ends_with_the_holders_life(live_studio):
    with data_held_by_a_process() as process:
        assert live_studio.get(reverse("admin:index")).status_code == 503
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while live_studio.get(reverse("admin:index")).status_code == 503:
            assert time.monotonic() < deadline
    assert live_studio.get(reverse("admin:index")).status_code == 200


def test_a_running_backup_turns_nobody_away(live_studio):
    from backups.database import locks
    from backups.database.connection import connected

    with connected(purpose="test") as held:
        locks.hold_for_reading(held, wait_seconds=1)
        assert live_studio.get(reverse("admin:index")).status_code == 200


def passing() -> MaintenanceMiddleware:
    return MaintenanceMiddleware(lambda request: HttpResponse("passed"))


def test_where_the_database_cannot_be_asked_the_request_goes_on(rf: RequestFactory, monkeypatch):
    def away() -> bool:
        raise OperationalError("away")

    monkeypatch.setattr(maintenance, "is_running", away)
    monkeypatch.setattr(connection, "close", lambda: None)
    assert passing()(rf.get("/")).status_code == 200


def test_an_answer_of_the_database_counts_for_less_than_a_second(rf: RequestFactory, monkeypatch):
    clock, looks = [100.0], []

    def look() -> bool:
        looks.append(clock[0])
        return False

    monkeypatch.setattr(middleware, "BELIEVED_SECONDS", 0.5)
    monkeypatch.setattr(middleware.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(maintenance, "is_running", look)
    monkeypatch.setattr(Remembered, "keep_up", lambda _: None)
    asked = passing()
    for clock[0] in (100.0, 100.4, 100.6):
        asked(rf.get("/"))
    assert looks == [100.0, 100.6]


def test_an_ordinary_request_costs_one_query_of_djangos(live_studio, django_assert_num_queries):
    """Beside the view's own: a look whether a restore has committed since, at most every half second."""
    run = RestoreRun.objects.create(source="x")
    browser = holder(ticket_of(run))
    url = reverse("admin:restore_live_status", args=[run.pk])
    browser.get(url)
    with django_assert_num_queries(2):
        browser.get(url)


def test_the_sign_in_is_shut_until_the_end_and_open_after_it(live_studio):
    login = reverse("admin:login")
    with data_held():
        assert Client().get(login).status_code == 503
    assert Client().get(login).status_code == 200
    assert tickets.COOKIE not in browser_of(User.objects.first()).cookies
