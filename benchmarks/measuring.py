"""One run of a command, measured: wall, CPU of the command and of the server, peak memory.

Nothing here knows what is run. CPU of the server is that of every process of one PostgreSQL cluster,
read from /proc; where there is none it is not measured, and None says so.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

# ru_maxrss counts kilobytes, on macOS bytes (getrusage(2)).
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
# Fields of /proc/PID/stat behind the name of the program, counted from the state (proc_pid_stat(5)).
_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 11, 12, 13, 14
_TOLD_OF_A_FAILURE = 2000
Command = Sequence[str]


class CommandFailed(Exception):
    """A measured command did not end as it should; its figures would mean nothing."""


@dataclass(frozen=True)
class Measurement:
    """``peak_bytes`` is the largest process of the commands; ``server_cpu_seconds`` of all processes of
    the cluster meanwhile. ``parts``: what a command said of itself, in seconds."""

    wall_seconds: float
    client_cpu_seconds: float
    server_cpu_seconds: float | None
    peak_bytes: int
    parts: Mapping[str, float] = field(default_factory=dict)


def own_peak_bytes() -> int:
    """The least that can be told of a program that is started from here."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT


class ServerClock:
    """The CPU that a cluster has used since its start, of ended backends too.

    A backend that ended counts for the postmaster, which has waited for it.
    """

    def __init__(self, postmaster: int | None) -> None:
        self._postmaster = postmaster

    def seconds(self) -> float | None:
        """None where it cannot be told: no /proc, or not our server."""
        if self._postmaster is None or not _stat_path(self._postmaster).exists():
            return None
        return self._ticks() / os.sysconf("SC_CLK_TCK")

    def _ticks(self) -> int:
        """Read again where a backend began or ended meanwhile: it would count twice, or not at all."""
        before = self._children()
        while True:
            own = _stat(self._postmaster or 0)
            ticks = sum(own[_USER : _CHILDREN_SYSTEM + 1])
            living = [_stat(pid) for pid in before]
            after = self._children()
            if own and all(living) and before == after:
                return ticks + sum(child[_USER] + child[_SYSTEM] for child in living)
            before = after

    def _children(self) -> list[int]:
        listed = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
        return [pid for pid in listed if (stat := _stat(pid)) and stat[_PARENT] == self._postmaster]


def measure(
    pipeline: Sequence[Command],
    *,
    clock: ServerClock,
    output: Path | None = None,
    allowed: Sequence[int] = (0,),
) -> Measurement:
    """Run the commands, each reading what the one before it prints; the last prints into ``output``.

    ``allowed``: the exit statuses of the last command that are well.

    Raises:
        CommandFailed: with the end of what the commands wrote to standard error.
    """
    server_before = clock.seconds()
    with tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        with Path(output or os.devnull).open("wb") as sink:
            children = _start(pipeline, sink, errors)
            with _killed_at_the_end_of_this(children):
                ended = [os.wait4(child.pid, 0) for child in children]
        wall = time.perf_counter() - began
        server_after = clock.seconds()
        statuses = [os.waitstatus_to_exitcode(status) for _pid, status, _usage in ended]
        for child, status in zip(children, statuses, strict=True):
            child.returncode = status  # it was waited for here; Popen need not wait again
        if statuses[-1] not in allowed or any(statuses[:-1]):
            raise CommandFailed(f"{_name(pipeline)} ended with {statuses}:\n{_end_of(errors)}")
    usages = [usage for _pid, _status, usage in ended]
    return Measurement(
        wall_seconds=wall,
        client_cpu_seconds=sum(usage.ru_utime + usage.ru_stime for usage in usages),
        server_cpu_seconds=_difference(server_before, server_after),
        peak_bytes=max(usage.ru_maxrss for usage in usages) * _MAXRSS_UNIT,
    )


def _start(
    pipeline: Sequence[Command], sink: IO[bytes], errors: IO[bytes]
) -> list["subprocess.Popen[bytes]"]:
    children: list[subprocess.Popen[bytes]] = []
    for number, command in enumerate(pipeline, start=1):
        source = children[-1].stdout if children else subprocess.DEVNULL
        target = sink if number == len(pipeline) else subprocess.PIPE
        children.append(subprocess.Popen(command, stdin=source, stdout=target, stderr=errors))
        if children[:-1] and (given := children[-2].stdout):
            given.close()  # the reader's end alone keeps the pipe open: then its death is noticed
    return children


@contextmanager
def _killed_at_the_end_of_this(children: Sequence["subprocess.Popen[bytes]"]) -> Iterator[None]:
    """Who interrupts the measurement leaves nobody at work in its databases."""
    try:
        yield
    except BaseException:
        for child in children:
            child.kill()
            child.wait()
        raise


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _name(pipeline: Sequence[Command]) -> str:
    return " | ".join(Path(command[0]).name for command in pipeline)


def _end_of(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace")[-_TOLD_OF_A_FAILURE:]


def _stat_path(pid: int) -> Path:
    return Path(f"/proc/{pid}/stat")


def _stat(pid: int) -> list[int]:
    """The numbers behind the program's name, the state as 0; empty where the process has gone."""
    try:
        text = _stat_path(pid).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    # The name stands in brackets and may hold some itself.
    return [0, *map(int, text.rpartition(")")[2].split()[1:])]
