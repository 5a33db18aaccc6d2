"""The browser for the tests: which is found, when one is installed, and what is said without one."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import finding

ROOT = Path(__file__).resolve().parents[2]
JOURNEY = "tests/browser/test_journeys.py::test_an_admin_makes_and_downloads_a_safe_backup"
Put = Callable[..., str]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer without any browser."""
    for name in (finding.CHOICE, "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "cache"))
    monkeypatch.setenv("BACKUPSVC_VAR", str(tmp_path / "var"))
    monkeypatch.setattr(finding, "_APPLICATIONS", ())
    return tmp_path


@pytest.fixture
def put(bare: Path) -> Put:
    """Puts a program somewhere; it ends with a status."""

    def make(place: str, status: int = 0) -> str:
        path = bare / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\nexit {status}\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def attempts(bare: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Installing leaves a line here and nothing else."""
    made: list[str] = []
    monkeypatch.setattr(finding, "install", lambda: made.append("tried"))
    return made


def test_a_bare_computer_has_none(bare: Path) -> None:
    assert finding.find() is None


@pytest.mark.parametrize(
    "name", ["chromium", "chromium-browser", "google-chrome-stable", "microsoft-edge"]
)
def test_it_is_found_by_each_of_its_names(put: Put, name: str) -> None:
    assert put(f"path/{name}") == finding.find()


@pytest.mark.parametrize(
    "place",
    [
        "cache/chromium_headless_shell-1/chrome-headless-shell-linux64/chrome-headless-shell",
        "cache/chromium_headless_shell-1/chrome-linux/headless_shell",
        "cache/chromium-1/chrome-linux/chrome",
    ],
)
def test_it_is_found_where_playwright_puts_it(put: Put, place: str) -> None:
    assert put(place) == finding.find()


def test_one_that_does_not_run_is_passed_over(put: Put) -> None:
    put("path/chromium", status=1)
    assert put("path/google-chrome") == finding.find()


def test_whoever_wants_none_gets_none(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    put("path/chromium")
    monkeypatch.setenv(finding.CHOICE, "none")
    assert finding.find() is None


def test_without_one_it_is_said_in_one_line_what_to_install(
    attempts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    finding.main()
    assert attempts == ["tried"]
    assert finding.ADVICE in capsys.readouterr().out.splitlines()[-1]


def test_what_could_not_be_installed_is_not_tried_again_the_same_day(
    attempts: list[str], bare: Path
) -> None:
    finding.main()
    finding.main()
    assert attempts == ["tried"]
    os.utime(bare / "var" / "browser-tried", (0, 0))
    finding.main()
    assert attempts == ["tried", "tried"]


def test_nothing_is_installed_where_one_is_or_none_is_wanted(
    attempts: list[str], put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("path/chromium")
    finding.main()
    monkeypatch.setenv(finding.CHOICE, "none")
    finding.main()
    assert attempts == []


def test_an_installer_that_fails_or_is_missing_is_no_error(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(bare / "nothing"))
    finding.install()
    assert finding.find() is None


def run_a_journey(**environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", JOURNEY],
        cwd=ROOT,
        env=os.environ | {finding.CHOICE: "none", "CI": ""} | environment,
        capture_output=True,
        text=True,
    )


def test_what_is_left_out_stands_in_the_last_lines() -> None:
    run = run_a_journey()
    assert run.returncode == 0
    assert (
        f"1 test: needs a browser, and none was found: {finding.ADVICE}"
        in run.stdout.splitlines()[-3:]
    )
    assert "1 skipped" in run.stdout.splitlines()[-1]


def test_in_ci_nothing_is_left_out() -> None:
    run = run_a_journey(CI="true")
    assert run.returncode == 1
    assert "in CI nothing is left out" in run.stdout
