"""After the commit: planner statistics, materialised views, caches. Each is named in the report."""

import logging
from typing import Any

from django.core.cache import caches

from backups.database.connection import Connection
from backups.database.introspection import LiveTable
from backups.errors import BackupSystemError
from restore.database import aftermath
from restore.services.applying.made_again import make_again

logger = logging.getLogger("backups")


def follow_up(connection: Connection, tables: list[LiveTable]) -> dict[str, Any]:
    """Do all steps. Nothing is raised: the restore is committed, and the report says what failed."""
    report: dict[str, Any] = {"problems": []}
    try:
        connection.autocommit = True
        report["tables_analysed"] = aftermath.analyze(connection, tables)
        refreshed, failed = aftermath.refresh_materialized_views(connection)
        report["views_refreshed"] = refreshed
        report["problems"] += [f"The view {name} could not be refreshed." for name in failed]
    except Exception as error:
        _note(report, "Statistics and views could not be brought up to date.", error)
    try:
        make_again({table.name for table in tables})
    except Exception as error:
        _note(report, "Content types and permissions of newer models could not be made.", error)
    report["caches_cleared"] = []
    for alias in caches:
        try:
            caches[alias].clear()
            report["caches_cleared"].append(alias)
        except Exception as error:
            _note(report, f"The cache {alias} could not be cleared.", error)
    return report


def _note(report: dict[str, Any], sentence: str, error: Exception) -> None:
    known = error.code if isinstance(error, BackupSystemError) else type(error).__name__
    logger.warning("after a restore: %s", known)
    report["problems"].append(sentence)
