"""The live page: opened by its run's ticket alone, and never waiting for accounts or sessions."""

import pytest
from django.core import signing
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from backups.models import AuditEvent, BackupRun, State
from backupsvc.studio.models import User
from restore import jobs
from restore.models import RestoreRun
from restore.plan import Choices
from restore.services.asking import requests
from restore.views import tickets
from tests.pages_restore.conftest import bring, browser_of, planned
from tests.pages_restore.holding import accounts_and_sessions_locked, data_held

NAMES = ("restore_live", "restore_live_status")


def ticket_of(run: RestoreRun) -> str:
    response = HttpResponse()
    tickets.issue(response, run, secure=False)
    return response.cookies[tickets.COOKIE].value


def holder(value: str) -> Client:
    browser = Client()
    browser.cookies[tickets.COOKIE] = value
    return browser


def live(browser: Client, run: RestoreRun, name: str = "restore_live"):
    return browser.get(reverse(f"admin:{name}", args=[run.pk]))


@pytest.fixture
def run(db) -> RestoreRun:
    return RestoreRun.objects.create(
        source="backup.json", state=State.QUEUED, requested_by_email="owner@studio.example"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_ticket_opens_it(run, name):
    assert live(holder(ticket_of(run)), run, name).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_without_a_ticket_it_stays_shut_even_for_an_owner(run, owner, name):
    for browser in (Client(), owner):
        answer = live(browser, run, name)
        assert answer.status_code == 403
        assert b"backup.json" not in answer.content


def test_a_forged_ticket_does_not_open_it(run):
    value = ticket_of(run)
    wrong = [
        run.pk,
        value[:-1] + ("A" if value[-1] != "A" else "B"),
        signing.get_cookie_signer(salt="another").sign(run.pk),
        signing.TimestampSigner(key="another key", salt=tickets.COOKIE + tickets.SALT).sign(run.pk),
        "",
        ":::",
    ]
    for forged in wrong:
        assert live(holder(forged), run).status_code == 403, forged


def test_the_ticket_of_another_run_does_not_open_it(run):
    other = RestoreRun.objects.create(source="other")
    assert live(holder(ticket_of(other)), run).status_code == 403


def test_a_ticket_that_expired_does_not_open_it(run, monkeypatch):
    value = ticket_of(run)
    import time

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + tickets.LASTS_SECONDS + 1)
    assert live(holder(value), run).status_code == 403


def test_it_is_never_cached_and_names_no_path_of_the_server(run, settings):
    answer = live(holder(ticket_of(run)), run)
    assert "no-store" in answer["Cache-Control"]
    for folder in (settings.BASE_DIR, settings.BACKUPS_ROOT):
        assert str(folder).encode() not in answer.content


def test_it_neither_waits_for_accounts_nor_for_sessions(live_studio, settings):
    settings.ROOT_URLCONF = "tests.pages_restore.urls"
    run = RestoreRun.objects.create(source="backup.json", state=State.QUEUED)
    browser = browser_of(User.objects.get(role=User.Role.OWNER))
    browser.cookies[tickets.COOKIE] = ticket_of(run)
    with data_held(), accounts_and_sessions_locked():
        for name in NAMES:
            assert live(browser, run, name).status_code == 200
        run.state, run.error_code = State.FAILED, "x"
        run.save()
        assert live(browser, run).status_code == 200
        stopped = browser.post(reverse("admin:restore_live_stop", args=[run.pk]))
        assert stopped.status_code == 302


def test_a_page_that_asks_who_is_signed_in_does_wait(live_studio, settings):
    """The twin: with the same locks, an answer that needs the account does not come."""
    settings.ROOT_URLCONF = "tests.pages_restore.urls"
    browser = browser_of(User.objects.get(role=User.Role.OWNER))
    assert browser.get("/twin/").content == b"True"
    with accounts_and_sessions_locked():
        assert browser.get("/twin/").status_code == 503


def test_while_it_runs_it_shows_stages_and_counts(run):
    RestoreRun.objects.update(
        state=State.QUEUED, stage="loading", rows_done=1234, rows_total=5000, section="users"
    )
    page = live(holder(ticket_of(run)), run).content.decode()
    assert 'hx-trigger="every 1s"' in page and "1,234" in page and "5,000" in page
    assert 'aria-current="step"' in page and "Writing the rows" in page
    assert "Nobody is there to do the work" in page


def test_when_it_has_ended_the_page_is_loaded_once_more(run):
    RestoreRun.objects.update(state=State.FAILED)
    assert live(holder(ticket_of(run)), run, "restore_live_status")["HX-Refresh"] == "true"


def test_a_run_whose_worker_died_ends_at_the_next_look(live_studio):
    run = RestoreRun.objects.create(source="x", state=State.RUNNING)
    page = live(holder(ticket_of(run)), run).content.decode()
    assert "The restore failed. Nothing was changed." in page
    assert "died before the end" in page


def test_a_failure_says_that_nothing_was_changed_and_what_to_do(run):
    RestoreRun.objects.update(
        state=State.FAILED,
        stage="loading",
        error_code="storage.full",
        error_message="The disk that holds the backups is full.",
        error_hint="Free space on it.",
    )
    page = live(holder(ticket_of(run)), run).content.decode()
    for words in ("Nothing was changed.", "is full", "Free space on it.", "storage.full"):
        assert words in page
    assert "ended here; all of it was taken back" in page


def test_it_can_be_stopped_by_the_ticket_and_by_nothing_else(run):
    url = reverse("admin:restore_live_stop", args=[run.pk])
    assert Client().post(url).status_code == 403
    guarded = Client(enforce_csrf_checks=True)
    guarded.cookies[tickets.COOKIE] = ticket_of(run)
    assert guarded.post(url).status_code == 403
    run.refresh_from_db()
    assert not run.cancel_requested
    holder(ticket_of(run)).post(url)
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    assert AuditEvent.objects.filter(outcome="cancel requested").exists()


def test_the_report_stays_for_owners_and_on_the_live_page(live_studio, files):
    upload = bring(live_studio, files.complete)
    run = requests.request_uploaded(
        upload, planned(upload), requests.Actor("Owner", "owner@studio.example")
    )
    jobs.carry_out_restore(run.pk)
    run.refresh_from_db()
    page = live(holder(ticket_of(run)), run).content.decode()
    safety = BackupRun.objects.get()
    for words in ("The restore succeeded", safety.pk, "Sign in again", "Sign-ins ended", "Clients"):
        assert words in page, words
    assert f"next={reverse('admin:restore_report', args=[run.pk])}" in page
    again = browser_of(User.objects.get(role=User.Role.OWNER))
    report = again.get(reverse("admin:restore_report", args=[run.pk])).content.decode()
    assert "The restore succeeded" in report and safety.pk in report
    assert run.source in again.get(reverse("admin:restore_restorerun_changelist")).content.decode()


def test_choices_are_kept_with_the_run(live_studio, files):
    upload = bring(live_studio, files.complete)
    run = requests.request_uploaded(upload, planned(upload), requests.Actor())
    assert Choices.of(run.choices).acting == "owner@studio.example"
