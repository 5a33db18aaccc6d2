"""The two named choices of what goes into a backup."""

from enum import StrEnum


class Scope(StrEnum):
    """What a backup holds. The value stands in the artifact's ``type`` and on the command line."""

    SAFE = "safe"
    COMPLETE = "complete"


SAFE = Scope.SAFE
COMPLETE = Scope.COMPLETE
