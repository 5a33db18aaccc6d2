"""Every stage of a backup, a plan, a restore and a test restore: its words, and by what it is measured.

A stage is a step of a run and nothing else. Which ones a run goes through, and in which order, stands
with the pages that list them.
"""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

# Which of a run's counters move while a stage lasts. By the first it is measured.
UNMEASURED: tuple[str, ...] = ()
BY_BYTES = ("bytes",)
BY_ROWS = ("rows",)
BY_BYTES_AND_ROWS = ("bytes", "rows")
BY_ROWS_AND_BYTES = ("rows", "bytes")


class Stage(models.TextChoices):
    """The value stands in the column ``stage`` of a run's row, where former versions' may stand too."""

    counters: tuple[str, ...]

    def __new__(cls, value: str, counters: tuple[str, ...] = UNMEASURED) -> Self:
        made = str.__new__(cls, value)
        made._value_ = value
        made.counters = counters
        return made

    # Of every run: before the first, and behind the last of a run that succeeded.
    QUEUED = "", UNMEASURED, _("Waiting for a worker")
    DONE = "done", UNMEASURED, _("Done")

    # Of whatever reads an encrypted file, before it begins.
    KEY = "key", UNMEASURED, _("Waiting for the private key that opens the file")

    # Of a backup.
    TURN = "turn", UNMEASURED, _("Waiting for its turn")
    CHECKING = "checking", UNMEASURED, _("Checking the tables")
    ROWS = "rows", BY_ROWS_AND_BYTES, _("Reading the rows")
    LOCATORS = "locators", UNMEASURED, _("Listing the files")
    FETCHING = "fetching", UNMEASURED, _("Fetching the files")
    READING_BACK = "reading back", UNMEASURED, _("Reading the backup back")

    # Of whatever reads a file. Some files need a part or two more of the first.
    INSPECTING = "inspecting", BY_BYTES, _("Reading and checking the file")
    LOOKING = "looking", BY_BYTES, _("looking how it was altered")
    REWRITING = "rewriting", BY_BYTES, _("writing an orderly copy of it")
    LOCATING = "locating", BY_BYTES, _("Looking for its images and documents")

    # Of a plan.
    COUNTING = "counting", UNMEASURED, _("Comparing with what is here, row by row")

    # Of a test restore.
    THROWAWAY = "throwaway database", UNMEASURED, _("Making the throwaway database")
    SCHEMA = "schema", UNMEASURED, _("Making its tables, as they are here")
    HASHES = "hashes", BY_BYTES, _("Comparing the files with their hashes")

    # Of a restore.
    AHEAD = "ahead", UNMEASURED, _("Copying what is here now, while everybody works on")
    WAITING = "waiting", UNMEASURED, _("Maintenance begins; work under way ends")
    PLANNING = "planning", UNMEASURED, _("Planning once more")
    SAFETY_BACKUP = "safety backup", UNMEASURED, _("Making the safety backup")
    FILES = "files", BY_BYTES, _("Putting the files back")

    # Of whatever writes, a restore or a test of one.
    EMPTYING = "emptying", UNMEASURED, _("Emptying the tables")
    LOADING = "loading", BY_BYTES_AND_ROWS, _("Writing the rows")
    VERIFYING = "verifying", BY_ROWS, _("Reading everything back")
    REFERENCES = "references", UNMEASURED, _("Connecting the tables again")
    COMPARING = "comparing", UNMEASURED, _("Comparing with the plan")
    COMMITTING = "committing", UNMEASURED, _("Making it final")

    @classmethod
    def of(cls, name: str) -> "Stage | None":
        """The stage of a run's row; None where a former version called it otherwise."""
        return cls(name) if name in cls.values else None

    @property
    def measure(self) -> str:
        """The counter by which it is measured; empty where nothing tells."""
        return self.counters[0] if self.counters else ""

    @property
    def whole(self) -> "Stage":
        """The stage that this one is a part of: itself, for most."""
        if self is Stage.KEY:
            return Stage.QUEUED
        return Stage.INSPECTING if self in PARTS else self


# They are not listed, but named while they last.
PARTS = (Stage.KEY, Stage.LOOKING, Stage.REWRITING)
