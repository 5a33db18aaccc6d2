"""What commands have in common: errors with code and hint, bars, waiting."""

import io
from typing import Any

import pytest
from django.core.management.base import BaseCommand, CommandError

from backups.errors import BackupSystemError, StorageFailure
from backups.management import terminal
from backups.models import BackupRun, State
from backups.stages import Stage
from backups.wording import _
from tests.languages import marked_language


def throw(error: BaseException) -> None:
    raise error


def refusal(error: BaseException, **how: Any) -> CommandError:
    with pytest.raises(CommandError) as refused, terminal.errors(**how):
        throw(error)
    return refused.value


def test_nothing_that_a_file_holds_is_obeyed_by_the_terminal():
    stream = io.StringIO()
    output = terminal.Output(BaseCommand(stdout=stream), width=60)
    deceit = "\x1b[31m[/red] [bold]:boom:\x9b2J\x7f"
    output.line(deceit)
    output.table(("Who",), [(deceit,)])
    shown = stream.getvalue()
    assert shown.count(r"\x1b[31m[/red] [bold]:boom:\x9b2J\x7f") == 2
    assert not set(shown) & {"\x1b", "\x9b", "\x7f"}
    refused = refusal(
        StorageFailure("storage.full", _("{name} is full.", name=deceit), hint=_("x."))
    )
    assert "\x1b" not in str(refused)


def test_an_error_is_said_with_what_to_do_and_its_code():
    error = StorageFailure("storage.full", _("The disk is full."), hint=_("Free space."))
    refused = refusal(error)
    assert str(refused) == "The disk is full.\n  What to do: Free space.\n  Code: storage.full"
    assert refused.returncode == 1


def test_a_command_may_end_with_a_status_of_its_own():
    error = StorageFailure("storage.full", _("The disk is full."), hint=_("Free space."))
    assert refusal(error, status=terminal.UNSOUND).returncode == 2


def test_an_unexpected_error_is_said_without_its_details():
    refused = refusal(RuntimeError("s3cret"))
    assert "Code: internal.error" in str(refused)
    assert "s3cret" not in str(refused)


def test_ctrl_c_is_said_and_no_traceback():
    assert "Code: run.interrupted" in str(refusal(KeyboardInterrupt()))


def test_a_command_s_own_error_and_its_end_pass_through():
    own = CommandError("There is no such backup.", returncode=7)
    assert refusal(own) is own
    with pytest.raises(SystemExit), terminal.errors():
        throw(SystemExit(3))


def test_the_four_ends_are_told_apart():
    assert (terminal.DONE, terminal.FAILED, terminal.UNSOUND, terminal.INCOMPLETE) == (0, 1, 2, 3)


def test_there_are_no_bars_where_there_is_no_terminal():
    with terminal.bars(BaseCommand()) as listener:
        assert listener is None


def test_on_a_terminal_a_bar_shows_stage_rows_and_files(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    values = {
        **{"stage": "rows", "section": "users", "rows_done": 1234, "rows_total": 1000},
        **{"bytes_done": 5_600_000, "files_done": 7, "files_failed": 0},
    }
    with terminal.bars(BaseCommand()) as listener:
        assert listener
        listener(values)
        listener(values | {"stage": "reading back", "section": ""})
    drawn = capsys.readouterr().err
    assert "Reading the backup back" in drawn
    assert "1,234 rows, 5.6 MB, 7 files" in drawn


def test_a_bar_says_the_stage_in_english_whatever_language_is_set():
    values = {"stage": "rows", "section": "users"}
    with marked_language():
        assert str(Stage.ROWS.label) != "Reading the rows"
        assert terminal._at(values) == "Reading the rows: users"
    assert terminal._at({"stage": Stage.QUEUED, "section": ""}) == ""
    assert terminal._at({"stage": "of a former version", "section": "users"}) == "users"


@pytest.mark.django_db
def test_waiting_ends_with_the_run_and_looks_for_the_dead(monkeypatch: pytest.MonkeyPatch):
    run = BackupRun.objects.create(scope="safe")
    looked: list[int] = []

    def look() -> None:
        looked.append(1)
        if len(looked) == 3:
            BackupRun.objects.update(state=State.FAILED, error_code="worker.lost")

    monkeypatch.setattr(terminal, "POLL_SECONDS", 0)
    heard: list[str] = []
    terminal.wait_for(run, lambda values: heard.append(values["state"]), look)
    assert heard == ["queued", "queued", "failed"]
    with pytest.raises(BackupSystemError) as refused:
        terminal.require_success(run)
    assert refused.value.code == "worker.lost"


def test_a_run_without_an_error_is_a_success():
    terminal.require_success(BackupRun(scope="safe", state=State.SUCCEEDED))
