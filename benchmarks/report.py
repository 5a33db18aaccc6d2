"""From rounds to a report: medians, extrapolations, ratios; as JSON and as a page. Pure but for writing.

A report of fewer than three rounds says so, in its name too: a median of two is none.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import contenders as c
from benchmarks.measuring import Measurement
from benchmarks.ratios import RATIOS
from benchmarks.restoring import AFTER, AWAY

FEWEST_ROUNDS = 3
Rounds = Mapping[str, Sequence[Measurement]]


@dataclass(frozen=True)
class Facts:
    """What the figures belong to. ``stands_for``: by contender, how many rows it worked on."""

    rows: int
    stands_for: Mapping[str, int]
    document_bytes: Mapping[str, int]
    absent: Mapping[str, str]
    tool_peak_bytes: int
    made_at: str
    commit: str
    machine: Mapping[str, Any]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Report:
    """``rounds``: by contender, in the order of the report, what each round measured."""

    facts: Facts
    rounds: Rounds

    @property
    def number(self) -> int:
        """How many rounds every contender has."""
        return min(map(len, self.rounds.values()))

    @property
    def conclusive(self) -> bool:
        return self.number >= FEWEST_ROUNDS

    def medians(self) -> dict[str, Measurement]:
        """By contender, for all rows: those of a part are extrapolated, less the start."""
        found = {name: median_of(taken) for name, taken in self.rounds.items()}
        start = found.get(c.START)
        return {name: self._for_all_rows(name, m, start) for name, m in found.items()}

    def is_extrapolated(self, name: str) -> bool:
        return self.facts.stands_for[name] != self.facts.rows

    def _for_all_rows(
        self, name: str, taken: Measurement, start: Measurement | None
    ) -> Measurement:
        if not self.is_extrapolated(name) or start is None:
            return taken
        factor = self.facts.rows / self.facts.stands_for[name]
        return replace(
            taken,
            wall_seconds=_stretched(taken.wall_seconds, start.wall_seconds, factor),
            client_cpu_seconds=_stretched(
                taken.client_cpu_seconds, start.client_cpu_seconds, factor
            ),
            server_cpu_seconds=(
                None if taken.server_cpu_seconds is None else taken.server_cpu_seconds * factor
            ),
        )

    def as_dict(self) -> dict[str, Any]:
        medians = self.medians()
        return {
            "conclusive": self.conclusive,
            "rounds": self.number,
            **asdict(self.facts),
            "contenders": [
                {
                    "name": name,
                    "extrapolated": self.is_extrapolated(name),
                    "median": asdict(medians[name]),
                    "rounds": [asdict(taken) for taken in self.rounds[name]],
                }
                for name in self.rounds
            ],
            "ratios": [
                {
                    "what": ratio.what,
                    "against": ratio.against,
                    "ratio": ratio.value(medians),
                    "limit": ratio.limit,
                    "aim": ratio.aim,
                }
                for ratio in RATIOS
            ],
        }

    def as_markdown(self) -> str:
        return "\n\n".join(filter(None, self._blocks())) + "\n"

    def write(self, folder: Path) -> Path:
        """Write both forms into ``folder``; the page's path. What is no result is named ``trial``."""
        folder.mkdir(parents=True, exist_ok=True)
        stamp = self.facts.made_at.replace(":", "").replace("-", "")[:13]
        kind = "result" if self.conclusive else "trial"
        page = folder / f"{kind}-{stamp}-{self.facts.rows}-rows-{self.facts.commit[:7]}.md"
        page.write_text(self.as_markdown(), encoding="utf-8")
        document = json.dumps(self.as_dict(), indent=1, ensure_ascii=False)
        page.with_suffix(".json").write_text(document + "\n", encoding="utf-8")
        return page

    def _blocks(self) -> Iterable[str]:
        facts, medians = self.facts, self.medians()
        yield f"# {facts.rows:,} rows, {facts.made_at}"
        yield self._warning()
        sizes = "; ".join(f"{n}: {b / 1e6:,.1f} MB plain" for n, b in facts.document_bytes.items())
        yield f"Commit {facts.commit}. Medians of {_rounds(self.number)}, interleaved. {sizes}."
        yield _listed(facts.machine) + "\n" + _listed(facts.versions)
        yield self._figures(medians)
        yield from self._notes(medians)
        yield "## Ratios\n\n" + self._ratios(medians)
        yield "## The restores, stage by stage\n\n" + _stages([medians[n] for n in c.RESTORES])

    def _warning(self) -> str:
        if self.conclusive:
            return ""
        return (
            f"**Not a result: {_rounds(self.number)} only.** A median takes at least"
            f" {FEWEST_ROUNDS}; these figures may be chance."
        )

    def _figures(self, medians: Mapping[str, Measurement]) -> str:
        head = (
            "work",
            "seconds",
            "least to most",
            "CPU client",
            "CPU server",
            "peak memory, MB",
            "MB/s of the plain document, less start",
        )
        return _table(head, (self._row(name, medians) for name in medians))

    def _row(self, name: str, medians: Mapping[str, Measurement]) -> Sequence[str]:
        taken, rounds = medians[name], [m.wall_seconds for m in self.rounds[name]]
        spread = f"{min(rounds):.2f} to {max(rounds):.2f}"
        extrapolated = self.is_extrapolated(name)
        return (
            f"{name} (extrapolated)" if extrapolated else name,
            f"{taken.wall_seconds:.2f}",
            f"measured: {spread}" if extrapolated else spread,
            f"{taken.client_cpu_seconds:.2f}",
            _or_dash(taken.server_cpu_seconds),
            self._peak(taken),
            self._speed(name, medians),
        )

    def _peak(self, taken: Measurement) -> str:
        """A program begins with the memory of who starts it, and its own may be less."""
        at_most = "at most " if taken.peak_bytes <= self.facts.tool_peak_bytes else ""
        return f"{at_most}{taken.peak_bytes / 1e6:.0f}"

    def _speed(self, name: str, medians: Mapping[str, Measurement]) -> str:
        """Of what works on a document of ours."""
        of = {
            c.SAFE: c.SAFE,
            c.SAFE_PLAIN: c.SAFE,
            c.SAFE_UNHUNTED: c.SAFE,
            c.INSPECT_OWN: c.SAFE,
            c.INSPECT_FOREIGN: c.SAFE,
        }
        of |= {c.COMPLETE: c.COMPLETE, c.PLAN: c.COMPLETE}
        of |= dict.fromkeys(c.RESTORES, c.COMPLETE)
        seconds = medians[name].wall_seconds - medians[c.START].wall_seconds
        if name not in of or seconds <= 0:
            return ""
        return f"{self.facts.document_bytes[of[name]] / 1e6 / seconds:.0f}"

    def _notes(self, medians: Mapping[str, Measurement]) -> Iterable[str]:
        for name in filter(self.is_extrapolated, medians):
            yield (
                f"{name}: measured on {self.facts.stands_for[name]:,} rows and extrapolated to"
                f" {self.facts.rows:,} by the number of rows, its start counted once."
            )
        for name, reason in self.facts.absent.items():
            yield f"{name}: not measured, {reason}."
        if any(taken.server_cpu_seconds is None for taken in medians.values()):
            yield "CPU of the server: not measured, as this system has no /proc."

    def _ratios(self, medians: Mapping[str, Measurement]) -> str:
        return _table(
            ("work", "against", "ratio", "at most", "aim"),
            (
                (r.what, r.against, _ratio(r.value(medians)), _ratio(r.limit), _ratio(r.aim))
                for r in RATIOS
            ),
        )


