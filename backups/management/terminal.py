"""What the commands share: progress bars on a terminal, errors with code and hint, waiting."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from backups.errors import BackupSystemError
from backups.models import Run
from backups.services import runs
from backups.services.progress import Listener

POLL_SECONDS = 0.5

DONE, FAILED, UNSOUND, INCOMPLETE = 0, 1, 2, 3


def refuse(error: BackupSystemError, *, status: int = FAILED) -> NoReturn:
    """End the command with the error's sentence, hint and code."""
    raise CommandError(
        f"{error.message}\n  What to do: {error.hint}\n  Code: {error.code}", returncode=status
    )


@contextlib.contextmanager
def errors(*, status: int = FAILED) -> Iterator[None]:
    """Every error becomes the command's, with code and hint; ``--traceback`` shows where it arose."""
    try:
        yield
    except CommandError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        refuse(runs.explain(error), status=status)


@contextlib.contextmanager
def bars(command: BaseCommand) -> Iterator[Listener | None]:
    """A listener that draws a progress bar on a terminal; None where there is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("starting", total=None, detail="")

        def show(values: dict[str, Any]) -> None:
            progress.update(
                task,
                description=f"{values['stage']} {values['section']}".strip(),
                completed=values["rows_done"],
                total=max(values["rows_total"], values["rows_done"]) or None,
                detail=_detail(values),
            )

        yield show


def _detail(values: dict[str, Any]) -> str:
    parts = [f"{values['rows_done']:,} rows", f"{values['bytes_done'] / 1e6:,.1f} MB"]
    if values["files_done"] or values["files_failed"]:
        parts.append(f"{values['files_done']:,} files")
    return ", ".join(parts)


def wait_for(run: Run, listener: Listener | None, look: Callable[[], object]) -> Run:
    """Wait until a worker has ended the run. ``look`` ends the runs of dead workers."""
    fields = [f.name for f in type(run)._meta.fields]
    while run.is_active:
        time.sleep(POLL_SECONDS)
        look()
        run.refresh_from_db()
        if listener:
            listener({name: getattr(run, name) for name in fields})
    return run


def require_success(run: Run) -> None:
    """Raise the run's own error where it failed or was cancelled."""
    if error := run.error:
        raise error
