"""Starting a backup, and what is said where it cannot be carried out."""

import pytest
from django.db import OperationalError
from redis import Redis
from rq import Queue

from backups.jobs import queue
from backups.models import AuditEvent, BackupRun, State
from backups.services import readiness
from tests.pages.conftest import PAGES, PASSWORD, statistics


def test_a_safe_backup_takes_one_click(admin):
    response = admin.post(PAGES + "start/safe/")

    run = BackupRun.objects.get()
    assert response["Location"] == f"{PAGES}runs/{run.pk}/"
    assert (run.scope, run.state) == ("safe", State.QUEUED)
    assert run.requested_by_email == "admin@studio.example"


def test_credentials_are_masked_where_somebody_ticks_it(admin, backup):
    secrets = {"hunted": 1, "not_hunted": 0, "forms": "all", "cells": 0, "found": {}, "left": {}}
    secrets |= {"credentials": {"jwt": 3}, "credentials_masked": False}
    run = backup(statistics=statistics() | {"secrets": secrets})
    assert "in the last one: jwt: 3" in admin.get(PAGES).content.decode()
    assert "without these credentials" in admin.get(f"{PAGES}runs/{run.pk}/").content.decode()
    for ticked in ({}, {"mask_credentials": "on"}):
        admin.post(PAGES + "start/safe/", ticked)
        made = BackupRun.objects.get(state=State.QUEUED)
        assert made.mask_credentials is bool(ticked)
        made.delete()


def test_a_complete_backup_takes_the_password(owner):
    response = owner.post(PAGES + "start/complete/", {"password": "wrong"}, follow=True)

    assert "This is not your password" in response.content.decode()
    assert not BackupRun.objects.exists()

    owner.post(PAGES + "start/complete/", {"password": PASSWORD})

    assert BackupRun.objects.get().scope == "complete"


def test_a_second_click_leads_to_the_backup_that_is_being_made(admin):
    first = admin.post(PAGES + "start/safe/")
    assert admin.post(PAGES + "start/safe/")["Location"] == first["Location"]


def test_five_wrong_passwords_shut_the_right_one_out(owner):
    for _ in range(5):
        owner.post(PAGES + "start/complete/", {"password": "wrong"})

    response = owner.post(PAGES + "start/complete/", {"password": PASSWORD}, follow=True)

    assert "wait 15 minutes" in response.content.decode()
    assert not BackupRun.objects.exists()
    outcomes = AuditEvent.objects.filter(action="password.again").values_list("outcome", flat=True)
    assert sorted(outcomes) == ["limited", *["wrong"] * 5]


def test_the_right_password_begins_the_count_anew(owner):
    for password in ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4:
        owner.post(PAGES + "start/complete/", {"password": password})

    response = owner.post(PAGES + "start/complete/", {"password": "wrong"}, follow=True)

    assert "This is not your password" in response.content.decode()


def test_without_a_worker_the_pages_say_how_to_start_one(owner):
    run = BackupRun.objects.create(scope="safe")

    for path in ("", f"runs/{run.pk}/"):
        page = owner.get(PAGES + path).content.decode()
        assert "Nobody is there to do the work" in page
        assert "manage.py backup_worker" in page


@pytest.fixture
def redis_away(monkeypatch):
    away = Queue("backups", connection=Redis(port=1))
    monkeypatch.setattr(queue, "ours", lambda: away)


def test_without_redis_the_pages_say_so(owner, redis_away):
    assert "Redis" in owner.get(PAGES).content.decode()

    response = owner.post(PAGES + "start/safe/", follow=True)

    run = BackupRun.objects.get()
    assert (run.state, run.error_code) == (State.FAILED, "worker.redis_away")
    page = response.content.decode()
    assert run.error_message in page
    assert run.error_hint in page


def test_without_the_database_there_is_a_page_that_says_what_to_do(owner, monkeypatch):
    def away():
        raise OperationalError("secret detail")

    monkeypatch.setattr(readiness, "today", away)

    response = owner.get(PAGES)

    assert response.status_code == 503
    page = response.content.decode()
    assert "The database cannot be reached" in page
    assert "secret detail" not in page


def test_a_backup_whose_worker_died_does_not_keep_the_next_from_beginning(admin):
    dead = BackupRun.objects.create(scope="safe", state=State.RUNNING)

    response = admin.post(PAGES + "start/safe/")

    assert dead.pk not in response["Location"]
    dead.refresh_from_db()
    assert dead.state == State.FAILED
