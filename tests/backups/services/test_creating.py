"""Making a backup: what is in it, what it is called in the end, and what a failure leaves: nothing."""

import datetime
import errno
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from backups.artifact.writer import ArtifactWriter
from backups.database import locks, row_stream
from backups.database.connection import connected
from backups.database.snapshot import Snapshot
from backups.errors import ArtifactError, BusyError, StorageFailure
from backups.models import AuditEvent, BackupRun, Purpose, State
from backups.registry import COMPLETE, SAFE, Scope, registry
from backups.services import (
    auditing,
    composing,
    creating,
    installation,
    readiness,
    runs,
    vault,
    verifying,
)
from backups.services.verifying import verify
from backups.wording import _
from backupsvc.studio.models import Organization, User
from tests.backups.studio import PASSWORD, PICTURE, keep, picture, small_studio
from tests.roundtrip.engine import back_up, data_part, document, parsed, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders", "studio")]


@pytest.fixture
def studio(folders) -> None:
    small_studio()


def left_over() -> list[str]:
    return [path.name for path in vault.folder().iterdir()]


def failed(scope: Scope = SAFE, **how: Any) -> BackupRun:
    """A backup that does not come about; its run as the row has it."""
    run = creating.request(scope, auditing.COMMAND_LINE)
    with pytest.raises(Exception):  # noqa: B017 - each test says which, by the run's code
        creating.carry_out(run, **how)
    run.refresh_from_db()
    return run


def test_a_backup_ends_as_succeeded_with_its_file_verified():
    run = back_up(COMPLETE)
    run.refresh_from_db()
    assert (run.state, run.stage, run.error_code) == (State.SUCCEEDED, "done", "")
    assert left_over() == [run.artifact]
    assert run.stored_bytes == stored(run).stat().st_size
    assert run.plain_bytes == len(document(run))
    assert run.verified_at
    assert run.digest == parsed(run)["integrity"]["digest"]


def test_who_asked_for_it_stands_in_the_run_in_the_file_and_in_the_audit_trail():
    actor = auditing.Actor("Noa", "noa@studio.example", "127.0.0.1")
    run = creating.carry_out(creating.request(SAFE, actor))
    assert (run.requested_by_name, run.requested_by_email) == ("Noa", "noa@studio.example")
    assert parsed(run)["created_by"] == {"name": "Noa", "email": "noa@studio.example"}
    events = AuditEvent.objects.filter(action__startswith="backup.").order_by("id")
    assert [(event.action, event.outcome) for event in events] == [
        ("backup.safe", "requested"),
        ("backup.safe", "succeeded"),
    ]
    assert {(e.subject, e.person_email) for e in events} == {(run.pk, "noa@studio.example")}


def test_the_head_says_what_the_file_is():
    run = back_up(SAFE)
    head = parsed(run)
    assert (head["format"], head["type"]) == ("backupsvc/1", "safe")
    assert head["installation"] == installation.name()
    assert head["application"]["name"] == "backupsvc studio"
    assert head["schema"]["migrations"]["studio"].startswith("0")
    assert abs(datetime.datetime.fromisoformat(head["created_at"]) - timezone.now()) < (
        datetime.timedelta(minutes=5)
    )


@pytest.mark.parametrize("scope", [SAFE, COMPLETE])
def test_a_file_holds_exactly_the_sections_of_its_scope(scope: Scope):
    whole = parsed(back_up(scope))
    wanted = [s.key for s in registry.in_scope(scope)]
    assert [section["key"] for section in whole["sections"]] == wanted
    assert list(whole["data"]) == wanted


def test_a_safe_file_holds_no_redacted_column_and_no_password():
    run = back_up(SAFE)
    (noa,) = parsed(run)["data"]["users"]
    assert "password" not in noa
    assert noa["email"] == "noa@studio.example"
    assert PASSWORD.encode() not in document(run)
    (head,) = [s for s in parsed(run)["sections"] if s["key"] == "users"]
    assert head["redacted"] == ["password"]


def test_a_complete_file_holds_the_password():
    run = back_up(COMPLETE)
    assert parsed(run)["data"]["users"][0]["password"] == PASSWORD


def test_a_complete_file_holds_each_content_once_whatever_it_is_called():
    run = back_up(COMPLETE)
    (entry,) = parsed(run)["files"].values()
    assert entry["size_bytes"] == len(PICTURE)
    assert [locator["uses"][0]["keys"] for locator in entry["locators"]] == [
        ["by-address"],
        ["by-name"],
    ]
    assert run.statistics["files"] | {"locators": 2, "embedded": 1} == run.statistics["files"]


def test_a_safe_file_holds_no_content_and_says_how_many_local_files_it_leaves_out():
    picture("elsewhere", "https://files.example/a.png")
    run = back_up(SAFE)
    assert parsed(run)["files"] == {}
    assert run.state == State.SUCCEEDED
    files = run.statistics["files"]
    assert (files["not_included"], files["not_included_local"]) == (3, 2)


