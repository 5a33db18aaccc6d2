"""Test restores, undoing a restore, and letting mail and jobs leave again, by their pages."""

import re
from collections.abc import Iterator

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backups.models import AuditEvent, BackupRun, Purpose, State
from backups.services import vault
from backupsvc.studio.models import User
from restore.models import OutgoingHold, Rehearsal, RestoreRun
from restore.services.asking import outgoing
from restore.services.asking.requests import PHRASE
from restore.views import tickets
from tests.pages_restore.conftest import PASSWORD, browser_of, make_account

RIGHT = {"phrase": PHRASE, "password": PASSWORD}


def address(name: str, *arguments: str) -> str:
    return reverse(f"admin:restore_{name}", args=arguments)


def text(answer) -> str:
    return answer.content.decode()


def guarded() -> Client:
    """The owner's browser, and every form from another site."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.get(role=User.Role.OWNER))
    return browser


@pytest.fixture
def backup(db) -> BackupRun:
    (vault.folder() / "stored.json.zst").write_bytes(b"x")
    return BackupRun.objects.create(
        scope="complete",
        state=State.SUCCEEDED,
        artifact="stored.json.zst",
        statistics={
            "sections": {"users": {"rows": 12_345, "bytes": 9}},
            "files": {},
            "not_embedded": [],
        },
        verified_at=timezone.now(),
        finished_at=timezone.now(),
    )


# Test restores


def test_a_test_restore_is_asked_for_on_the_backups_page(owner, backup):
    page = text(owner.get(reverse("admin:backups_run", args=[backup.pk])))
    assert "Not tried out yet" in page and address("rehearse", backup.pk) in page
    answer = owner.post(address("rehearse", backup.pk))
    run = Rehearsal.objects.get()
    assert answer["Location"] == address("rehearsal", run.pk)
    assert (run.backup, run.requested_by_email) == (backup.pk, "owner@studio.example")
    assert AuditEvent.objects.filter(action="rehearsal", outcome="requested").exists()


def test_a_test_restore_of_a_backup_whose_file_is_gone_is_refused_with_words(owner, backup):
    vault.delete(backup.artifact)
    page = text(owner.post(address("rehearse", backup.pk), follow=True))
    assert "is not in the folder of the backups" in page and "Code: storage.missing" in page
    assert not Rehearsal.objects.exists()


def test_a_test_restore_needs_a_form_of_this_site(owner, backup):
    run = Rehearsal.objects.create(backup=backup.pk)
    for url in (address("rehearse", backup.pk), address("rehearsal_cancel", run.pk)):
        assert guarded().post(url).status_code == 403
    assert not Rehearsal.objects.get().cancel_requested


def test_a_test_restore_can_be_stopped(owner, backup):
    run = Rehearsal.objects.create(backup=backup.pk)
    owner.post(address("rehearsal_cancel", run.pk))
    assert Rehearsal.objects.get().state == State.CANCELLED
    assert "The test restore was stopped." in text(owner.get(address("rehearsal", run.pk)))


def test_the_proof_stands_on_its_page_on_the_backups_and_on_the_dashboard(owner, backup):
    read_back = {"longGone": 7, "users": 5, "tags": 6, "rooms": 9_858}
    report = {"rows": 9_876, "sections": read_back, "files": {"kept": 3}, "seconds": 1.5}
    run = Rehearsal.objects.create(
        backup=backup.pk, state=State.SUCCEEDED, finished_at=timezone.now(), report=report
    )
    assert owner.get(address("rehearsal_status", run.pk))["HX-Refresh"] == "true"
    proof = text(owner.get(address("rehearsal", run.pk)))
    assert "Proven: this backup can be restored." in proof and "9,876" in proof
    parts = ("Core Data", "Users", "5", "Tags", "6", "earlier versions", "longGone", "7")
    places = [proof.index(part, proof.index("Table by table")) for part in parts]
    assert places == sorted(places)
    assert "9,876" in text(owner.get(reverse("admin:backups_run", args=[backup.pk])))
    dashboard = text(owner.get(reverse("admin:backups_backuprun_changelist")))
    assert "Its restore was tried out" in dashboard


def test_what_was_not_tried_stands_on_the_page_of_the_proof(owner, backup):
    words = {"message": "The event trigger was not tried.", "hint": "Nothing, unless it matters."}
    finding = {"code": "rehearsal.left_out", "severity": "warning", **words}
    report = {"rows": 1, "sections": {}, "files": {"kept": 0}, "seconds": 1.5}
    run = Rehearsal.objects.create(
        backup=backup.pk,
        state=State.SUCCEEDED,
        finished_at=timezone.now(),
        report=report | {"findings": [finding]},
    )
    page = text(owner.get(address("rehearsal", run.pk)))
    assert all(said in page for said in words.values())


def test_a_failed_test_restore_says_why_on_both_pages(owner, backup):
    run = Rehearsal.objects.create(
        backup=backup.pk,
        state=State.FAILED,
        error_code="artifact.damaged",
        error_message="The file is damaged.",
        error_hint="Use another copy.",
    )
    for url in (address("rehearsal", run.pk), reverse("admin:backups_run", args=[backup.pk])):
        assert "The file is damaged." in text(owner.get(url))


def test_an_admin_sees_the_proof_of_a_safe_backup_and_no_button(db, backup):
    BackupRun.objects.update(scope="safe")
    admin = browser_of(make_account(User.Role.ADMIN))
    page = text(admin.get(reverse("admin:backups_run", args=[backup.pk])))
    assert "Not tried out yet" in page and address("rehearse", backup.pk) not in page


# Undoing a restore


@pytest.fixture
def restored(backup) -> RestoreRun:
    BackupRun.objects.update(purpose=Purpose.SAFETY)
    return RestoreRun.objects.create(
        source="july.json.zst",
        state=State.SUCCEEDED,
        finished_at=timezone.now(),
        safety_backup=backup.pk,
    )


def test_the_undo_page_warns_and_names_the_safety_backup(owner, restored):
    page = text(owner.get(address("undo", restored.pk)))
    for words in ("DESTRUCTIVE", "july.json.zst", "12,345", restored.safety_backup, PHRASE):
        assert words in page, words
    assert address("undo", restored.pk) in text(owner.get(address("report", restored.pk)))


@pytest.mark.parametrize(
    "wrong", [{"phrase": PHRASE.lower()}, {"phrase": ""}, {"password": "x"}, {"password": ""}]
)
def test_a_wrong_phrase_or_password_undoes_nothing(owner, restored, wrong):
    answer = owner.post(address("undo", restored.pk), RIGHT | wrong)
    assert answer["Location"] == address("undo", restored.pk)
    page = text(owner.get(answer["Location"]))
    assert 'class="error"' in page and "DESTRUCTIVE" in page
    assert RestoreRun.objects.count() == 1
    assert tickets.COOKIE not in answer.cookies
    assert AuditEvent.objects.filter(action="restore.undo", outcome="refused").exists()


def test_an_undo_needs_a_form_of_this_site(owner, restored):
    assert guarded().post(address("undo", restored.pk), RIGHT).status_code == 403
    assert RestoreRun.objects.count() == 1


def test_the_right_words_begin_the_undo_and_open_its_live_page(owner, restored):
    answer = owner.post(address("undo", restored.pk), RIGHT)
    begun = RestoreRun.objects.exclude(pk=restored.pk).get()
    assert (begun.undo_of, begun.backup) == (restored.pk, restored.safety_backup)
    assert answer["Location"] == address("live", begun.pk)
    assert (
        Client(headers={"cookie": f"{tickets.COOKIE}={answer.cookies[tickets.COOKIE].value}"})
        .get(address("live", begun.pk))
        .status_code
        == 200
    )


def test_without_its_safety_backup_a_restore_cannot_be_undone(owner, restored):
    vault.delete("stored.json.zst")
    answer = owner.post(address("undo", restored.pk), RIGHT)
    assert "cannot be undone" in text(answer) and PHRASE not in text(answer)
    assert RestoreRun.objects.count() == 1
    assert address("undo", restored.pk) not in text(owner.get(address("report", restored.pk)))


# Mail and jobs that are held


@pytest.fixture
def held(owner, settings) -> Iterator[OutgoingHold]:
    settings.EMAIL_BACKEND = "restore.mail.HoldingEmailBackend"
    settings.BACKUPS_EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    hold = OutgoingHold.objects.create(restore_run="x")
    mail.send_mail("held", "the body", None, ["client@studio.example"])
    yield hold
    outgoing.discard_messages()


def release(browser: Client, **given):
    return browser.post(address("release"), {"mail": "send", "password": PASSWORD} | given)


def test_while_mail_is_held_every_page_says_so_to_owners_alone(owner, held):
    dashboard = reverse("admin:backups_backuprun_changelist")
    assert "Mail and jobs are held." in text(owner.get(dashboard))
    admin = browser_of(make_account(User.Role.ADMIN))
    assert "Mail and jobs are held." not in text(admin.get(dashboard))


@pytest.mark.parametrize("wrong", [{"password": "x"}, {"mail": ""}, {"mail": "burn"}])
def test_a_wrong_password_or_choice_releases_nothing(owner, held, wrong):
    answer = release(owner, **wrong)
    assert answer["Location"].startswith(address("release"))
    page = text(owner.get(answer["Location"]))
    assert 'class="error"' in page
    # What was chosen is chosen still: nobody throws mail away by typing a password once more.
    assert re.search(r'value="send"[^>]* checked', page) or wrong.get("mail", "send") != "send"
    assert outgoing.is_held() and outgoing.held_messages() == 1


def test_releasing_needs_a_form_of_this_site(owner, held):
    assert release(guarded()).status_code == 403
    assert outgoing.is_held()


def test_what_was_held_is_sent(owner, held):
    page = text(owner.post(address("release"), {"mail": "send", "password": PASSWORD}, follow=True))
    assert "1 message was sent." in page
    assert [message.subject for message in mail.outbox] == ["held"]
    assert not outgoing.is_held() and not outgoing.held_messages()
    assert AuditEvent.objects.filter(action="outgoing", outcome="released").exists()


def test_what_was_held_is_thrown_away(owner, held):
    release(owner, mail="discard")
    assert not mail.outbox and not outgoing.is_held() and not outgoing.held_messages()
    assert "Nothing is held" in text(owner.get(address("release")))


def test_what_the_mail_server_does_not_take_stays_and_can_be_tried_again(owner, held, monkeypatch):
    def refuse(messages):
        raise ConnectionRefusedError

    monkeypatch.setattr("restore.views.ways_back.really_send", refuse)
    assert "did not take all" in text(owner.get(release(owner)["Location"]))
    assert outgoing.held_messages() == 1
    monkeypatch.undo()
    release(owner)
    assert len(mail.outbox) == 1 and not outgoing.held_messages()


def test_one_message_keeps_no_other_and_the_page_counts_what_stays(owner, held, monkeypatch):
    mail.send_mail("refused", "the body", None, ["client@studio.example"])
    (vault.folder() / "held-mail" / "half.json").write_text('{"half')

    def refuse_one(messages):
        if messages[0].subject == "refused":
            raise ConnectionRefusedError
        return 1

    monkeypatch.setattr("restore.views.ways_back.really_send", refuse_one)
    page = " ".join(text(owner.get(release(owner)["Location"])).split())
    assert "did not take all that was stored: 1 message stays" in page
    assert "1 message was sent." in page and "1 stored message cannot be read" in page
    assert "1 more cannot be read and lies aside" in page
    assert (outgoing.held_messages(), outgoing.unreadable_messages()) == (1, 1)
