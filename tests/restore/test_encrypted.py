"""Restores of encrypted backups: by whoever has the key, of which nothing stays on the server; the undo needs
none; and a key that somebody gives to a worker is read by that worker alone."""

import io
import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django_rq
import pytest
from django.db import connection

from backups import jobs as backup_jobs
from backups.artifact import age, age_beginnings, age_keys, passphrase
from backups.artifact.passphrase import Passphrase
from backups.errors import BackupSystemError
from backups.models import BackupRun, Encryption, KeyRequest, Recipient, State
from backups.registry import COMPLETE
from backups.services import (
    auditing,
    creating,
    key_requests,
    keyring,
    recipients,
    recovery_kit,
    vault,
)
from backupsvc.studio.models import Organization
from restore import jobs
from restore.models import PlanRun
from restore.plan import Choices
from restore.services.applying import ahead, applying, rehearsing
from restore.services.asking import kept_rows, requests, undoing, uploads
from restore.services.planning import plan_runs
from tests.backups.studio import small_studio
from tests.restore.test_commands import ended
from tests.roundtrip.engine import stored

pytestmark = pytest.mark.django_db(transaction=True)
MINE, OTHER = age_keys.new_identity(), age_keys.new_identity()
PHRASE = "--confirm=REPLACE ALL DATA"


@pytest.fixture(autouse=True)
def studio(empty_studio, tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"BACKUPS_ROOT": "backups", "MEDIA_ROOT": "media", "BACKUPS_KEY_FILE": "key"}
    for name, path in names.items():
        setattr(settings, name, tmp_path / path)
        monkeypatch.setenv(name, str(tmp_path / path))
    small_studio()
    recipients.add(MINE.recipient, "safe", auditing.COMMAND_LINE, proven=True)


@pytest.fixture
def backup() -> BackupRun:
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    creating.carry_out(run)
    Organization.objects.update(name="changed since")
    return run


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key.txt"
    path.write_text(f"# public key: {MINE.recipient}\n{MINE.told()}\n")
    return path


def name_of_studio() -> str:
    return Organization.objects.get().name


# By command


def test_the_commands_take_the_key_from_a_file(backup, key_file, tmp_path):
    number, key = backup.pk, f"--identity={key_file}"
    for command in ("backup_inspect", "restore_plan"):
        status, _said, warned = ended(command, number)
        assert (status, "key.needed" in warned) == (2, True), command
        assert ended(command, number, key)[0] == 0
    assert ended("restore_apply", number, PHRASE)[0] == 1
    assert name_of_studio() == "changed since"
    assert ended("restore_apply", number, PHRASE, key)[0] == 0
    assert name_of_studio() != "changed since"


def test_a_file_that_was_brought_and_a_key_that_is_not_its_own(backup, key_file, tmp_path):
    file = tmp_path / "studio.json.zst.age"
    assert ended("backup_export", backup.pk, f"--output={tmp_path / 'plain.json'}")[0] == 1
    assert ended("backup_export", backup.pk, f"--output={file}", "--as-stored")[0] == 0
    assert file.read_bytes() == stored(backup).read_bytes()
    other = tmp_path / "other.txt"
    other.write_text(OTHER.told())
    status, _said, warned = ended("backup_inspect", file, f"--identity={other}")
    assert (status, "key.wrong" in warned) == (2, True)
    assert OTHER.told() not in warned
    assert ended("backup_inspect", file, f"--identity={other}", f"--identity={key_file}")[0] == 0
    status, _said, warned = ended("backup_inspect", file, f"--identity={tmp_path / 'none'}")
    assert (status, "key.unreadable" in warned) == (2, True)


def test_verifying_says_what_was_looked_at(backup, key_file):
    status, said, _warned = ended("backup_verify", backup.pk)
    assert (status, said.startswith("Unchanged:")) == (0, True)
    status, said, _warned = ended("backup_verify", backup.pk, f"--identity={key_file}")
    assert (status, said.startswith("Sound:")) == (0, True)


def test_a_recovery_kit_with_the_key_in_it_opens_the_file(backup, tmp_path):
    kit = tmp_path / "kit.json"
    kit.write_bytes(recovery_kit.as_file(recovery_kit.current(), private_keys=[MINE]))
    assert ended("backup_inspect", backup.pk, f"--kit={kit}")[0] == 0
    assert ended("backup_inspect", backup.pk, f"--identity={kit}")[0] == 0


