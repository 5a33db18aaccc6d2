"""The stages of a plan, of a restore and of a test restore in words, and which of them are over."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from backups.models import Run
from restore.models import PlanRun, Rehearsal

# Parts of a stage that only some files need; they are not listed, but named while they last.
_PARTS = {"looking": "inspecting", "rewriting": "inspecting", "trying": "inspecting"}


@dataclass(frozen=True)
class Stage:
    """``state`` is ``done``, ``current`` or ``ahead``. ``part`` says what the current one is at."""

    name: str
    words: str
    state: str
    part: str = ""


def stages_of(run: Run) -> list[Stage]:
    """Every stage, in order. What a failed run was at is its current one."""
    named = _named(run)
    at = _place(run, [name for name, _words in named])
    part = _part_words().get(run.stage, "")
    return [
        Stage(name, words, "done")
        if place < at
        else Stage(name, words, "current", part)
        if place == at
        else Stage(name, words, "ahead")
        for place, (name, words) in enumerate(named)
    ]


def _place(run: Run, places: list[str]) -> int:
    if run.stage == "done":
        return len(places)
    stage = _PARTS.get(run.stage, run.stage)
    return places.index(stage) if stage in places else 0


def _named(run: Run) -> list[tuple[str, str]]:
    if isinstance(run, PlanRun):
        return [*_reading(), ("counting", _("Comparing with what is here, row by row"))]
    if isinstance(run, Rehearsal):
        # Of the files a test restore reads only the content, with the rows.
        throwaway = ("throwaway database", _("Making the throwaway database"))
        schema = ("schema", _("Making its tables, as they are here"))
        waiting, reading, *_locating = _reading()
        return [
            waiting,
            throwaway,
            schema,
            reading,
            *_writing(_("Comparing the files with their hashes")),
        ]
    return [
        *_reading(),
        ("waiting", _("Maintenance begins; work under way ends")),
        ("planning", _("Planning once more")),
        ("safety backup", _("Making the safety backup")),
        *_writing(_("Putting the files back")),
    ]


def _reading() -> list[tuple[str, str]]:
    return [
        ("", _("Waiting for a worker")),
        ("inspecting", _("Reading and checking the file")),
        ("locating", _("Looking for its images and documents")),
    ]


def _writing(files: str) -> list[tuple[str, str]]:
    return [
        ("emptying", _("Emptying the tables")),
        ("loading", _("Writing the rows")),
        ("files", files),
        ("verifying", _("Reading everything back")),
        ("references", _("Connecting the tables again")),
        ("comparing", _("Comparing with the plan")),
        ("committing", _("Making it final")),
    ]


def _part_words() -> dict[str, str]:
    return {
        "looking": _("looking how it was altered"),
        "rewriting": _("writing an orderly copy of it"),
        "trying": _("trying each value, as another installation made it"),
    }
