"""``make demo``: it proves what it says, and says so when something differs."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from rich.console import Console

from backupsvc.studio.demo.seeding import seed_studio
from backupsvc.studio.management.commands import demo
from backupsvc.studio.models import Organization, Room
from backupsvc.studio.walkthrough.walk import show, walk
from restore.services.applying import applying
from tests.backups.studio import small_studio


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


def spoil(restored: Callable[..., Any]) -> Callable[..., Any]:
    """A restore that leaves a row and the storage other than they were."""

    def spoilt(*given: Any, **options: Any) -> Any:
        done = restored(*given, **options)
        Organization.objects.update(name="spoilt")
        default_storage.save("left.png", ContentFile(b"left over"))
        return done

    return spoilt


@pytest.fixture
def small(transactional_db, settings, tmp_path):
    """A studio of a few rows: the command is as quick as it gets."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BACKUPS_ROOT = tmp_path / "backups"
    small_studio()


def test_the_command_ends_with_0_where_all_is_as_it_was_and_with_1_where_not(
    small, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(demo, "_require_scratch", lambda _: None)
    call_command("demo")
    assert "all equal to before" in capsys.readouterr().out
    monkeypatch.setattr(applying, "carry_out", spoil(applying.carry_out))
    with pytest.raises(SystemExit) as ended:
        call_command("demo")
    assert ended.value.code == 1
    told = capsys.readouterr().out
    assert "DIFFERS table organizations" in told
    assert "DIFFERS file left.png is new" in told


def test_an_empty_studio_is_not_damaged(transactional_db, monkeypatch) -> None:
    monkeypatch.setattr(demo, "_require_scratch", lambda _: None)
    with pytest.raises(CommandError, match="make demo"):
        call_command("demo")


@pytest.mark.parametrize("name", ["studio", "test_studio_3", "studio_2024", "deadbeef"])
def test_which_names_are_not_those_of_scratch_databases(name: str) -> None:
    with pytest.raises(CommandError):
        demo._require_scratch(name)
    demo._require_scratch(f"{name}_0123abcd")


def test_it_touches_no_database_but_a_scratch_one(studio) -> None:
    with pytest.raises(CommandError, match="make demo"):
        call_command("demo")
