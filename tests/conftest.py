"""Fixtures for all tests. Servers and settings come from ``tests.settings``."""

import os
from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter

from tests.emptying import teach_django
from tests.isolation import hand_over

teach_django()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ:
        hand_over()


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """In place of pytest-django's, which adds the worker's name to that of the database: each worker
    has a server of its own, and programs that a test starts must find the name in the environment."""


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
