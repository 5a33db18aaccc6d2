"""What looking for 10,000 secrets in all forms costs a Safe backup. Printed with ``ARGS=-s``."""

import os
import resource
import statistics
import time
from pathlib import Path

import pytest
from django.db import connection

from backups.registry import SAFE
from backups.services import composing
from tests.backups.studio import small_studio
from tests.roundtrip.engine import back_up

SECRETS, ROWS, ROUNDS = 10_000, 200_000, 3
# Of the processor's time that such a backup takes without, in the process and its server together.
MOST_TIMES = 1.5
# Fields of /proc/PID/stat behind the program's name: the parent, own time and that of children waited for.
_PARENT, _OWN, _WITH_CHILDREN = 1, (11, 12), (11, 12, 13, 14)

TOKENS = """
INSERT INTO studio_clientapprovalemaillog (id, "to", subject, html_content, sent_at, tracking_pixel_id)
SELECT 'mail-' || n, 'a@client.example', 'About your flat',
       '<p>Dear client, <a href="https://studio.example/specs?a=1&amp;n=' || n || '">please look</a>.</p>'
       || '<img src="https://studio.example/pixels/' || md5('a' || n) || md5('b' || n) || '.gif">',
       now(), md5('a' || n) || md5('b' || n)
FROM generate_series(1, %s) AS n
"""
MESSAGES = """
INSERT INTO studio_activitylog (id, action, entity, entity_id, details, created_at)
SELECT 'message-' || n, 'UPDATE', 'ROOM', 'room-' || n,
       jsonb_build_object('from', repeat('Please look at the sofa of the living room, it is dark. ', 4) || n,
                          'link', 'https://studio.example/rooms/' || n, 'n', n), now()
FROM generate_series(1, %s) AS n
"""


def server_seconds() -> float:
    """What all processes of the tests' PostgreSQL have used, of sessions that have ended too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postmaster = _stat(cursor.fetchone()[0])[_PARENT]
    living = [stat for path in Path("/proc").glob("[0-9]*") if (stat := _stat(int(path.name)))]
    ticks = sum(_stat(postmaster)[n] for n in _WITH_CHILDREN)
    ticks += sum(stat[n] for stat in living if stat[_PARENT] == postmaster for n in _OWN)
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [0, *map(int, text.rpartition(")")[2].split()[1:])]


@pytest.mark.battery
@pytest.mark.django_db(transaction=True)
def test_what_it_costs_is_printed_and_bounded(settings, tmp_path, monkeypatch):
    settings.BACKUPS_ROOT, settings.MEDIA_ROOT = tmp_path / "backups", tmp_path / "media"
    settings.BACKUPS_KEY_FILE = tmp_path / "key"
    small_studio()
    with connection.cursor() as cursor:
        cursor.execute(TOKENS, [SECRETS])
        cursor.execute(MESSAGES, [ROWS])
        cursor.execute("ANALYZE")
    taken: dict[bool, list[tuple[float, ...]]] = {True: [], False: []}
    for _round in range(ROUNDS):
        for hunted in (False, True):
            with monkeypatch.context() as patch:
                if not hunted:
                    patch.setattr(composing.Composition, "_look_for_secrets", lambda *_: None)
                before = (time.monotonic(), time.process_time(), server_seconds())
                run = back_up(SAFE)
                after = (time.monotonic(), time.process_time(), server_seconds())
                taken[hunted].append(tuple(b - a for a, b in zip(before, after, strict=True)))
    without, with_it = (
        [statistics.median(figures) for figures in zip(*taken[hunted], strict=True)]
        for hunted in (False, True)
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    secrets = run.statistics["secrets"]
    times = sum(with_it[1:]) / sum(without[1:])
    print(  # noqa: T201
        f"\n{run.statistics['rows']:,} rows, {run.plain_bytes:,} bytes, {secrets['hunted']:,} secrets,"
        f" {secrets['cells']:,} cells marked. Without and with, in seconds: {without[0]:.1f} and"
        f" {with_it[0]:.1f} by the clock ({with_it[0] / without[0]:.2f} times); processor of the process"
        f" {without[1]:.2f} and {with_it[1]:.2f}, of the server {without[2]:.2f} and {with_it[2]:.2f},"
        f" of both together {times:.2f} times; {peak} MB at most"
    )
    assert secrets["forms"] == "all" and secrets["cells"] >= SECRETS
    assert peak < 400
    # What others do on the machine is in the clock's seconds, and not in these.
    assert times <= MOST_TIMES
