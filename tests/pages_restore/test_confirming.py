"""The last question: the phrase, the password, the plan that was seen; and the ticket to the live page."""

import pytest
from django.test import Client
from django.urls import reverse

from backups.models import AuditEvent, State
from backupsvc.studio.models import Client as Customer
from backupsvc.studio.models import User
from restore import jobs
from restore.models import RestoreRun, Upload
from restore.services.asking.requests import PHRASE
from restore.views import tickets
from tests.pages_restore.conftest import PASSWORD, bring, planned


@pytest.fixture
def upload(live_studio, files) -> Upload:
    made = bring(live_studio, files.complete)
    planned(made)
    return made


def confirm(browser: Client, upload: Upload, **changes):
    url = reverse("admin:restore_confirm", args=[upload.pk])
    plan = browser.get(url).context["form"].initial["plan"]
    given = {"plan": plan, "phrase": PHRASE, "password": PASSWORD} | changes
    return browser.post(url, given)


def test_the_page_warns_in_the_users_own_words(live_studio, upload):
    page = live_studio.get(reverse("admin:restore_confirm", args=[upload.pk])).content.decode()
    for words in ("DESTRUCTIVE", "replaces ALL data", "Only OWNER can restore", "safety backup"):
        assert words in page, words
    assert PHRASE in page and "Rows lost" in page


def test_a_safe_file_is_not_said_to_replace_everything(live_studio, files):
    safe = bring(live_studio, files.safe)
    planned(safe)
    page = live_studio.get(reverse("admin:restore_confirm", args=[safe.pk])).content.decode()
    assert "replaces the data of the Safe tables" in page and "replaces ALL data" not in page


@pytest.mark.parametrize(
    "changes",
    [
        {"phrase": ""},
        {"phrase": PHRASE.lower()},
        {"phrase": PHRASE + "!"},
        {"password": ""},
        {"password": "wrong"},
    ],
    ids=["no phrase", "lower case", "more", "no password", "wrong password"],
)
def test_a_wrong_phrase_or_password_starts_nothing(live_studio, upload, changes):
    answer = confirm(live_studio, upload, **changes)
    assert answer["Location"] == reverse("admin:restore_confirm", args=[upload.pk])
    page = live_studio.get(answer["Location"]).content.decode()
    assert 'class="error"' in page and PHRASE in page and 'value="wrong"' not in page
    assert not RestoreRun.objects.exists()
    assert tickets.COOKIE not in answer.cookies


def test_after_five_wrong_passwords_the_right_one_is_not_taken_either(live_studio, upload):
    for _ in range(5):
        confirm(live_studio, upload, password="wrong")
    answer = live_studio.get(confirm(live_studio, upload)["Location"])
    assert "5 wrong passwords" in answer.content.decode()
    assert not RestoreRun.objects.exists()


def test_a_plan_that_is_not_the_one_on_the_page_starts_nothing(live_studio, upload):
    answer = confirm(live_studio, upload, plan="0" * 32)
    assert answer["Location"] == reverse("admin:restore_plan", args=[upload.pk])
    assert not RestoreRun.objects.exists()


def test_the_confirmation_needs_the_csrf_token(live_studio, upload):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.get(role=User.Role.OWNER))
    answer = browser.post(reverse("admin:restore_confirm", args=[upload.pk]), {"phrase": PHRASE})
    assert answer.status_code == 403


def test_what_was_confirmed_is_what_was_seen_and_the_file_is_not_copied(live_studio, upload):
    confirm(live_studio, upload)
    run = RestoreRun.objects.get()
    assert run.plan["file"]["type"] == "complete" and run.plan["can_be_applied"]
    assert run.choices["acting"] == "owner@studio.example"
    assert (run.upload, run.artifact, run.source) == (upload.pk, "", upload.name)
    assert AuditEvent.objects.filter(action="restore", outcome="requested").exists()


def test_confirming_twice_asks_for_one_restore(live_studio, upload):
    confirm(live_studio, upload)
    confirm(live_studio, upload)
    assert RestoreRun.objects.count() == 1


def test_the_ticket_is_for_this_run_and_cannot_be_read_by_scripts(live_studio, upload):
    answer = confirm(live_studio, upload)
    run = RestoreRun.objects.get()
    live = reverse("admin:restore_live", args=[run.pk])
    assert answer["Location"] == live
    cookie = answer.cookies[tickets.COOKIE]
    assert cookie["httponly"] and cookie["samesite"] == "Strict"
    assert cookie["path"] == live and cookie["max-age"] == tickets.LASTS_SECONDS
    assert (
        Client(headers={"Cookie": f"{tickets.COOKIE}={cookie.value}"}).get(live).status_code == 200
    )


def test_a_restore_from_the_page_brings_back_what_the_file_holds(live_studio, upload):
    confirm(live_studio, upload)
    run = RestoreRun.objects.get()
    jobs.carry_out_restore(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.SUCCEEDED, "")
    assert set(Customer.objects.values_list("pk", flat=True)) == {"first", "second"}
    assert not Upload.objects.exists(), "what was restored need not be kept"


def test_losses_that_changed_since_lead_to_a_new_plan_without_another_upload(live_studio, upload):
    confirm(live_studio, upload)
    organization = User.objects.get(role=User.Role.OWNER).org
    Customer.objects.create(id="late", name="late", email="late@client.example", org=organization)
    run = RestoreRun.objects.get()
    with pytest.raises(Exception, match="changed since"):
        jobs.carry_out_restore(run.pk)
    run.refresh_from_db()
    assert run.error_code == "restore.plan_changed"
    assert Upload.objects.filter(pk=upload.pk).exists()
    ticket = Client()
    ticket.cookies[tickets.COOKIE] = live_ticket(run)
    page = ticket.get(reverse("admin:restore_live", args=[run.pk])).content.decode()
    assert "Make and look at a new plan" in page
    assert reverse("admin:restore_plan", args=[upload.pk]) in page


def live_ticket(run: RestoreRun) -> str:
    from django.http import HttpResponse

    response = HttpResponse()
    tickets.issue(response, run, secure=False)
    return response.cookies[tickets.COOKIE].value
