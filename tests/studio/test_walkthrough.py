"""``make demo``: it proves what it says, and says so when something differs."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from rich.console import Console

from backupsvc.studio.demo.seeding import seed_studio
from backupsvc.studio.models import Room
from backupsvc.studio.walkthrough.walk import show, walk
from restore.services import applying


@pytest.fixture
def studio(transactional_db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BACKUPS_ROOT = tmp_path / "backups"
    # Nobody serves the remote files here: they are gaps, at the first refusal.
    settings.BACKUPS_FETCH_ATTEMPTS = 1
    seed_studio(1, 1, lambda what, done: None)


def console() -> Console:
    return Console(file=StringIO(), width=120)


def test_it_finds_everything_as_it_was_before_the_damage(studio) -> None:
    outcome = walk(console())
    assert outcome.different == []
    assert len(outcome.hurt) > 20
    told = console()
    show(told, outcome)
    assert "all equal to before" in told.file.getvalue()  # type: ignore[attr-defined]


def test_it_says_what_differs_when_a_restore_goes_wrong(studio, monkeypatch) -> None:
    whole = applying.carry_out

    def spoilt(run, path, **options):
        done = whole(run, path, **options)
        Room.objects.filter(pk=Room.objects.order_by("pk")[0].pk).update(name="spoilt")
        return done

    monkeypatch.setattr(applying, "carry_out", spoilt)
    outcome = walk(console())
    assert [line.split(":")[0] for line in outcome.different] == ["table rooms"]


def test_it_touches_no_database_but_a_scratch_one(studio) -> None:
    with pytest.raises(CommandError, match="make demo"):
        call_command("demo")
