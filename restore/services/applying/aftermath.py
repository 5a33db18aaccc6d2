"""After the commit: planner statistics, materialised views, caches. What fails is named in the report."""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.cache import caches

from backups.database.connection import Connection
from backups.database.introspection import LiveTable
from backups.wording import Sentence, _
from restore.database import aftermath
from restore.services.applying.made_again import make_again
from restore.services.applying.problems import Problems
from restore.services.planning.staging import Prepared


def follow_up(
    connection: Connection, prepared: Prepared, changed: Sequence[LiveTable], problems: Problems
) -> dict[str, Any]:
    """Do all steps. Nothing is raised: the restore is committed, and ``problems`` are told what failed.
    ``changed``: the tables with other rows than before."""
    report: dict[str, Any] = {"tables_analysed": 0, "views_refreshed": [], "caches_cleared": []}

    def statistics() -> None:
        connection.autocommit = True
        report["tables_analysed"] = aftermath.analyze(connection, changed)

    def views() -> None:
        refreshed, failed = aftermath.refresh_materialized_views(connection)
        report["views_refreshed"] = refreshed
        for name in failed:
            problems.note(
                _(
                    "The materialised view {name} could not be refreshed: it shows what was.",
                    name=name,
                )
            )

    _try(statistics, problems, _("The planner's statistics could not be brought up to date."))
    _try(
        lambda: make_again({table.name for table in prepared.matched.written}),
        problems,
        _("Content types and permissions of newer models could not be made."),
    )
    _try(views, problems, _("The materialised views could not be refreshed: they show what was."))
    for alias in caches:

        def cache(alias: str = alias) -> None:
            caches[alias].clear()
            report["caches_cleared"].append(alias)

        _try(
            cache,
            problems,
            _("The cache {alias} could not be cleared: pages may show what was.", alias=alias),
        )
    return report


def _try(step: Callable[[], None], problems: Problems, sentence: Sentence) -> None:
    try:
        step()
    except Exception as error:
        problems.note(sentence, error)
