"""What the commands share: progress bars on a terminal, errors with code and hint, waiting."""

import contextlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, ClassVar, NoReturn, cast

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.utils import translation

from backups.errors import BackupSystemError
from backups.models import Run
from backups.services import runs
from backups.services.progress import Listener
from backups.stages import Stage
from backups.wording import ngettext

POLL_SECONDS = 0.5
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# What is checked before a command: declarations, folders, queue. Django's own checks, which load every page
# of the project, are for `manage.py check`, runserver and migrate.
CHECKS = ["backups"]
DONE, FAILED, UNSOUND, INCOMPLETE = 0, 1, 2, 3
_STATUSES = {DONE: "done", FAILED: "failed; the message says why, and nothing was changed"}


class _Help(DjangoHelpFormatter):
    """Leaves the lines of what has any as they are: examples are typed as they stand."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" not in text:
            return super()._fill_text(text, width, indent)
        return "\n".join(indent + line for line in text.splitlines())


class Documented(BaseCommand):
    """A command whose ``--help`` shows how it is typed and how it may end.

    ``examples`` are pairs of what stands behind ``manage.py`` and what that does; ``statuses`` say what
    it may end with besides 0 and 1, or what those mean here.
    """

    requires_system_checks = CHECKS
    examples: ClassVar[Sequence[tuple[str, str]]] = ()
    statuses: ClassVar[Mapping[int, str]] = {}

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("epilog", self._epilog())
        kwargs.setdefault("formatter_class", _Help)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def _epilog(self) -> str:
        lines = ["Examples:"]
        for typed, does in self.examples:
            lines += [f"  manage.py {typed}", f"      {does}"]
        lines += ["", "Exit status:"]
        statuses = {number: _STATUSES[number] for number in (DONE, FAILED)} | dict(self.statuses)
        return "\n".join([*lines, *(f"  {n}  {words}" for n, words in sorted(statuses.items()))])


# Of an error's code and hint, what a command tells to do.
Remedy = Callable[[str, str], str]


def _its_own_hint(code: str, hint: str) -> str:
    return hint


def refuse(
    error: BackupSystemError, *, status: int = FAILED, remedy: Remedy = _its_own_hint
) -> NoReturn:
    """End the command with the error's sentence, hint and code."""
    hint = printable(remedy(error.code, error.hint))
    raise CommandError(
        f"{printable(error.message)}\n  What to do: {hint}\n  Code: {error.code}",
        returncode=status,
    )


def rows(number: int) -> str:
    """So many of them, in words."""
    return str(ngettext("{n} row", "{n} rows", number))


def printable(text: str) -> str:
    """The text without what a terminal would obey: names in a file may have been written to deceive."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


class Output:
    """What a command prints: tables as wide as the terminal, and lines without markup."""

    def __init__(self, command: BaseCommand, *, width: int) -> None:
        from rich.console import Console  # slow to load, and for what is shown to people only

        stream = cast(IO[str], command.stdout)
        self._console = Console(
            file=stream,
            width=None if command.stdout.isatty() else width,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def line(self, text: str) -> None:
        self._console.print(printable(text))

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        from rich.table import Table

        table = Table(*heads)
        for row in rows:
            table.add_row(*map(printable, row))
        self._console.print(table)


@contextlib.contextmanager
def errors(*, status: int = FAILED, remedy: Remedy = _its_own_hint) -> Iterator[None]:
    """Every error becomes the command's, with code and hint; ``--traceback`` shows where it arose.

    ``remedy`` puts a hint into the command's own words."""
    try:
        yield
    except CommandError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        refuse(runs.explain(error), status=status, remedy=remedy)


@contextlib.contextmanager
def bars(command: BaseCommand) -> Iterator[Listener | None]:
    """A listener that draws a progress bar on a terminal; None where there is no terminal."""
    if not (sys.stderr.isatty() or os.environ.get("FORCE_COLOR")):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("starting", total=None, detail="")

        def show(values: dict[str, Any]) -> None:
            progress.update(
                task,
                description=_at(values),
                completed=values["rows_done"],
                total=max(values["rows_total"], values["rows_done"]) or None,
                detail=_detail(values),
            )

        yield show


def _at(values: dict[str, Any]) -> str:
    """The stage in words, and the table; nothing before the first stage. Commands speak English."""
    stage = Stage.of(values["stage"])
    with translation.override(None):
        words = "" if stage in (None, Stage.QUEUED) else str(stage.label)
    return ": ".join(filter(None, (words, values["section"])))


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
