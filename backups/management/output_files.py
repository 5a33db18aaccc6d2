"""Where commands may write what they were asked for."""

from pathlib import Path

from backups.errors import WorkerFailure
from backups.wording import _


def require_folder(output: Path) -> None:
    """Raises WorkerFailure where no file of that name could be."""
    if not output.parent.is_dir() or output.is_dir():
        raise WorkerFailure(
            "output.folder",
            _("The file given with --output cannot be written there."),
            hint=_("Name a file in a folder that exists."),
        )


def require_new(output: Path) -> None:
    """``require_folder``, and nothing is there yet. Raises WorkerFailure."""
    require_folder(output)
    if output.exists() or output.is_symlink():
        raise WorkerFailure(
            "output.exists",
            _("The file given with --output is there already, and is not overwritten."),
            hint=_("Name another one, or move that one away first."),
        )
