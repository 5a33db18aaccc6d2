"""A session that ended leads to no error: whoever signs in again is back, and told what was not done."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

import backups.urls
import restore.urls
from backups import sites
from backups.models import AuditEvent, BackupRun, Recipient
from restore.models import Rehearsal, Upload
from tests.pages.conftest import PASSWORD

REPEAT = "has not been carried out"
# These are open to whoever has a cookie or a code of their own.
BY_COOKIE = {"restore_first_start", "restore_live", "restore_live_status", "restore_live_stop"}
NAMES = {
    pattern.name: list(pattern.pattern.converters)
    for pattern in [*backups.urls.urlpatterns, *restore.urls.urlpatterns]
    if pattern.name not in BY_COOKIE
}


@pytest.fixture
def numbers(owner, backup) -> dict[str, str]:
    """What stands in addresses, each of something that is here."""
    run = backup("complete")
    upload = Upload.objects.create(
        name="a",
        size_bytes=2,
        received_bytes=2,
        stored="upload-a",
        owner_email="owner@studio.example",
    )
    rehearsal = Rehearsal.objects.create(backup=run.pk)
    key = Recipient.objects.create(public_key="age1", name="safe")
    made = {"run_id": run.pk, "backup_id": run.pk, "upload_id": upload.pk}
    made |= {"key_id": key.pk, "work_id": run.pk}
    return made | {"rehearsal_id": rehearsal.pk, "form": "plain", "table": "x", "kind": "lost"}


def address(name: str, numbers: dict[str, str]) -> str:
    return reverse(f"admin:{name}", kwargs={part: numbers[part] for part in NAMES[name]})


def sign_in_again(browser: Client, login: str):
    """Fill in the page that one was led to, and follow to where it leads."""
    answer = browser.post(login, {"username": "owner@studio.example", "password": PASSWORD})
    assert answer.status_code == 302
    return browser.get(answer["Location"], follow=True)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_whoever_signs_in_again_is_on_a_page_whatever_was_asked_for(name, owner, numbers):
    Session.objects.all().delete()
    for method in (owner.get, owner.post):
        answer = method(address(name, numbers))
        assert (answer.status_code, answer["Location"].split("?")[0]) == (
            302,
            reverse("admin:login"),
        )
    page = sign_in_again(owner, answer["Location"])
    assert page.status_code == 200 or name in MAY_BE_GONE, (name, page.status_code)


# Of things that the numbers above name only half.
MAY_BE_GONE = {"restore_undo", "restore_report", "restore_rows"}


def test_what_was_sent_is_not_done_and_the_page_says_so_once(owner, backup):
    run = backup("complete")
    Session.objects.all().delete()
    answer = owner.post(reverse("admin:backups_pin", args=[run.pk]))
    login = owner.get(answer["Location"]).content.decode()
    assert "Your session had ended. Sign in" in login
    page = sign_in_again(owner, answer["Location"])
    assert page.redirect_chain[-1][0] == reverse("admin:backups_run", args=[run.pk])
    assert REPEAT in page.content.decode()
    assert not BackupRun.objects.get().pinned
    assert not AuditEvent.objects.filter(action="backup.pin").exists()
    assert REPEAT not in owner.get(page.redirect_chain[-1][0]).content.decode()


def test_a_form_with_a_page_of_its_own_says_so_too(owner, backup):
    run = backup("complete")
    Session.objects.all().delete()
    answer = owner.post(reverse("admin:backups_delete", args=[run.pk]), {"password": PASSWORD})
    page = sign_in_again(owner, answer["Location"]).content.decode()
    assert REPEAT in page and "Delete this backup?" in page
    assert BackupRun.objects.exists()


def test_who_only_looked_is_told_nothing(owner, backup):
    Session.objects.all().delete()
    answer = owner.get(reverse("admin:backups_run", args=[backup("safe").pk]))
    assert REPEAT not in sign_in_again(owner, answer["Location"]).content.decode()


@pytest.mark.parametrize(
    "headers",
    [{"HX-Request": "true"}, {"Sec-Fetch-Mode": "cors"}, {"Sec-Fetch-Mode": "same-origin"}],
)
def test_a_script_is_no_person_who_pressed_something(owner, backup, headers):
    run = backup("safe")
    Session.objects.all().delete()
    answer = owner.post(reverse("admin:backups_cancel", args=[run.pk]), headers=headers)
    assert sites.NOT_SENT not in answer.cookies


def test_it_leads_to_this_server_alone(owner, backup):
    Session.objects.all().delete()
    login = reverse("admin:login") + "?next=https://elsewhere.example/"
    answer = owner.post(login, {"username": "owner@studio.example", "password": PASSWORD})
    assert answer["Location"].startswith("/")
