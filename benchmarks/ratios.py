"""What is compared with what, and how far it shall reach: the rows of the table of ratios.

Pure: medians in, ratios out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks import contenders as c
from benchmarks.measuring import Measurement
from benchmarks.restoring import AFTER, AWAY

Medians = Mapping[str, Measurement]
Figure = Callable[[Medians], float | None]


@dataclass(frozen=True)
class Ratio:
    """``above`` divided by ``below``; at most ``limit``, better ``aim``."""

    what: str
    against: str
    above: Figure
    below: Figure
    limit: float
    aim: float

    def value(self, medians: Medians) -> float | None:
        """None where one of both was not measured, or is too small for this clock."""
        above, below = self.above(medians), self.below(medians)
        return above / below if above is not None and below else None


def wall(name: str) -> Figure:
    return lambda medians: medians[name].wall_seconds


def less_start(name: str) -> Figure:
    """Without what every command takes to begin, as the other side is no Django command."""

    def figure(medians: Medians) -> float | None:
        seconds = medians[name].wall_seconds - medians[c.START].wall_seconds
        return seconds if seconds > 0 else None

    return figure


def server(name: str) -> Figure:
    return lambda medians: medians[name].server_cpu_seconds


def part(name: str, of: str) -> Figure:
    return lambda medians: medians[of].parts.get(name)


def to_commit(name: str) -> Figure:
    """Without what follows the commit: statistics for the planner, views, caches."""

    def figure(medians: Medians) -> float | None:
        after = medians[name].parts.get(AFTER)
        return None if after is None else medians[name].wall_seconds - after

    return figure


def _of_restore(name: str, where: str) -> tuple[Ratio, ...]:
    """``where``: into what, in the words of the table."""
    below = wall(c.PG_RESTORE)
    return (
        Ratio(f"time the site is away{where}", c.PG_RESTORE, part(AWAY, name), below, 1.6, 0.8),
        Ratio(
            f"restore, from file to commit{where}", c.PG_RESTORE, to_commit(name), below, 3.5, 2.2
        ),
        Ratio(
            f"server CPU of the restore{where}",
            c.PG_RESTORE,
            server(name),
            server(c.PG_RESTORE),
            2.8,
            2,
        ),
    )


RATIOS = (
    *_of_restore(c.RESTORE, ""),
    *_of_restore(c.RESTORE_WRITTEN, ", every table written"),
    *_of_restore(c.RESTORE_EMPTY, ", into an empty studio"),
    Ratio(
        "Safe backup as stored, less start",
        c.PG_DUMP_FC,
        less_start(c.SAFE),
        wall(c.PG_DUMP_FC),
        0.7,
        0.45,
    ),
    Ratio("the same", c.PG_DUMP_ZSTD, less_start(c.SAFE), wall(c.PG_DUMP_ZSTD), 2.5, 1.6),
    Ratio(
        "Safe backup plain to disk, less start",
        c.PG_DUMP,
        less_start(c.SAFE_PLAIN),
        wall(c.PG_DUMP),
        3.5,
        2.2,
    ),
    Ratio(
        "Safe backup as stored, looking for secrets",
        c.SAFE_UNHUNTED,
        wall(c.SAFE),
        wall(c.SAFE_UNHUNTED),
        1.5,
        1.2,
    ),
    Ratio("Complete backup", c.DUMPDATA, wall(c.COMPLETE), wall(c.DUMPDATA), 1 / 12, 1 / 25),
    Ratio(
        "restore, from file to end", c.LOADDATA, wall(c.RESTORE), wall(c.LOADDATA), 1 / 20, 1 / 40
    ),
    Ratio("plan", c.RESTORE, wall(c.PLAN), wall(c.RESTORE), 0.6, 0.4),
)