def median_of(taken: Sequence[Measurement]) -> Measurement:
    """Each figure's own median. A figure that one round lacks is missing."""
    servers = [m.server_cpu_seconds for m in taken if m.server_cpu_seconds is not None]
    return Measurement(
        wall_seconds=median(m.wall_seconds for m in taken),
        client_cpu_seconds=median(m.client_cpu_seconds for m in taken),
        server_cpu_seconds=median(servers) if len(servers) == len(taken) else None,
        peak_bytes=int(median(m.peak_bytes for m in taken)),
        parts={name: median(m.parts.get(name, 0.0) for m in taken) for name in taken[0].parts},
    )


def _stretched(seconds: float, start_seconds: float, factor: float) -> float:
    return start_seconds + max(0.0, seconds - start_seconds) * factor


def _stages(restores: Sequence[Measurement]) -> str:
    """Not all have every stage."""
    sums = {
        AWAY: f"**{AWAY}**: first lock that stops writers, to commit",
        AFTER: f"**{AFTER}**: statistics, views, caches",
    }
    known = dict.fromkeys(name for restore in restores for name in restore.parts)
    rows = [
        (sums.get(name, name), *(_or_dash(restore.parts.get(name)) for restore in restores))
        for name in sorted(known, key=sums.__contains__)
    ]
    return _table(("seconds", *c.RESTORES), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _listed(values: Mapping[str, Any]) -> str:
    return "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in values.items()) + "."


def _rounds(number: int) -> str:
    return f"{number} round{'' if number == 1 else 's'}"


def _or_dash(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f}"


def _ratio(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} x" if value >= 0.2 else f"1/{1 / value:.0f}"
