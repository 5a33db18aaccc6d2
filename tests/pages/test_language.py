"""Every page of the backups in a made-up language: what is not in brackets has escaped translation."""

import html
import re

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from backups import account_watch, jobs
from backups.artifact import age, age_keys
from backups.database import locks
from backups.database.connection import connected
from backups.errors import FetchError, StorageFailure, WorkerFailure
from backups.files.spool import _too_large
from backups.files.storage import _missing
from backups.findings import Finding, Severity
from backups.middleware import DatabaseAwayMiddleware
from backups.models import (
    AuditEvent,
    BackupRun,
    KeyRequest,
    Purpose,
    Recipient,
    State,
    error_values,
)
from backups.services import (
    audit_proof,
    auditing,
    coverage,
    keyring,
    recipients,
    recovery_kit,
    vault,
)
from backups.services.auditing import Actor
from backups.views import coverage as coverage_page
from backups.views.runs import order_of
from backups.wording import _
from restore.services.asking import first_start
from restore.trail import ACTIONS
from tests.docs.pages import ROOT
from tests.languages import changed_template, marked_language, names_of_tables, untranslated
from tests.pages.conftest import PAGES, PASSWORD, RULES, statistics

PEOPLE = {"owner@studio.example", "admin@studio.example", "designer@studio.example"}
FILE = "photo.jpg"


@pytest.fixture(autouse=True)
def spoken():
    with marked_language():
        yield


def left_over(answer, *names: str) -> list[str]:
    """What a page says that is neither translated nor data."""
    assert "⟦" in answer.content.decode()
    return untranslated(answer.content.decode(), {*PEOPLE, FILE}, names)


def gone_away(*_arguments: object, **_more: object) -> bool:
    raise WorkerFailure("worker.redis_away", _("Redis is away."), hint=_("Start Redis."))


def missing(error: FetchError, state: str) -> dict:
    """A file as a run lists it."""
    return {
        "state": state,
        "name": FILE,
        "reason": str(error.message),
        "words": error.message.as_plain(),
        "code": error.code,
        "used_by": ["users.avatar"],
        "rows": 2,
    }


def failed(state: str = State.FAILED, **fields) -> BackupRun:
    error = StorageFailure("storage.full", _("The disk is full."), hint=_("Free space."))
    now = timezone.now()
    times = {"started_at": now, "finished_at": now}
    return BackupRun.objects.create(
        scope="complete", state=state, **times, **error_values(error), **fields
    )


# The dashboard


@pytest.mark.parametrize("role", ["OWNER", "ADMIN"])
@pytest.mark.parametrize("made", [(), ("safe",), ("safe", "complete")])
def test_the_dashboard(sign_in, backup, role, made):
    for scope in made:
        backup(scope)
    assert left_over(sign_in(role).get(PAGES)) == []


def test_the_dashboard_of_old_incomplete_and_lost_backups(owner, backup):
    backup("complete", requested_at=timezone.now() - timezone.timedelta(days=90))
    newer = backup("complete", error_code="artifact.damaged")
    gaps = statistics(gaps=2, skipped=1)
    backup("complete", state=State.INCOMPLETE, statistics=gaps, requested_at=newer.requested_at)
    backup("safe", requested_at=timezone.now() - timezone.timedelta(hours=30))
    assert left_over(owner.get(PAGES)) == []


def test_the_dashboard_without_workers_and_without_the_queue(owner, monkeypatch):
    monkeypatch.setattr(jobs, "workers_listening", lambda: False)
    assert left_over(owner.get(PAGES)) == []
    monkeypatch.setattr(jobs, "workers_listening", gone_away)
    assert left_over(owner.get(PAGES)) == []


@pytest.mark.parametrize("saved", ["", "of another key", "of today's"])
def test_the_recovery_kit(owner, settings, tmp_path, saved):
    settings.BACKUPS_KEY_FILE = tmp_path / "key"
    if saved:
        recovery_kit.note_saved(Actor("Noa", "owner@studio.example"), how="file")
    if saved == "of another key":
        settings.BACKUPS_KEY_FILE = tmp_path / "new"
    assert left_over(owner.get(PAGES)) == []
    page = f"{PAGES}kit/"
    kit = recovery_kit.current()
    known = (*kit.lines, kit.installation, "Noa", "backupsvc", "studio")
    assert left_over(owner.get(page), *known) == []
    owner.post(page, {"password": PASSWORD})
    assert left_over(owner.get(page), *known) == []


# Keys


