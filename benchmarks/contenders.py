"""Who is measured: each contender prepares, runs one command or pipeline, and tidies up.

A contender's name is what reports and ratios call it. All work on the same data in the same server.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from benchmarks.data import Surroundings, manage, quietly
from benchmarks.measuring import Command, Measurement, measure
from benchmarks.restoring import WRITE_ALL

START = "start of a command"
COPY = "COPY of every table"
PG_DUMP, PG_DUMP_FC, PG_DUMP_Z1 = "pg_dump plain", "pg_dump -Fc", "pg_dump -Fc -Z1"
PG_DUMP_ZSTD = "pg_dump plain | zstd -3"
PG_RESTORE = "pg_restore --single-transaction"
DBBACKUP = "django-dbbackup"
DUMPDATA, LOADDATA = "dumpdata", "loaddata"
SAFE, SAFE_PLAIN, COMPLETE = (
    "Safe backup, as stored",
    "Safe backup, plain to disk",
    "Complete backup",
)
# The same as the first, by a program that leaves the hunt out.
SAFE_UNHUNTED = "Safe backup, as stored, no secrets looked for"
INSPECT_OWN, INSPECT_FOREIGN = "inspection, authentic Safe file", "inspection, foreign Safe file"
PLAN, RESTORE = "plan of the Complete file", "restore of the Complete file"
# As if every table had changed; and where there is nothing yet.
RESTORE_WRITTEN, RESTORE_EMPTY = "restore, every table written", "restore into an empty studio"
RESTORES = (RESTORE, RESTORE_WRITTEN, RESTORE_EMPTY)

# Tables of all schemas but the server's own, each read to its end.
_COPY_SCRIPT = """
SELECT format('COPY %I.%I TO STDOUT', schemaname, tablename) FROM pg_catalog.pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
\\gexec
"""
_ZSTD_IN_PYTHON = (
    "import sys, zstandard;"
    "zstandard.ZstdCompressor(level=3).copy_stream(sys.stdin.buffer, sys.stdout.buffer)"
)
_BLOCKED_PLAN = 1
_NO_SUCH_FILE = 2


@dataclass(frozen=True)
class Contender:
    """``rows`` is how many its figures stand for: fewer than all are extrapolated in the report."""

    name: str
    run: Callable[[], Measurement]
    rows: int
    ours: bool = False


@dataclass(frozen=True)
class Files:
    """What some read and others have written before the first round."""

    safe: Path
    complete: Path
    dump: Path
    fixture: Path
    scratch: Path
    copy_script: Path

    def document_bytes(self) -> dict[str, int]:
        """The size of the plain documents, by the name of the backup."""
        return {SAFE: _document_bytes(self.safe), COMPLETE: _document_bytes(self.complete)}


def prepare_files(where: Surroundings) -> Files:
    """Make, unmeasured, what inspections, plans and restores read."""
    folder = where.folder
    files = Files(
        safe=folder / "safe.json.zst",
        complete=folder / "complete.json.zst",
        dump=folder / "whole.dump",
        fixture=folder / "part.json",
        scratch=folder / "output",
        copy_script=folder / "copy.sql",
    )
    files.copy_script.write_text(_COPY_SCRIPT)
    for scope, target in (("safe", files.safe), ("complete", files.complete)):
        quietly(*manage("backup_create", "--scope", scope))
        shutil.copy(_newest_stored(), target)
    _dump(where, "-Fc", f"--file={files.dump}")
    quietly(*_dumpdata(files.fixture), url=where.part.url)
    return files


def contenders(where: Surroundings, files: Files) -> list[Contender]:
    """All that can be measured here, in the order of the report."""
    made = [*_of_others(where, files), *_of_django(where, files), *_of_ours(where, files)]
    return [c for c in made if c.name != DBBACKUP or find_spec("dbbackup")]


def absent() -> dict[str, str]:
    """Who is not measured, and why."""
    return {} if find_spec("dbbackup") else {DBBACKUP: "not installed here"}


def zstd() -> list[str]:
    """The program, else the same library from Python."""
    program = shutil.which("zstd")
    return [program, "-3", "-q", "-c"] if program else [sys.executable, "-c", _ZSTD_IN_PYTHON]


def _of_others(where: Surroundings, files: Files) -> list[Contender]:
    url, rows = where.whole.url, where.whole.rows
    psql = [where.program("psql"), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", url]
    dump = [where.program("pg_dump"), "--no-owner", url]

    def written(*pipeline: Command) -> Callable[[], Measurement]:
        return lambda: _measure(where, files, pipeline, output=files.scratch)

    return [
        Contender(COPY, written([*psql, "--tuples-only", "-f", str(files.copy_script)]), rows),
        Contender(PG_DUMP, written(dump), rows),
        Contender(PG_DUMP_FC, written([*dump, "-Fc"]), rows),
        Contender(PG_DUMP_Z1, written([*dump, "-Fc", "-Z1"]), rows),
        Contender(PG_DUMP_ZSTD, written(dump, zstd()), rows),
        Contender(PG_RESTORE, lambda: _pg_restore(where, files), rows),
    ]


def _of_django(where: Surroundings, files: Files) -> list[Contender]:
    dbbackup = [sys.executable, "-m", "django", "dbbackup", "--output-path", str(files.scratch)]
    return [
        Contender(DBBACKUP, lambda: _with_dbbackup(where, files, dbbackup), where.whole.rows),
        Contender(DUMPDATA, lambda: _dump_part(where, files), where.part.rows),
        Contender(LOADDATA, lambda: _load_part(where, files), where.part.rows),
    ]


def _of_ours(where: Surroundings, files: Files) -> list[Contender]:
    safe, complete = str(files.safe), str(files.complete)
    plain = ["--output", str(files.scratch)]
    table: list[tuple[str, Sequence[str], tuple[int, ...]]] = [
        (START, ["backup_inspect", str(files.scratch.with_name("none"))], (_NO_SUCH_FILE,)),
        (SAFE, ["backup_create", "--scope", "safe"], (0,)),
        (SAFE_PLAIN, ["backup_create", "--scope", "safe", *plain], (0,)),
        (COMPLETE, ["backup_create", "--scope", "complete"], (0,)),
        (INSPECT_OWN, ["backup_inspect", safe], (0,)),
        (PLAN, ["restore_plan", complete], (0, _BLOCKED_PLAN)),
    ]
    made = [
        Contender(name, _command(where, files, a, ok), where.whole.rows, True)
        for name, a, ok in table
    ]
    unhunted = [sys.executable, "-m", "benchmarks.without_hunt"]
    made.append(
        Contender(SAFE_UNHUNTED, lambda: _measure(where, files, [unhunted]), where.whole.rows, True)
    )
    foreign = _command(where, files, ["backup_inspect", safe], (0,))
    return [
        *made,
        Contender(
            INSPECT_FOREIGN, lambda: _under_another_key(where, foreign), where.whole.rows, True
        ),
        Contender(RESTORE, lambda: _restore(where, files), where.whole.rows, True),
        Contender(
            RESTORE_WRITTEN, lambda: _restore(where, files, WRITE_ALL), where.whole.rows, True
        ),
        Contender(RESTORE_EMPTY, lambda: _restore_empty(where, files), where.whole.rows, True),
    ]


def _command(
    where: Surroundings, files: Files, arguments: Sequence[str], allowed: tuple[int, ...]
) -> Callable[[], Measurement]:
    return lambda: _measure(where, files, [manage(*arguments)], allowed=allowed)


def _measure(
    where: Surroundings,
    files: Files,
    pipeline: Sequence[Command],
    *,
    output: Path | None = None,
    allowed: Sequence[int] = (0,),
) -> Measurement:
    """Each begins without the output of the one before."""
    files.scratch.unlink(missing_ok=True)
    return measure(pipeline, clock=where.clock, output=output, allowed=allowed)


def _pg_restore(where: Surroundings, files: Files) -> Measurement:
    """Into a fresh database: schema, data, indexes and keys."""
    url = where.restored()
    command = [where.program("pg_restore"), "--single-transaction", "--no-owner", f"--dbname={url}"]
    return _measure(where, files, [[*command, str(files.dump)]])


def _with_dbbackup(where: Surroundings, files: Files, command: Command) -> Measurement:
    with _environment(
        DJANGO_SETTINGS_MODULE="benchmarks.dbbackup_settings",
        PATH=f"{where.programs.directory}{os.pathsep}{os.environ.get('PATH', '')}",
    ):
        return _measure(where, files, [command])


def _dump_part(where: Surroundings, files: Files) -> Measurement:
    with _environment(DATABASE_URL=where.part.url):
        return _measure(where, files, [_dumpdata(files.scratch)])


def _load_part(where: Surroundings, files: Files) -> Measurement:
    url = where.restored(like=where.empty)
    with _environment(DATABASE_URL=url):
        return _measure(where, files, [manage("loaddata", str(files.fixture))])


def _under_another_key(where: Surroundings, run: Callable[[], Measurement]) -> Measurement:
    with _environment(BACKUPS_KEY_FILE=str(where.folder / "another.key")):
        return run()


def _restore(where: Surroundings, files: Files, *options: str) -> Measurement:
    measured = _restoring(where, files, *options)
    where.settle()
    return measured


def _restore_empty(where: Surroundings, files: Files) -> Measurement:
    with _environment(DATABASE_URL=where.restored(like=where.empty)):
        return _restoring(where, files)


def _restoring(where: Surroundings, files: Files, *options: str) -> Measurement:
    told = where.folder / "parts.json"
    command = [sys.executable, "-m", "benchmarks.restoring", str(files.complete), *options]
    measured = _measure(where, files, [command], output=told)
    return replace(measured, parts=json.loads(told.read_text()))


def _dumpdata(target: Path) -> list[str]:
    return manage("dumpdata", "studio", "--output", str(target))


def _dump(where: Surroundings, *options: str) -> None:
    quietly(where.program("pg_dump"), "--no-owner", *options, where.whole.url)


def _document_bytes(path: Path) -> int:
    return int(json.loads(quietly(*manage("backup_inspect", str(path), "--json")))["bytes"])


def _newest_stored() -> Path:
    stored = Path(os.environ["BACKUPS_ROOT"]).glob("*.json.zst")
    return max(stored, key=lambda path: path.stat().st_mtime)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """For the programs that the block starts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
