"""The walk itself: Safe backup, Complete backup, damage, Complete restore, comparison."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from backups.models import BackupRun
from backups.registry import COMPLETE, SAFE, Scope, registry
from backups.services import auditing, creating, readiness, vault
from backups.services.progress import Listener
from backupsvc.studio.walkthrough.damage import Damage, do_damage
from backupsvc.studio.walkthrough.state import State, differences, state_now
from restore.models import RestoreRun
from restore.plan import Choices
from restore.services.applying import applying
from restore.services.asking import requests

Result = TypeVar("Result")


@dataclass(frozen=True)
class Outcome:
    """What was done and found; ``different`` is empty where all was proven."""

    safe: BackupRun
    complete: BackupRun
    damage: Damage
    restore: RestoreRun
    before: State
    hurt: list[str]
    different: list[str]
    seconds: dict[str, float]


class _Steps:
    """Shows each step as a bar, and measures it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.seconds: dict[str, float] = {}

    def take(self, name: str, step: Callable[[Listener], Result]) -> Result:
        columns = (TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn())
        begun = time.monotonic()
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(name, total=None)

            def show(values: dict[str, Any]) -> None:
                total = max(values["rows_total"], values["rows_done"]) or None
                progress.update(task, completed=values["rows_done"], total=total)

            result = step(show)
            progress.update(task, total=1, completed=1)
        self.seconds[name] = time.monotonic() - begun
        return result


def walk(console: Console) -> Outcome:
    """Do it all on the studio that is there. Raises BackupSystemError where a step fails."""
    steps = _Steps(console)
    before = steps.take("Look at everything", lambda _: state_now())
    safe = steps.take("Safe backup", lambda show: _back_up(SAFE, show))
    complete = steps.take("Complete backup", lambda show: _back_up(COMPLETE, show))
    damage = steps.take("Damage", lambda _: do_damage())
    hurt = differences(before, state_now())
    restore = steps.take("Complete restore", lambda show: _restore(complete, show))
    after = steps.take("Look again and compare", lambda _: state_now())
    return Outcome(
        safe, complete, damage, restore, before, hurt, differences(before, after), steps.seconds
    )


def _back_up(scope: Scope, show: Listener) -> BackupRun:
    return creating.carry_out(creating.request(scope, auditing.COMMAND_LINE), listener=show)


def _restore(backup: BackupRun, show: Listener) -> RestoreRun:
    path = vault.path_of(backup.artifact)
    run = requests.request(path, auditing.COMMAND_LINE, Choices())
    return applying.carry_out(run, path, listener=show)


def show(console: Console, outcome: Outcome) -> None:
    """A table of what was proven, or what differs."""
    table = Table("What", "Found", title="What was proven", title_justify="left")
    for name, found in _facts(outcome):
        table.add_row(name, found)
    console.print(table)
    for sentence in outcome.different:
        console.print(f"[red]DIFFERS[/red] {sentence}")


def _facts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    before, damage, files = outcome.before, outcome.damage, outcome.restore.report["files"]
    own = {section.key for section in registry.of_project}
    held = own & set(outcome.safe.statistics["sections"])
    yield "Safe backup", f"{len(held)} of {len(own)} tables, {_size(outcome.safe)}"
    files_held = readiness.files_of(outcome.complete)["held"]
    yield (
        "Complete backup",
        f"{readiness.rows_of(outcome.complete)}, {files_held:,} files, {_size(outcome.complete)}",
    )
    yield (
        "Damage",
        f"{damage.rows_deleted:,} rows deleted, {damage.rows_changed:,} changed,"
        f" {damage.rows_added:,} added, {damage.files_deleted:,} files deleted;"
        f" {len(outcome.hurt):,} differences seen",
    )
    yield "Complete restore", f"{files['added']:,} files put back, {files['kept']:,} were there"
    proven = "all equal to before" if not outcome.different else "NOT equal to before"
    yield (
        "Comparison",
        f"{len(own)} tables row by row, {len(before.files):,} files byte by byte,"
        f" {len(before.sequences):,} sequences: {proven}",
    )
    for name, seconds in outcome.seconds.items():
        yield f"  {name}", f"{seconds:.1f} s"


def _size(run: BackupRun) -> str:
    return f"{run.plain_bytes / 1e6:.1f} MB plain, {run.stored_bytes / 1e6:.1f} MB stored"
