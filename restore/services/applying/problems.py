"""What failed after the commit. It undoes nothing and stands in the run's report, for pages and commands."""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import Error as DatabaseError

from backups.errors import BackupSystemError
from backups.services import runs
from backups.wording import Sentence
from restore.models import RestoreRun

logger = logging.getLogger("backups")


class Problems:
    """Sentences in the order of what happened."""

    def __init__(self) -> None:
        self._said: list[Sentence] = []

    def note(self, sentence: Sentence, error: BaseException | None = None) -> None:
        """``error`` is logged by its code or type alone: its words may hold values."""
        known = error.code if isinstance(error, BackupSystemError) else type(error).__name__
        logger.warning("after a restore: %s", known if error else "see the report")
        self._said.append(sentence)

    def added_to(self, aftermath: Mapping[str, Any]) -> dict[str, Any]:
        """The report's ``aftermath`` with these behind those that it has."""
        former = of_report({"aftermath": aftermath})
        said = [*former, *self._said]
        words = [sentence.as_plain() for sentence in said]
        return {**aftermath, "problems": [str(s) for s in said], "problem_words": words}


def of_report(report: Mapping[str, Any]) -> list[Sentence]:
    """The problems that a report tells of; one of a former version tells them in English alone."""
    aftermath = report.get("aftermath") or {}
    said = aftermath.get("problems") or []
    words = aftermath.get("problem_words") or []
    padded = [*words, *({} for _ in range(len(said) - len(words)))]
    return [Sentence.of(w, otherwise=s) for s, w in zip(said, padded, strict=True)]


def add(run: RestoreRun, sentence: Sentence, error: BaseException) -> None:
    """Put one more into the report of a committed restore. Never raises."""
    problems = Problems()
    problems.note(sentence, error)

    def write() -> None:
        RestoreRun.objects.filter(pk=run.pk).update(report=run.report)

    run.report = {**run.report, "aftermath": problems.added_to(run.report.get("aftermath") or {})}
    try:
        runs.once_more_if_lost(write)
    except (DatabaseError, BackupSystemError):
        logger.error("the report of restore %s could not be written", run.pk)
