"""The stages of a restore in words, and which of them are over."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from restore.models import RestoreRun


@dataclass(frozen=True)
class Stage:
    """``state`` is ``done``, ``current`` or ``ahead``."""

    name: str
    words: str
    state: str


def stages_of(run: RestoreRun) -> list[Stage]:
    """Every stage, in order. What a failed run was at is its current one."""
    named = _named()
    places = [internal for internal, _words in named]
    at = _place(run, places)
    return [
        Stage(name, words, "done" if place < at else "current" if place == at else "ahead")
        for place, (name, words) in enumerate(named)
    ]


def _place(run: RestoreRun, places: list[str]) -> int:
    if run.stage == "done":
        return len(places)
    return places.index(run.stage) if run.stage in places else 0


def _named() -> list[tuple[str, str]]:
    return [
        ("", _("Waiting for a worker")),
        ("inspecting", _("Reading and checking the file")),
        ("waiting", _("Maintenance begins; work under way ends")),
        ("planning", _("Planning once more")),
        ("safety backup", _("Making the safety backup")),
        ("emptying", _("Emptying the tables")),
        ("loading", _("Writing the rows")),
        ("files", _("Putting the files back")),
        ("verifying", _("Reading everything back")),
        ("references", _("Connecting the tables again")),
        ("comparing", _("Comparing with the plan")),
        ("committing", _("Making it final")),
    ]