@pytest.mark.parametrize("obligatory", [False, True])
def test_the_keys(owner, settings, tmp_path, obligatory):
    settings.BACKUPS_KEY_FILE = tmp_path / "key"
    settings.BACKUPS_ENCRYPT_COMPLETE = obligatory
    private = age_keys.new_identity()
    public = private.recipient
    known = [public, age_keys.fingerprint(public), "Noa"]
    assert left_over(owner.get(f"{PAGES}keys/"), *known) == []
    begun = owner.post(f"{PAGES}keys/", {"public_key": public, "name": FILE})
    message = recipients.challenge(public).splitlines()
    assert left_over(begun, *known, *message, *lines_of(begun)) == []
    for given in ({"public_key": "x"}, {"public_key": private.told(), "name": FILE}, {}):
        assert left_over(owner.post(f"{PAGES}keys/", given), *known) == []
    key = Recipient.objects.create(public_key=public, name=FILE, added_by="Noa", proven=True)
    Recipient.objects.create(public_key="age1x", name=FILE, added_by="Noa")
    known = [*known, "age1x", age_keys.fingerprint("age1x")]
    assert left_over(owner.get(f"{PAGES}keys/"), *known) == []
    assert left_over(owner.get(f"{PAGES}keys/{key.pk}/remove/"), *known) == []
    assert left_over(owner.get(f"{PAGES}start/complete/"), *known) == []
    assert left_over(owner.get(PAGES)) == []
    owner.post(f"{PAGES}kit/", {"password": PASSWORD})
    keyring.safety_key()
    kit = recovery_kit.current()
    shown = (*kit.lines, kit.installation, "backupsvc", "studio", kit.identities[0].told())
    assert left_over(owner.get(f"{PAGES}kit/"), *known, *shown) == []


def lines_of(answer) -> list[str]:
    """The message on the page, which is another one each time."""
    page = answer.content.decode()
    start, end = page.index("-----BEGIN AGE"), page.index("-----END AGE")
    return html.unescape(page[start : end + 40]).split("<")[0].split()


@pytest.mark.parametrize("to_make", [False, True])
def test_giving_a_key(owner, to_make):
    worker = age_keys.new_identity().recipient
    KeyRequest.objects.create(run="x", public_key=worker, to_make=to_make, refused=True)
    for given in ({}, {"identity_text": worker}, {"passphrase": "short", "again": "short"}):
        answer = owner.post(f"{PAGES}give-key/x/", given)
        if answer.status_code == 200:
            assert left_over(answer) == []


@pytest.mark.parametrize("encryption", ["recipients", "passphrase", "installation"])
def test_an_encrypted_backup(owner, backup, encryption):
    to = [{"name": "safe", "fingerprint": "ab12 cd34"}] if encryption != "passphrase" else []
    run = backup("complete", encryption=encryption, encrypted_to=to, stored_sha256="ab" * 32)
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/"), "safe", "ab12 cd34") == []
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/try-key/"), "safe") == []
    path = vault.path_of(run.artifact)
    key = age_keys.new_identity()
    with path.open("wb") as out, age.Encrypting(out, [key.recipient]) as sealed:
        sealed.write(b"{}")
    for given in ({"identity_text": age_keys.new_identity().told()}, {"identity_text": "x"}):
        assert left_over(owner.post(f"{PAGES}runs/{run.pk}/try-key/", given), "safe") == []
    owner.post(f"{PAGES}runs/{run.pk}/download/", {"password": PASSWORD})
    page = owner.get(f"{PAGES}runs/{run.pk}/download/")
    assert left_over(page, ".json.zst.age") == []


# One run


@pytest.mark.parametrize("stage", order_of(BackupRun(scope="complete")))
def test_a_running_backup(owner, backup, stage):
    backup("complete")
    run = BackupRun.objects.create(
        scope="complete",
        state=State.RUNNING,
        started_at=timezone.now() - timezone.timedelta(seconds=90),
        stage=stage,
        section="users",
        rows_done=50,
        rows_total=100,
        sections_total=82,
        bytes_done=4000,
        cancel_requested=stage == "rows",
    )
    with connected(purpose="test") as alive:
        assert locks.hold_run(alive, run.pk)
        assert left_over(owner.get(f"{PAGES}runs/{run.pk}/")) == []
        assert left_over(owner.get(f"{PAGES}runs/{run.pk}/live/")) == []


@pytest.mark.parametrize("listening", [lambda: True, lambda: False, gone_away])
def test_a_waiting_backup(owner, monkeypatch, listening):
    monkeypatch.setattr(jobs, "workers_listening", listening)
    run = BackupRun.objects.create(scope="safe", requested_by_name="command line")
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/")) == []


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_backup_that_failed(owner, state):
    assert left_over(owner.get(f"{PAGES}runs/{failed(state).pk}/"), "storage.full") == []


def test_a_backup_that_was_cancelled_before_there_were_words(owner):
    run = BackupRun.objects.create(scope="safe", state=State.CANCELLED)
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/")) == []


@pytest.mark.parametrize("scope", ["safe", "complete"])
def test_a_finished_backup(owner, backup, scope):
    run = backup(scope, pinned=True)
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/")) == []


