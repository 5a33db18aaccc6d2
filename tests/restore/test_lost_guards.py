"""Each guard of a plan taken away: what it keeps from happening then happens, and is seen."""

import pytest

from backups.findings import Severity
from backupsvc.studio.models import Client, ClientAccessToken, User
from restore.database import redacted
from restore.services.applying import applying
from restore.services.planning import acting
from restore.services.planning import files as file_plan
from restore.services.planning.counting import _Planner
from tests.restore.damage import Damage
from tests.restore.forging import foreign
from tests.restore.steps import codes, plan_as, refusal
from tests.restore.tables import changed_tables, rows_of_database

pytestmark = pytest.mark.battery


def test_without_the_question_whose_it_is_a_foreign_file_goes_through(
    studio, tmp_path, monkeypatch
) -> None:
    file = foreign(studio.complete, tmp_path / "f.json")
    monkeypatch.setattr(_Planner, "_authenticity", lambda self, **_: [])
    assert "restore.foreign" not in codes(plan_as(file))
    assert refusal(file) != "restore.foreign"


def test_without_asking_anew_more_is_lost_than_was_confirmed(studio, monkeypatch) -> None:
    plan = plan_as(studio.safe)
    added = Damage(5).clone(Client)
    monkeypatch.setattr(applying._Restore, "_require_confirmed", lambda self, plan: None)
    assert refusal(studio.safe, confirmed=plan) == ""
    assert not Client.objects.filter(pk=added.pk).exists()


def test_without_the_guard_of_who_acts_nobody_needs_to_be_an_owner(studio, monkeypatch) -> None:
    found = acting._nobody_acts

    def only_a_notice(email):
        finding = found(email)
        return type(finding)(finding.code, Severity.NOTICE, finding.message, finding.hint)

    monkeypatch.setattr(acting, "_nobody_acts", only_a_notice)
    designer = User.objects.exclude(role="OWNER").exclude(role="ADMIN").first()
    assert refusal(studio.safe, designer.email) == ""


def test_without_keeping_what_is_revoked_the_plan_is_not_fulfilled(studio, monkeypatch) -> None:
    ClientAccessToken.objects.update(active=False)
    before = rows_of_database()
    monkeypatch.setattr(redacted, "keep_revoked", lambda *a: 0)
    assert refusal(studio.complete, keep_revoked=True) == "restore.not_as_planned"
    assert changed_tables(before, rows_of_database()) == {}


def test_without_the_look_at_the_disk_no_plan_says_that_it_is_full(studio, monkeypatch) -> None:
    monkeypatch.setattr(file_plan, "_disk", lambda *a: [])
    monkeypatch.setattr(file_plan.shutil, "disk_usage", lambda path: (10, 10, 0))
    assert "restore.disk_space" not in codes(plan_as(studio.safe))
