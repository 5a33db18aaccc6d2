"""A file of another installation and its recovery kit: authentic, for that file, and only unchanged."""

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from backups.errors import BackupSystemError
from backups.models import AuditEvent
from backups.services import auditing, installation, recovery_kit
from backups.services.recovery_kit import RecoveryKit
from backupsvc.studio.models import User
from restore.inspection import inspect
from restore.models import OutgoingHold, RestoreRun
from restore.plan import Choices
from restore.services.applying import applying
from restore.services.asking import kits, requests
from restore.services.planning.counting import plan_file
from tests.restore.forging import FOREIGN_KEY, foreign
from tests.restore.steps import codes
from tests.restore.tables import changed_tables, rows_of_database

KIT = RecoveryKit(FOREIGN_KEY)


def restore(path: Path, kit: RecoveryKit | None) -> RestoreRun:
    run = requests.request(path, auditing.COMMAND_LINE, Choices())
    return applying.carry_out(run, path, kit=kit)


@pytest.fixture
def elsewhere(empty_studio, tmp_path) -> Path:
    """A Complete backup as the installation of ``KIT`` made it."""
    return foreign(empty_studio.complete, tmp_path / "f.json")


def test_with_its_kit_a_file_comes_back_with_every_role_approval_and_password(
    elsewhere, empty_studio
):
    plan = plan_file(elsewhere, Choices(), kit=KIT)
    assert (plan.file.authentic, plan.file.by_kit, plan.blocking) == (True, True, ())
    assert plan.accounts.lost == {"now": {}, "file": {}}
    assert "restore.foreign" not in codes(plan)
    run = restore(elsewhere, KIT)
    assert KIT.key.hex() not in str(RestoreRun.objects.filter(pk=run.pk).values())
    assert changed_tables(empty_studio.rows, rows_of_database()) == {}
    assert not OutgoingHold.objects.exists()
    assert User.objects.filter(role="OWNER").exists()


def test_without_it_the_file_is_a_stranger_s(elsewhere):
    plan = plan_file(elsewhere, Choices())
    assert (plan.file.authentic, plan.file.by_kit) == (False, False)
    assert codes(plan)["restore.foreign"] == "error"
    assert plan.accounts.lost["file"]["role"] > 10
    assert {loss.what for account in plan.accounts.losing for loss in account.losses} >= {
        "role",
        "approval",
        "password",
    }


def test_inspecting_says_whose_it_is(elsewhere):
    assert not inspect(elsewhere).authentic
    assert inspect(elsewhere, kit=KIT).by_kit


@pytest.mark.parametrize("work", [lambda p, k: plan_file(p, Choices(), kit=k), restore])
def test_the_kit_of_a_third_installation_is_refused_by_name(elsewhere, work):
    with pytest.raises(BackupSystemError) as refused:
        work(elsewhere, RecoveryKit(bytes(32)))
    assert refused.value.code == "kit.other_installation"


def test_a_kit_does_not_make_an_edited_file_authentic(empty_studio, tmp_path):
    """Whoever edits a file can mend its digest and name any installation, and sign with any other key."""
    path = foreign(empty_studio.complete, tmp_path / "f.json")
    text = path.read_bytes()
    signature = text.rsplit(b'"hmac":"', 1)[1][:64]
    path.write_bytes(text.replace(signature, b"0" * 64))
    plan = plan_file(path, Choices(), kit=KIT)
    assert (plan.file.authentic, codes(plan)["restore.foreign"]) == (False, "error")


def test_without_the_signature_s_check_it_would(empty_studio, tmp_path, monkeypatch):
    """The twin of the test above."""
    monkeypatch.setattr(RecoveryKit, "signed", lambda *_: True)
    assert plan_file(
        foreign(empty_studio.complete, tmp_path / "f.json"), Choices(), kit=KIT
    ).file.by_kit


def test_our_own_files_need_no_kit_and_mind_none(studio):
    plan = plan_file(studio.safe, Choices(acting="owner@studio.example"), kit=KIT)
    assert (plan.file.authentic, plan.file.by_kit) == (True, False)


def test_a_worker_finds_it_beside_its_copy_of_the_file(elsewhere):
    run = requests.request(elsewhere, auditing.COMMAND_LINE, Choices())
    requests.take_copy(run, elsewhere, kit=KIT)
    assert requests.kit_of(run) == KIT
    requests.drop_copy(run)
    assert not [*Path(settings.BACKUPS_ROOT).glob(f"*{kits.SUFFIX}")]


def test_what_is_kept_beside_a_file_is_private_and_goes_with_it(studio):
    kits.keep("upload-x", KIT)
    path = Path(settings.BACKUPS_ROOT) / ("upload-x" + kits.SUFFIX)
    assert path.stat().st_mode & 0o777 == 0o600
    assert kits.of("upload-x") == KIT
    kits.discard("upload-x")
    assert kits.of("upload-x") is None and not path.exists()


def test_no_row_of_a_plan_by_kit_holds_its_key(elsewhere):
    plan = plan_file(elsewhere, Choices(), kit=KIT)
    assert KIT.key.hex() not in str(plan) and KIT.text not in str(plan.as_dict())
    assert recovery_kit.current().key != KIT.key, "the new server keeps a key of its own"


def test_a_new_server_that_adopts_the_keys_knows_the_old_one_s_files(elsewhere, tmp_path, settings):
    settings.BACKUPS_KEY_FILE = tmp_path / "new.key"
    kit = tmp_path / "kit.json"
    kit.write_bytes(recovery_kit.as_file(KIT))
    assert not inspect(elsewhere).authentic
    before = installation.name()
    call_command("recovery_kit", "--adopt", str(kit), stdout=StringIO())
    assert inspect(elsewhere).authentic and not inspect(elsewhere).by_kit
    assert plan_file(elsewhere, Choices()).file.authentic
    assert installation.name() == before, "it goes on signing with a key of its own"
    assert AuditEvent.objects.get(action="kit.adopt").details == {"count": 1}
    assert recovery_kit.current().former == (FOREIGN_KEY,), (
        "the kit of the new server proves them too"
    )
    said = StringIO()
    call_command("recovery_kit", "--adopt", str(kit), stdout=said)
    assert "known before" in said.getvalue()
    installation.rotate()
    assert inspect(elsewhere).authentic
