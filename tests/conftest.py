"""Fixtures for all tests. Servers and settings come from ``tests.settings``."""

import os

import pytest

from tests.emptying import teach_django
from tests.isolation import hand_over

teach_django()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ:
        hand_over()


def pytest_report_header(config: pytest.Config) -> str:
    chosen = config.getoption("markexpr")
    everyday = chosen == "not battery"
    return "slice: " + ("everyday; `make battery` runs the rest" if everyday else chosen or "all")
