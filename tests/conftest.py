"""Fixtures for all tests. Servers and settings come from ``tests.settings``."""

import pytest

from tests.emptying import teach_django

teach_django()


def pytest_report_header(config: pytest.Config) -> str:
    chosen = config.getoption("markexpr")
    everyday = chosen == "not battery"
    return "slice: " + ("everyday; `make battery` runs the rest" if everyday else chosen or "all")