def test_a_file_that_cannot_be_fetched_makes_a_backup_incomplete():
    picture("lost", "studio/lost.png")
    run = back_up(COMPLETE)
    assert run.state == State.INCOMPLETE
    assert run.statistics["files"]["gaps"] == 1
    (gap,) = [f for f in parsed(run)["files"].values() if f["state"] == "gap"]
    assert (gap["reason"]["code"], gap["name"]) == ("file.missing", "lost.png")
    assert gap["locators"][0]["uses"] == [{"section": "assets", "column": "url", "keys": ["lost"]}]


def test_an_address_with_a_zero_byte_is_a_gap_and_no_end_of_all_backups():
    picture("odd", "/media/a%00b.png")
    run = back_up(COMPLETE)
    assert run.state == State.INCOMPLETE
    (gap,) = [f for f in parsed(run)["files"].values() if f["state"] == "gap"]
    assert (gap["reason"]["code"], gap["name"]) == ("file.bad_name", "a\ufffdb.png")


def test_a_file_over_the_limit_is_skipped_by_rule_and_the_backup_a_success(settings):
    settings.BACKUPS_FILE_LIMIT_BYTES = len(PICTURE)
    keep("studio/big.png", PICTURE + b"x")
    picture("big", "studio/big.png")
    run = back_up(COMPLETE)
    assert (run.state, run.statistics["files"]["skipped"]) == (State.SUCCEEDED, 1)
    skipped = [f for f in parsed(run)["files"].values() if f["state"] == "skipped"]
    assert [f["reason"]["code"] for f in skipped] == ["file.too_large"]
    run.refresh_from_db()
    assert run.files_skipped == 1


def test_a_link_is_a_page_and_no_file():
    picture("page", "https://inspiration.example/", kind="LINK")
    assert back_up(COMPLETE).statistics["files"]["locators"] == 2


def test_progress_is_complete_in_the_end():
    run = back_up(COMPLETE)
    run.refresh_from_db()
    assert run.sections_done == run.sections_total == len(registry.of_project)
    assert run.rows_done == readiness.rows_of(run).rows
    assert run.files_done == 1, "a picture that two names lead to is one file"


def test_a_listener_hears_of_every_stage():
    stages: list[str] = []

    def listen(values: dict[str, Any]) -> None:
        if not stages or stages[-1] != values["stage"]:
            stages.append(values["stage"])

    creating.carry_out(creating.request(COMPLETE, auditing.COMMAND_LINE), listener=listen)
    assert [stage for stage in stages if stage] == [
        *("turn", "checking", "rows", "locators", "fetching", "reading back"),
    ]


def test_equal_data_gives_equal_bytes():
    assert data_part(document(back_up(COMPLETE))) == data_part(document(back_up(COMPLETE)))


def test_a_backup_is_the_database_at_one_instant(monkeypatch: pytest.MonkeyPatch):
    begin = ArtifactWriter.begin_section

    def somebody_writes(writer: ArtifactWriter, key: str) -> None:
        if key in ("organizations", "users"):
            User.objects.filter(pk="noa").update(name="changed")
            Organization.objects.update(name="changed")
        begin(writer, key)

    monkeypatch.setattr(ArtifactWriter, "begin_section", somebody_writes)
    data = parsed(back_up(COMPLETE))["data"]
    assert (data["users"][0]["name"], data["organizations"][0]["name"]) == ("Noa", 'סטודיו "אור"')
    assert User.objects.get().name == "changed"


def test_a_safety_backup_holds_all_rows_and_no_content_and_is_kept():
    run = creating.request(COMPLETE, auditing.COMMAND_LINE, purpose=Purpose.SAFETY)
    creating.carry_out(run)
    assert parsed(run)["files"] == {}
    assert parsed(run)["data"]["users"][0]["password"] == PASSWORD
    assert run.is_kept
    assert run.keep_until
    assert run.keep_until > timezone.now() + datetime.timedelta(days=6)
    assert not back_up(COMPLETE).is_kept