def test_adding_trying_and_removing_keys(backup, key_file, tmp_path):
    assert "age1" in ended("backup_keys")[1]
    assert ended("backup_keys", f"--try={backup.pk}", f"--identity={key_file}")[0] == 0
    assert ended("backup_keys", f"--try={backup.pk}")[0] == 2
    status, _said, warned = ended("backup_keys", f"--add={OTHER.recipient}", "--name=bank")
    assert (status, "key.unproven" in warned) == (1, True)
    wrong = ("backup_keys", f"--add={OTHER.recipient}", "--name=bank", f"--identity={key_file}")
    assert "key.wrong" in ended(*wrong)[2]
    assert Recipient.objects.count() == 1
    assert ended("backup_keys", f"--add={OTHER.recipient}", "--name=b", "--i-have-the-private-key")
    assert ended("backup_keys", "--remove=b")[0] == 0
    assert ended("backup_keys", "--remove=b")[0] == 1
    assert ended("backup_keys", f"--remove={age_keys.fingerprint(MINE.recipient)}")[0] == 0


# The undo, and what lies on the disk


@pytest.mark.parametrize("fewest_rows", [0, 10**9], ids=["made ahead", "made under the locks"])
def test_an_undo_asks_for_nothing_and_its_safety_backup_is_encrypted(
    backup, monkeypatch, fewest_rows
):
    monkeypatch.setattr(ahead, "ROWS_WORTH_READING_AHEAD", fewest_rows)
    run = requests.request(Path("x"), auditing.COMMAND_LINE, Choices(), backup=backup.pk)
    with keyring.held([MINE]):
        applying.carry_out(run, stored(backup))
    safety = BackupRun.objects.get(pk=run.safety_backup)
    assert safety.encryption == Encryption.INSTALLATION
    assert b"changed since" not in stored(safety).read_bytes()
    undo = undoing.request(run, auditing.COMMAND_LINE)
    applying.carry_out(undo, stored(safety))
    assert name_of_studio() == "changed since"


def test_an_edited_file_that_was_encrypted_is_never_written_out_plain(backup, tmp_path):
    with keyring.held([MINE]), stored(backup).open("rb") as file:
        plain = vault.open_plain(file)
        document = b"".join(iter(lambda: plain.read(1 << 20), b""))
    edited = tmp_path / "edited.age"
    with edited.open("wb") as out, age.Encrypting(out, [MINE.recipient]) as sealed:
        sealed.write(json.dumps(json.loads(document)).encode())
    run = requests.request(edited, auditing.COMMAND_LINE, Choices(accept_altered=True))
    with keyring.held([MINE]), pytest.raises(BackupSystemError) as raised:
        applying.carry_out(run, edited)
    assert raised.value.code == "artifact.encrypted_altered"


# By a worker


