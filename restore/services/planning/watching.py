"""What reading a file tells about how far it is."""

from pathlib import Path
from typing import Any, Protocol

from backups.services import vault
from backups.stages import Stage


class Watch(Protocol):
    """Is told of stages and of bytes read, and may end the work; ``backups.services.progress`` has one."""

    def check(self) -> None:
        """Called often. May raise to stop the work."""

    def stage(self, stage: Stage, **values: Any) -> None: ...

    def at(self, bytes_done: int) -> None: ...


class _Nobody:
    def check(self) -> None: ...

    def stage(self, stage: Stage, **values: Any) -> None: ...

    def at(self, bytes_done: int) -> None: ...


NOBODY: Watch = _Nobody()


def begin_reading(stage: Stage, path: Path, watch: Watch) -> None:
    """Begin a stage that reads a file once from end to end. Raises StorageFailure."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise vault.unreadable() from error
    watch.stage(stage, bytes_done=0, bytes_total=size)


def end_reading(stage: Stage, watch: Watch) -> None:
    """Begin a stage that reads no file."""
    watch.stage(stage, bytes_done=0, bytes_total=0)
