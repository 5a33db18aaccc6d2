"""The report counts the rows that were changed after they had been read back and were equal to the file."""

from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string

from backupsvc.studio.models import ClientAccessToken, User
from restore.models import RestoreRun
from restore.services.applying import on_purpose
from restore.services.applying.writing import Writer
from restore.views.live import context_of
from tests.restore.conftest import OWNER
from tests.restore.forging import foreign
from tests.restore.steps import restore_as
from tests.restore.test_commands import PHRASE, ended


def _counted(run: RestoreRun) -> dict[str, int]:
    return {reason: n for reason, n in run.report["changed_on_purpose"].items() if n}


def _page(run: RestoreRun) -> str:
    return " ".join(render_to_string("restore/_report.html", context_of(run)).split())


def test_nothing_is_said_where_all_rows_are_as_in_the_file(damaged_studio) -> None:
    run = restore_as(damaged_studio.complete)
    assert _counted(run) == {}
    assert "changed on purpose" not in _page(run) and "was equal to the file" in _page(run)


@pytest.fixture
def withheld(studio, tmp_path: Path) -> Path:
    """A foreign file, in which two accounts have another role than here, one of them another password."""
    file = foreign(studio.complete, tmp_path / "foreign.json")
    one, other = User.objects.exclude(email=OWNER).exclude(role=User.Role.VIEWER)[:2]
    User.objects.filter(pk__in=(one.pk, other.pk)).update(role=User.Role.VIEWER)
    User.objects.filter(pk=one.pk).update(password="md5$new$0")
    return file


def test_accounts_whose_roles_are_withheld_are_counted_once_each(withheld: Path) -> None:
    run = restore_as(withheld, accept_foreign=True)
    assert _counted(run) == {"accounts": 2, "rows": 2}
    assert "2 of these rows were then changed on purpose:" in _page(run)
    assert "2 accounts have a role or a password that the file does not give" in _page(run)


def test_the_command_says_it_too(withheld: Path) -> None:
    status, said, _ = ended("restore_apply", withheld, f"--as={OWNER}", PHRASE, "--accept-foreign")
    assert status == 0
    assert "2 of them were then changed on purpose: 2 accounts have a role" in said


def test_rows_that_stay_revoked_are_counted(studio) -> None:
    active = ClientAccessToken.objects.filter(active=True)
    (first,) = active[:1]
    active.filter(pk=first.pk).update(active=False)
    run = restore_as(studio.complete, keep_revoked=True)
    assert _counted(run) == {"revoked": 1, "rows": 1}
    assert not ClientAccessToken.objects.get(pk=first.pk).active


def test_rows_that_point_to_files_under_new_names_are_counted(studio) -> None:
    """Something else lies under the names by now."""
    media = Path(settings.MEDIA_ROOT)
    taken = {path: path.read_bytes() for path in media.rglob("*") if path.is_file()}
    for path in taken:
        path.write_bytes(b"something else")
    try:
        run = restore_as(studio.complete)
    finally:
        # The next test finds them as this one did.
        for path, content in taken.items():
            path.write_bytes(content)
    counted = _counted(run)
    assert run.report["files"]["renamed"] > 0
    assert counted["names"] == counted["rows"] > 0


def test_a_change_that_nobody_lists_would_not_be_counted(withheld: Path, monkeypatch) -> None:
    """The twin."""
    monkeypatch.setattr(Writer, "_settled_columns", lambda *given: {})
    assert _counted(restore_as(withheld, accept_foreign=True)) == {}


def test_the_report_of_a_former_version_says_nothing_of_it() -> None:
    assert on_purpose.in_words({"rows": 5}) == []