def everything_stored() -> str:
    """Each row of each table, all that Redis holds, and all that lies in the folder of the backups."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        asked = (f"SELECT t::text FROM {name} AS t" for name in tables)
        cursor.execute(" UNION ALL ".join(asked))
        rows = [str(row) for (row,) in cursor.fetchall()]
    redis = django_rq.get_connection("backups")
    queued = [repr(redis.dump(key)) + repr(key) for key in redis.scan_iter()]
    files = [path.read_bytes().decode("latin-1") for path in vault.folder().iterdir()]
    return "".join([*rows, *queued, *files])


@contextmanager
def in_a_worker(work: Any) -> Iterator[threading.Thread]:
    """Work that goes on beside the test, on a connection of its own."""

    def carried() -> None:
        try:
            work()
        except BackupSystemError:
            pass  # its row says so
        finally:
            connection.close()

    thread = threading.Thread(target=carried)
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive()


def asked(run_id: str) -> KeyRequest:
    for _ in range(600):
        if found := key_requests.pending(run_id):
            return found
        time.sleep(0.01)
    raise AssertionError("nobody asked for a key")


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(key_requests, "LOOK_SECONDS", 0.02)


@pytest.fixture
def plan(backup, quick) -> PlanRun:
    upload = uploads.of_backup(backup, auditing.COMMAND_LINE)
    return plan_runs.request(upload, auditing.COMMAND_LINE, Choices())


def test_a_plan_asks_for_the_key_takes_it_sealed_and_keeps_nothing(plan, backup, caplog):
    caplog.set_level(logging.DEBUG)
    with in_a_worker(lambda: jobs.carry_out_plan(plan.pk)):
        request = asked(plan.pk)
        assert PlanRun.objects.get().state == State.RUNNING
        assert key_requests.give(request, [OTHER])
        while not (request := asked(plan.pk)).refused:
            time.sleep(0.01)
        assert key_requests.give(request, [MINE])
    plan.refresh_from_db()
    assert (plan.state, plan.error_code) == (State.SUCCEEDED, "")
    assert not KeyRequest.objects.exists()
    told = everything_stored() + caplog.text
    assert MINE.recipient in told  # the search finds what is there
    assert MINE.told() not in told and OTHER.told() not in told
    upload = uploads.planned(plan.upload)
    assert not kept_rows.is_there(upload.stored, plan.pk)


def test_what_is_sealed_for_one_worker_opens_for_no_other(backup, quick):
    first, second = age_keys.new_identity(), age_keys.new_identity()
    request = KeyRequest(run="1", public_key=first.recipient)
    request.save()
    assert key_requests.give(request, [MINE])
    sealed = KeyRequest.objects.get().sealed
    assert sealed.splitlines()[1] in everything_stored()
    assert MINE.told() not in everything_stored()
    with pytest.raises(BackupSystemError):
        age_keys.unsealed(sealed, second)
    # A worker that began anew has another key: what was meant for the former is not taken.
    KeyRequest.objects.filter(run="1").update(public_key=second.recipient, sealed="")
    assert not key_requests.give(request, [MINE])
    assert KeyRequest.objects.get().sealed == ""


def test_nobody_answers_and_the_work_ends_by_itself(plan, settings):
    settings.BACKUPS_KEY_WAIT_SECONDS = 0.05
    with pytest.raises(BackupSystemError):
        jobs.carry_out_plan(plan.pk)
    plan.refresh_from_db()
    assert (plan.state, plan.error_code) == (State.FAILED, "key.not_given")
    assert not KeyRequest.objects.exists()


def test_whoever_waits_can_be_stopped(plan, settings):
    settings.BACKUPS_PROGRESS_SECONDS = 0.02
    with in_a_worker(lambda: jobs.carry_out_plan(plan.pk)):
        asked(plan.pk)
        PlanRun.objects.update(cancel_requested=True)
    plan.refresh_from_db()
    assert plan.state == State.CANCELLED


def test_a_restore_by_a_worker_asks_too(backup, quick):
    run = requests.request(Path("x"), auditing.COMMAND_LINE, Choices(), backup=backup.pk)
    with in_a_worker(lambda: jobs.carry_out_restore(run.pk)):
        key_requests.give(asked(run.pk), [MINE])
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.SUCCEEDED, "")
    assert name_of_studio() != "changed since"


@pytest.mark.battery
def test_a_test_restore_hands_the_key_to_its_process_alone(backup):
    rehearsal = rehearsing.request(backup, auditing.COMMAND_LINE)
    with keyring.held([MINE]):
        rehearsing.carry_out(rehearsal)
    assert rehearsal.state == State.SUCCEEDED
    assert MINE.told() not in json.dumps(rehearsal.report)


# With a passphrase

WORDS = "correct horse battery staple"


@pytest.fixture
def cheap(monkeypatch) -> None:
    monkeypatch.setattr(passphrase, "WORK_FACTOR", 4)


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text + "\n"))


def test_a_backup_made_with_a_passphrase_needs_it_and_no_key(monkeypatch, cheap, key_file):
    typed(monkeypatch, "short")
    status, _said, warned = ended("backup_create", "--scope=complete", "--passphrase")
    assert (status, "passphrase.short" in warned) == (1, True)
    typed(monkeypatch, WORDS)
    assert ended("backup_create", "--scope=complete", "--passphrase")[0] == 0
    run = BackupRun.objects.latest("requested_at")
    assert (run.encryption, run.encrypted_to) == (Encryption.PASSPHRASE, [])
    assert age_beginnings.is_by_passphrase(stored(run).read_bytes()[:200])
    assert WORDS not in everything_stored()
    status, _said, warned = ended("backup_inspect", run.pk, f"--identity={key_file}")
    assert (status, "passphrase.needed" in warned) == (2, True)
    typed(monkeypatch, WORDS.upper())
    assert "passphrase.wrong" in ended("backup_inspect", run.pk, "--passphrase")[2]
    typed(monkeypatch, WORDS)
    assert ended("backup_inspect", run.pk, "--passphrase")[0] == 0


def test_a_worker_asks_for_the_passphrase_of_a_backup_that_it_makes(quick, cheap):
    run = creating.request(COMPLETE, auditing.COMMAND_LINE, by_passphrase=True)
    with in_a_worker(lambda: backup_jobs.carry_out_backup(run.pk)):
        request = asked(run.pk)
        assert request.to_make
        key_requests.give(request, [Passphrase(WORDS)])
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.SUCCEEDED, "")
    with keyring.held([Passphrase(WORDS)]):
        assert keyring.opens(stored(run))
    assert WORDS not in everything_stored()