def test_a_safety_backup_that_is_kept(owner, backup):
    until = timezone.now() + timezone.timedelta(days=3)
    run = backup("complete", purpose=Purpose.SAFETY, keep_until=until, verified_at=None)
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/")) == []
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/delete/")) == []


def test_a_backup_with_gaps_and_skipped_files(owner, backup):
    found = statistics(gaps=1, skipped=1)
    found["not_embedded"] = [missing(_missing(), "gap"), missing(_too_large(5000), "skipped")]
    run = backup("complete", state=State.INCOMPLETE, statistics=found)
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/")) == []


@pytest.mark.parametrize("unasked", [7, None])
def test_rows_that_break_rules(owner, backup, unasked):
    found = statistics() | RULES | {"rules_unasked": unasked}
    names = [one[part] for one in RULES["rules_broken"] for part in ("table", "rule")]
    for scope in ("safe", "complete"):
        run = backup(scope, statistics=found)
        assert left_over(owner.get(f"{PAGES}runs/{run.pk}/"), *names) == []
        assert left_over(owner.get(PAGES)) == []


def test_a_damaged_and_a_lost_backup(owner, backup):
    damaged = backup("safe", **error_values(vault.unreadable()))
    assert left_over(owner.get(f"{PAGES}runs/{damaged.pk}/")) == []
    lost = backup("safe", artifact="gone.json.zst")
    assert left_over(owner.get(f"{PAGES}runs/{lost.pk}/")) == []


def test_a_backup_that_is_being_verified(owner, backup, monkeypatch):
    monkeypatch.setattr(jobs, "verification_is_pending", lambda run: True)
    run = backup("safe")
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/")) == []
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/verification/")) == []


# Deeds, and what is said of them


@pytest.mark.parametrize("deed", ["pin", "release", "verify"])
def test_what_is_said_of_keeping(owner, backup, deed):
    run = backup("safe")
    answer = owner.post(f"{PAGES}runs/{run.pk}/{deed}/", follow=True)
    assert left_over(answer) == []


def test_what_is_said_when_the_queue_is_away(owner, backup, monkeypatch):
    run = backup("safe")

    monkeypatch.setattr(jobs, "enqueue_verification", gone_away)
    answer = owner.post(f"{PAGES}runs/{run.pk}/verify/", follow=True)
    assert left_over(answer) == []


def test_deleting(owner, backup):
    run = backup("safe")
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/delete/")) == []
    assert left_over(owner.post(f"{PAGES}runs/{run.pk}/delete/", follow=True)) == []
    pinned = backup("safe", pinned=True)
    answer = owner.post(f"{PAGES}runs/{pinned.pk}/delete/", follow=True)
    assert left_over(answer) == []


def test_starting_a_complete_backup(owner, backup):
    assert left_over(owner.get(f"{PAGES}start/complete/")) == []
    backup("complete")
    for _attempt in range(6):
        answer = owner.post(f"{PAGES}start/complete/", {"password": "wrong"}, follow=True)
        assert left_over(answer) == []


def test_downloading_a_complete_backup(owner, backup):
    run = backup("complete")
    assert left_over(owner.get(f"{PAGES}runs/{run.pk}/download/")) == []
    answer = owner.post(f"{PAGES}runs/{run.pk}/download/", {"password": PASSWORD}, follow=True)
    assert left_over(answer) == []


# Lists


def test_the_history(owner, backup):
    assert left_over(owner.get(f"{PAGES}history/")) == []
    backup("safe")
    backup("complete", pinned=True)
    backup("safe", purpose=Purpose.SAFETY, **error_values(vault.unreadable()))
    failed()
    BackupRun.objects.create(scope="safe", requested_by_name="command line")
    assert left_over(owner.get(f"{PAGES}history/")) == []
    assert left_over(owner.get(f"{PAGES}history/?state=running")) == []


def test_a_history_of_many_pages(owner):
    for _number in range(30):
        BackupRun.objects.create(scope="safe")
    assert left_over(owner.get(f"{PAGES}history/?page=2")) == []


def test_the_audit_trail_of_every_deed_in_the_source(owner):
    actor = Actor("Ann Owner", "owner@studio.example", "127.0.0.1")
    for action in actions_of_the_source():
        auditing.audit(actor, action, "done", file=FILE, count=3, bytes=5)
    for outcome in outcomes_of_the_source():
        auditing.audit(actor, "plan", outcome)
    auditing.audit(Actor("sweep"), "files.superseded", "removed", form="plain")
    auditing.audit(auditing.COMMAND_LINE, "backup.verify", "artifact.damaged", reason="restore")
    pages = AuditEvent.objects.count() // 25 + 1
    values = ["Ann Owner", "127.0.0.1", "artifact.damaged", "plain", "restore"]
    for made in AuditEvent.objects.filter(action=account_watch.ACTION):  # the owner's own account
        values += map(str, made.details.values())
    for page in range(1, pages + 1):
        assert left_over(owner.get(f"{PAGES}audit/?page={page}"), *values) == []
    assert left_over(owner.get(f"{PAGES}audit/?person=nobody"), *values) == []


