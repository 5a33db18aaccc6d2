"""A measured command's figures are its own, and a failed one gives none."""

import os
import re
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from backupsvc.embedded.processes import wait_until
from benchmarks import measuring
from benchmarks.measuring import CommandFailed, ServerClock, measure

NO_SERVER = ServerClock(None)
LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells of other processes in /proc"
)
# Of the session's work far less than all, of an idle server more than it uses.
SEEN_SECONDS = 0.2
# So much that no clock is too coarse to see it.
BUSY_SECONDS = 0.3
SPIN = f"import time\nwhile time.process_time() < {BUSY_SECONDS}: pass\n"


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def our_server() -> ServerClock:
    """That of the cluster whose session we are given: a session's process is the postmaster's child."""
    with closing(psycopg2.connect(os.environ["DATABASE_URL"], dbname="postgres")) as connection:
        backend = connection.info.backend_pid
        status = Path(f"/proc/{backend}/status").read_text()
    return ServerClock(int(re.search(r"^PPid:\s*(\d+)", status, re.MULTILINE)[1]))


def work_in_the_server() -> None:
    """In a session that has ended when this returns."""
    statement = "SELECT count(sha256(n::text::bytea)) FROM generate_series(1, 1500000) n"
    with closing(psycopg2.connect(os.environ["DATABASE_URL"], dbname="postgres")) as connection:
        backend = connection.info.backend_pid
        connection.cursor().execute(statement)
    assert wait_until(lambda: not Path(f"/proc/{backend}").exists(), timeout_seconds=10)


def test_cpu_and_wall_are_those_of_the_command():
    busy, idle = (measure([python(text)], clock=NO_SERVER) for text in (SPIN, ""))
    assert busy.client_cpu_seconds >= BUSY_SECONDS
    assert busy.wall_seconds >= BUSY_SECONDS
    assert idle.client_cpu_seconds < busy.client_cpu_seconds


def test_peak_memory_is_that_of_the_largest_process():
    size = 150_000_000
    large = python(f"bytearray(b'x') * {size}")
    measured = measure([large, python("import sys; sys.stdin.read()")], clock=NO_SERVER)
    assert measured.peak_bytes > size


def test_the_cpu_of_every_command_of_a_pipeline_counts():
    both = measure([python(SPIN), python(SPIN)], clock=NO_SERVER)
    assert both.client_cpu_seconds >= 2 * BUSY_SECONDS


def test_a_pipeline_hands_on_and_the_last_one_s_output_is_kept(tmp_path):
    output = tmp_path / "output"
    upper = python("import sys; print(sys.stdin.read().upper())")
    measure([python("print('rows')"), upper], clock=NO_SERVER, output=output)
    assert output.read_text().strip() == "ROWS"


@pytest.mark.parametrize("place", [0, 1])
def test_a_command_that_fails_gives_no_figures_wherever_it_stands(place):
    pipeline = [python(""), python("")]
    pipeline[place] = python("import sys; sys.exit('the reason')")
    with pytest.raises(CommandFailed, match="the reason"):
        measure(pipeline, clock=NO_SERVER)


def test_an_exit_status_that_was_expected_is_well():
    measured = measure([python("raise SystemExit(2)")], clock=NO_SERVER, allowed=(2,))
    assert measured.wall_seconds > 0


@LINUX
def test_the_server_s_cpu_counts_the_sessions_that_have_ended():
    clock = our_server()
    before = clock.seconds()
    work_in_the_server()
    assert clock.seconds() - before > SEEN_SECONDS


@LINUX
def test_without_what_the_postmaster_waited_for_ended_sessions_would_be_missing(monkeypatch):
    monkeypatch.setattr(measuring, "_CHILDREN_SYSTEM", measuring._SYSTEM)
    clock = our_server()
    before = clock.seconds()
    work_in_the_server()
    assert clock.seconds() - before < SEEN_SECONDS


def test_without_a_server_of_ours_its_cpu_is_not_told():
    assert NO_SERVER.seconds() is None
    assert measure([python("")], clock=NO_SERVER).server_cpu_seconds is None
