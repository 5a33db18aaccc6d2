"""More databases than one: backups read the default one, and say so where rows go elsewhere."""

from typing import Any

import pytest
from django.db import connections, router

from backups import checks
from backups.models import BackupRun
from backups.registry import registry


class Router:
    """Sends some models elsewhere; ``reads`` or ``writes`` of them."""

    def __init__(self, *apps: str, reads: bool = True, writes: bool = True) -> None:
        self._apps, self._reads, self._writes = apps, reads, writes

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "elsewhere" if self._reads and model._meta.app_label in self._apps else None

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return "elsewhere" if self._writes and model._meta.app_label in self._apps else None


@pytest.fixture
def route(monkeypatch: pytest.MonkeyPatch):
    def to(one: Router) -> set[tuple[str, str]]:
        monkeypatch.setattr(router, "routers", [one])
        found = checks.check_surroundings()
        return {(m.id, str(m.obj)) for m in found if m.id in ("backups.E023", "backups.E024")}

    return to


def test_a_project_that_ends_its_transactions_itself_is_refused(monkeypatch) -> None:
    def is_refused() -> bool:
        return "backups.E025" in {found.id for found in checks.check_surroundings()}

    assert not is_refused()
    monkeypatch.setitem(connections["default"].settings_dict, "AUTOCOMMIT", False)
    assert is_refused()


def test_a_project_with_one_database_hears_nothing(route) -> None:
    assert route(Router()) == set()


@pytest.mark.parametrize("half", [{"writes": False}, {"reads": False}])
def test_the_backup_system_s_own_rows_lie_where_backups_read(route, half) -> None:
    found = route(Router("backups", **half))
    assert ("backups.E023", BackupRun._meta.db_table) in found
    assert {id_ for id_, _ in found} == {"backups.E023"}


def test_rows_that_no_backup_would_read_are_named(route) -> None:
    found = route(Router("studio"))
    tables = {table for id_, table in found if id_ == "backups.E024"}
    assert tables == {s.table for s in registry.sections if s.model._meta.app_label == "studio"}


def test_a_copy_that_is_only_read_is_no_other_place(route) -> None:
    assert route(Router("studio", writes=False)) == set()


@pytest.mark.django_db
def test_another_database_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be of any kind, and the models' tables need not be there."""
    asked = []
    monkeypatch.setattr(checks, "connected", lambda alias, **_: asked.append(alias))
    assert "other" not in connections
    assert checks.check_database(databases=["other"]) == []
    assert asked == []