def actions_of_the_source() -> set[str]:
    """What stands as an action where something is written down or permitted."""
    kinds = "backup|restore|plan|upload|rehearsal|page|audit|outgoing|password|files|kit|keys?"
    asking = (
        rf'(?:audit|needs|require|run_or_refuse|note_refusal)\([^)]*?"((?:{kinds})(?:\.[a-z]+)?)"'
    )
    found = set()
    for app in ("backups", "restore"):
        for path in (ROOT / app).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            found |= set(re.findall(asking, source))
    # Named where they are written by what was chosen.
    chosen = ("all_accounts", "let_in", "partial_undo", "without_undo")
    found |= {f"restore.{choice}" for choice in chosen}
    found |= {first_start.ACTION, account_watch.ACTION, audit_proof.ACTION, "csrf"}
    assert len(found) > 20 and set(ACTIONS) - found <= {"files.superseded", "outgoing"}
    return found


def outcomes_of_the_source() -> set[str]:
    found = set()
    for app in ("backups", "restore"):
        for path in (ROOT / app).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            found |= set(re.findall(r'audit\([^")]*?"[a-z.]+",\s*"([a-z ]+)"', source))
            found |= set(re.findall(r'audit\([^")]*?ACTION,\s*"([a-z ]+)"', source))
    assert {"requested", "done", "refused", "served"} <= found
    return found | {"made", "changed", "hashed anew", "removed"}


# Coverage


def test_the_coverage_report(owner):
    assert left_over(owner.get(f"{PAGES}coverage/"), *names_of_tables()) == []


def test_a_coverage_report_with_findings(owner, monkeypatch):
    found = (
        Finding("backups.E101", Severity.ERROR, _("Nobody owns it."), _("Declare it."), "stray"),
        Finding("backups.W001", Severity.WARNING, _("Sounds bad."), _("Redact it."), "users"),
    )
    report = coverage.CoverageReport((), (), (), found)
    monkeypatch.setattr(coverage_page.coverage, "report", lambda: report)
    assert left_over(owner.get(f"{PAGES}coverage/")) == []


def test_a_coverage_report_that_the_database_refuses(owner, monkeypatch):
    def refuse() -> None:
        raise vault.unreadable()

    monkeypatch.setattr(coverage_page.coverage, "report", refuse)
    assert left_over(owner.get(f"{PAGES}coverage/")) == []


# Refusals


def test_a_refusal(sign_in):
    for path in ("audit/", "start/complete/"):
        answer = sign_in("ADMIN").get(PAGES + path)
        assert answer.status_code == 403
        assert left_over(answer) == []


def test_the_page_for_a_database_that_is_away():
    def nothing(request):
        raise AssertionError("it is asked only what to say of an exception")

    request = RequestFactory().get("/")
    answer = DatabaseAwayMiddleware(nothing).process_exception(request, OperationalError())
    assert left_over(answer) == []


def test_a_page_that_is_not_there(owner):
    answer = owner.get(f"{PAGES}runs/gone/")
    assert answer.status_code == 404
    assert left_over(answer) == []


def test_resetting_a_password_and_its_mail(account, client, mailoutbox):
    account("DESIGNER")
    assert left_over(client.get(reverse("admin_password_reset"))) == []
    form = {"email": "designer@studio.example"}
    assert left_over(client.post(reverse("admin_password_reset"), form, follow=True)) == []
    (mail,) = mailoutbox
    body = re.sub(r"https?://\S+/", "", mail.body)
    said = untranslated(f"{mail.subject} {body}", {"testserver", *PEOPLE})
    assert said == []


# The test itself


@pytest.mark.parametrize(
    ("before", "after", "escaped"),
    [
        (
            '{% translate "No backup was made yet." %}',
            "No backup was made yet.",
            "No backup was made",
        ),
        ("{% translate 'Filter the history' %}", "Filter the history", "Filter the history"),
        ('{% translate "Everybody" %}', '{% translate "Everybody" %} else', "else"),
    ],
)
def test_a_template_with_a_bare_word_is_noticed(owner, tmp_path, before, after, escaped):
    with changed_template("backups/history.html", before, after, tmp_path):
        found = left_over(owner.get(f"{PAGES}history/"))
    assert any(escaped in words for words in found)


def test_a_sentence_that_was_put_together_is_noticed(owner):
    run = failed()
    BackupRun.objects.filter(pk=run.pk).update(error_words={})
    assert "The disk is full." in left_over(owner.get(f"{PAGES}runs/{run.pk}/"))
