"""Fixtures for all tests. Servers and settings come from ``tests.settings``."""

import gc
import os
from collections import Counter
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from tests.databases import empty_folder
from tests.emptying import teach_django
from tests.isolation import hand_over
from tests.static_files import teach_whitenoise

teach_django()
teach_whitenoise()
# What takes minutes comes first and folders of many short files last: no worker ends long before another.
LONGEST_FIRST = (
    *("browser", "install", "faults", "restore", "battery", "roundtrip", "storages"),
    *("serve", "embedded", "studio", "pages_restore", "pages"),
)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ:
        hand_over()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """One worker more than processors: a worker and its database take turns, and one of the two is always
    about to be woken. With one more still, a run took as long, and what waits for a clock came too late."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else None


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """In place of pytest-django's, which adds the worker's name to that of the database: each worker
    has a server of its own, and programs that a test starts must find the name in the environment."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers begin with what takes longest, file by file, so that they end at the same time."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: (_rank(item.path), item.path))


def _rank(path: Path) -> int:
    return next((n for n, folder in enumerate(LONGEST_FIRST) if folder in path.parts), 99)


@pytest.fixture(autouse=True, scope="module")
def no_backups_of_others() -> None:
    """A file finds no backup that another file's tests have left, whatever the order."""
    empty_folder(Path(os.environ["BACKUPS_ROOT"]))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the collector of garbage need not go through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_report_header(config: pytest.Config) -> str:
    chosen = config.getoption("markexpr")
    everyday = chosen == "not battery"
    return "slice: " + ("everyday; `make battery` runs the rest" if everyday else chosen or "all")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """What was left out is said last, for it proves nothing."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section("left out")
        for reason, number in reasons.items():
            terminalreporter.line(f"{number} test{'s' if number > 1 else ''}: {reason}")


def _reason(report: pytest.TestReport) -> str:
    said = report.longrepr
    return str(said[2] if isinstance(said, tuple) else said).removeprefix("Skipped: ")
