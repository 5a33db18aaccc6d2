"""``make bench``: every contender in turn, round by round, and the report of it."""

import argparse
import datetime
import sys
from dataclasses import replace
from pathlib import Path

from backupsvc import embedded
from backupsvc.serve.foreground import say, stop_on_signals
from benchmarks import machine
from benchmarks.contenders import Contender, Files, absent, contenders, prepare_files
from benchmarks.data import ROOT, Surroundings, surroundings
from benchmarks.measuring import CommandFailed, Measurement, own_peak_bytes
from benchmarks.report import FEWEST_ROUNDS, Facts, Report


def main() -> int:
    options = _options()
    stop_on_signals()
    try:
        with surroundings(options.rows) as where:
            say(f"Measuring on {where.whole.rows:,} rows …")
            report = _measured(where, prepare_files(where), options.rounds)
        page = report.write(options.results)
    except KeyboardInterrupt:
        return 130
    except embedded.EmbeddedError as error:
        sys.stderr.write(error.for_people() + "\n")
        return 1
    except CommandFailed as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    say(f"\n{report.as_markdown()}\nwritten to {page} and as .json beside it")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rounded to 5,000s")
    parser.add_argument("--rounds", type=int, default=FEWEST_ROUNDS)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    if options.rows < 1 or options.rounds < 1:
        parser.error("--rows and --rounds must be at least 1")
    return options


def _measured(where: Surroundings, files: Files, rounds: int) -> Report:
    everyone = contenders(where, files)
    taken: dict[str, list[Measurement]] = {contender.name: [] for contender in everyone}
    facts = _facts(where, files, everyone)
    for number in range(rounds):
        for contender in in_turn(everyone, number):
            taken[contender.name].append(contender.run())
            seconds = taken[contender.name][-1].wall_seconds
            say(f"  round {number + 1} of {rounds}  {contender.name:36} {seconds:8.2f} s")
    return Report(replace(facts, tool_peak_bytes=own_peak_bytes()), taken)


def _facts(where: Surroundings, files: Files, everyone: list[Contender]) -> Facts:
    return Facts(
        rows=where.whole.rows,
        stands_for={contender.name: contender.rows for contender in everyone},
        document_bytes=files.document_bytes(),
        absent=absent(),
        tool_peak_bytes=own_peak_bytes(),
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        commit=machine.commit(),
        machine=machine.machine(),
        versions=machine.versions(where),
    )


def in_turn(everyone: list[Contender], number: int) -> list[Contender]:
    """Interleaved, each round from another one on: nobody is always behind the same neighbour's writes."""
    first = number * len(everyone) // FEWEST_ROUNDS % len(everyone)
    return everyone[first:] + everyone[:first]


if __name__ == "__main__":
    sys.exit(main())