def fail_with(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("step", ["start", "begin_section", "end_section", "begin_files", "file"])
def test_a_full_disk_leaves_nothing_that_looks_like_a_backup(
    step: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ArtifactWriter, step, fail_with(OSError(errno.ENOSPC, "full")))
    run = failed(COMPLETE)
    assert (run.state, run.error_code, run.artifact) == (State.FAILED, "storage.full", "")
    assert left_over() == []


def test_what_does_not_verify_is_not_kept(monkeypatch: pytest.MonkeyPatch):
    error = ArtifactError("artifact.damaged", _("Damaged."), hint=_("None."))
    monkeypatch.setattr(composing, "verify_stream", fail_with(error))
    run = failed()
    assert (run.state, run.error_code, run.artifact) == (State.FAILED, "artifact.damaged", "")
    assert left_over() == []


@pytest.mark.parametrize("looks", [True, False])
def test_rows_that_no_restore_could_read_are_not_a_success(
    looks: bool, monkeypatch: pytest.MonkeyPatch
):
    """Whatever made them so: every digest agrees. Without the look it would be one."""
    monkeypatch.setattr(row_stream, "_member", lambda name: f",'{name}':")
    if not looks:
        monkeypatch.setattr(verifying, "ROWS_LOOKED_AT", 0)
        assert stored(back_up(SAFE)).exists()
        return
    assert (failed().error_code, left_over()) == ("artifact.row", [])


def test_bytes_that_change_on_the_disk_are_noticed_before_the_backup_counts(
    monkeypatch: pytest.MonkeyPatch,
):
    keep_draft = vault.keep

    def after_a_bad_sector(
        draft: vault.Draft, verify: Callable[[Any], object], **named: str
    ) -> str:
        draft.stream.flush()
        draft.stream.seek(200)
        draft.stream.write(b"\xff\x00\xff")
        return keep_draft(draft, verify, **named)

    monkeypatch.setattr(vault, "keep", after_a_bad_sector)
    run = failed()
    assert (run.error_code, left_over()) == ("artifact.damaged", [])


def test_without_the_verification_a_damaged_file_would_be_a_success(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(composing, "verify_stream", lambda *_: None)
    test = test_bytes_that_change_on_the_disk_are_noticed_before_the_backup_counts
    with pytest.raises(pytest.fail.Exception):
        test(monkeypatch)


def test_cancelling_cuts_a_silent_statement_off_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, settings
):
    settings.BACKUPS_PROGRESS_SECONDS = 0.01

    def read_for_ever(view: Snapshot, *_: object) -> None:
        runs.cancel(BackupRun.objects.get())
        with view.connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(600)")

    monkeypatch.setattr(Snapshot, "stream_rows", read_for_ever)
    run = failed()
    assert (run.state, run.error_code, left_over()) == (State.CANCELLED, "run.cancelled", [])


def test_a_backup_waits_for_a_restore_and_gives_up_after_a_while(settings):
    settings.BACKUPS_LOCK_WAIT_SECONDS = 0.05
    with connected(purpose="test") as restoring:
        locks.hold_for_restoring(restoring, wait_seconds=1)
        run = failed()
    assert (run.state, run.error_code) == (State.FAILED, "lock.restoring")


def test_a_safety_backup_is_made_under_the_restore_s_own_lock(settings):
    settings.BACKUPS_LOCK_WAIT_SECONDS = 0.05
    with connected(purpose="test") as restoring:
        locks.hold_for_restoring(restoring, wait_seconds=1)
        run = creating.request(COMPLETE, auditing.COMMAND_LINE, purpose=Purpose.SAFETY)
        assert creating.carry_out(run, under_restore_lock=True).state == State.SUCCEEDED


def test_a_restore_cannot_begin_while_a_backup_reads(monkeypatch: pytest.MonkeyPatch):
    begun = []
    start = ArtifactWriter.start

    def meanwhile(writer: ArtifactWriter, manifest: Any) -> None:
        with connected(purpose="test") as restoring, pytest.raises(BusyError) as refused:
            locks.hold_for_restoring(restoring, wait_seconds=0.05)
        begun.append(refused.value.code)
        start(writer, manifest)

    monkeypatch.setattr(ArtifactWriter, "start", meanwhile)
    back_up(SAFE)
    assert begun == ["lock.busy"]


def test_an_account_that_row_security_hides_rows_from_makes_no_backup():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE studio_user ENABLE ROW LEVEL SECURITY")
        cursor.execute("ALTER TABLE studio_user FORCE ROW LEVEL SECURITY")
    try:
        run = failed()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE studio_user NO FORCE ROW LEVEL SECURITY")
            cursor.execute("ALTER TABLE studio_user DISABLE ROW LEVEL SECURITY")
    assert (run.error_code, left_over()) == ("database.permission", [])


def test_a_request_ends_the_runs_of_the_dead():
    dead = BackupRun.objects.create(scope="safe", state=State.RUNNING)
    creating.request(SAFE, auditing.COMMAND_LINE)
    dead.refresh_from_db()
    assert (dead.state, dead.error_code) == (State.FAILED, "worker.lost")


def test_the_estimate_counts_the_rows_of_the_scope():
    assert creating.estimate(SAFE)["studio_user"] == 1
    assert "studio_session" in creating.estimate(COMPLETE)
    assert "studio_session" not in creating.estimate(SAFE)


def test_a_backup_that_is_read_again_later_is_noted(monkeypatch: pytest.MonkeyPatch):
    run = back_up(SAFE)
    BackupRun.objects.update(verified_at=None)
    assert verify(run).integrity.digest == run.digest
    run.refresh_from_db()
    assert run.verified_at


def test_a_backup_whose_file_has_changed_or_gone_does_not_verify():
    run = back_up(SAFE)
    whole = stored(run).read_bytes()
    stored(run).write_bytes(whole[:300] + b"\x00" + whole[301:])
    with pytest.raises(ArtifactError):
        verify(run)
    stored(run).unlink()
    with pytest.raises(StorageFailure):
        verify(run)
