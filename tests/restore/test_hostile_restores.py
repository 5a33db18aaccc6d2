"""The hostile corpus against a real database: whatever a restore refuses, it leaves everything as it was.

What the artifact's own form gives away is refused while it is read, and what only the database tells in the
plan; both are carried to the end here, as a person does who confirms whatever is asked.
"""

import hashlib
import json
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from backups.errors import BackupSystemError
from backups.services import auditing
from restore.models import RestoreRun
from restore.plan import Choices
from restore.services.applying import applying
from restore.services.asking import requests
from tests.backups.artifact.corpus import CELLS, CORPUS, GROUPS, KINDS, ROWS
from tests.restore.conftest import OWNER
from tests.restore.entries import locator, plant, use
from tests.restore.forging import Document, encoded, foreign
from tests.roundtrip.dump import Dump, dump_data

Edit = Callable[[Document], object]
HOME = "organizations"
MEBIBYTE = 1024


def _sequence(section: str, name: str, number: int) -> Edit:
    def edit(document: Document) -> None:
        state = [
            {"name": name, "section": section, "last_value": number, "is_called": True},
        ]
        altered = document._middle.split(b"\n")[1]
        document._middle = b'"sequences": ' + json.dumps(state).encode() + b",\n" + altered

    return edit


def _entry(section: str, column: str, storage: str = "default") -> Edit:
    def edit(document: Document) -> None:
        key = document.read(section)[0]["id"]
        plant(document, locator("evil.js", use(section, column, key), storage=storage))

    return edit


def _first(section: str, **cells: Any) -> Edit:
    return lambda document: document.change_first(section, **cells)


def _again(section: str) -> Edit:
    return lambda document: document.rows[section].append(document.rows[section][0])


def _section(section: str, **members: Any) -> Edit:
    return lambda document: document.section(section).update(members)


def _stranger(document: Document) -> None:
    row = document.read("users")[0] | {"id": "zz", "email": "zz@x.example", "org_id": "nowhere"}
    document.rows["users"].append(encoded(row))


def _nobody_may_sign_in(document: Document) -> None:
    document.change("users", lambda row: row.update(email=f"{row['id']}@elsewhere.example"))


# What the form of a document does not give away.
PLANNED: dict[str, Edit] = {
    "the sequence of the audit trail": _sequence("", "backups_auditevent_id_seq", 1),
    "a sequence beyond its bounds": _sequence("contentTypes", "django_content_type_id_seq", 10**30),
    "a file that uses a role": _entry("users", "role"),
    "a file in another storage": _entry("users", "image", "staticfiles"),
    "a file of a section that is not there": _entry("users", "image", "nowhere"),
    "a row twice": _again("organizations"),
    "a key of another's": _first("users", id="zz-other"),
    "an organisation that is not there": _first("users", org_id="nowhere"),
    "a stranger of no organisation": _stranger,
    "NULL where something must be": _first("organizations", name=None),
    "a moment that is another one each time": _first("organizations", created_at=" Now "),
    "a moment that no calendar has": _first("organizations", created_at="2026-02-30 00:00:00+00"),
    "a table of the system's": _section("users", table="pg_authid"),
    "the table of another section": _section("users", table="studio_client"),
    "a section nobody declares": _section("users", key="people"),
    "another primary key": _section("users", primary_key=["email"]),
    "a column of another type": lambda document: document.section("users")["columns"][1].update(
        {"type": "boolean"}
    ),
    "nobody who could sign in": _nobody_may_sign_in,
    "no accounts": lambda document: document.remove_section("users"),
}


def _planted(name: str) -> Edit:
    """A row or a cell of the corpus among those of a table that is here: rows of others nobody looks at."""
    if name.startswith("row: "):
        return lambda document: document.rows[HOME].append(ROWS[name.removeprefix("row: ")])
    _, kind, number, _ = re.split("[ :]", name, maxsplit=3)
    cell = CELLS[kind][int(number)].encode("utf-8", "surrogatepass")

    def edit(document: Document) -> None:
        rows = document.rows[HOME]
        if kind == "id":
            rows[0] = re.sub(rb'"id":"[^"]*"', lambda _: b'"id":' + cell, rows[0], count=1)
            return
        type_, encoding, usual = KINDS[kind]
        column = {"name": kind, "type": type_, "encoding": encoding}
        document.section(HOME)["columns"].append(column)
        cells = [cell, *[usual.encode()] * (len(rows) - 1)]
        added = [b',"%s":%s}' % (kind.encode(), each) for each in cells]
        document.rows[HOME] = [row[:-1] + end for row, end in zip(rows, added, strict=True)]

    return edit


def _state() -> tuple[Dump, str]:
    """Every table and sequence as pg_dump prints it, and every file with its bytes."""
    files = hashlib.sha256()
    for path in sorted(Path(settings.MEDIA_ROOT).rglob("*")):
        files.update(str(path).encode())
        files.update(path.read_bytes() if path.is_file() else b"")
    return dump_data(), files.hexdigest()


def _refusal(path: Path) -> str:
    """The code with which a restore of the file ends that somebody wants at any price."""
    choices = Choices(acting=OWNER, accept_foreign=True, grant_roles=("person-8@studio.example",))
    run = requests.request(path, auditing.COMMAND_LINE, choices)
    try:
        applying.carry_out(run, path)
    except BackupSystemError as error:
        assert error.hint and RestoreRun.objects.get(pk=run.pk).state == "failed"
        return error.code
    return ""


def _documents(names: list[str], folder: Path, complete: Path) -> Iterator[tuple[str, Path]]:
    for number, name in enumerate(names):
        path = folder / f"{number}.json"
        if name in PLANNED:
            foreign(complete, path, PLANNED[name])
        elif name.startswith(("cell ", "row: ")):
            foreign(complete, path, _planted(name))
        else:
            path.write_bytes(CORPUS[name][1]())
        yield name, path
        path.unlink()


def _tried(names: list[str], folder: Path, complete: Path) -> dict[str, str]:
    """The codes by name; says how long and with how much memory it went."""
    before, began = _state(), time.perf_counter()
    codes = {name: _refusal(path) for name, path in _documents(names, folder, complete)}
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE
    sys.stdout.write(f"\n{len(names)} restores refused in {took:.1f} s, {peak:.0f} MiB at most\n")
    assert [name for name, code in codes.items() if not code] == []
    assert _state() == before
    assert len(before[0].tables) >= 82
    return codes


assert not PLANNED.keys() & CORPUS.keys()
# One of each kind that is refused while the file is read.
OF_EACH = [names[0] for names in GROUPS.values()]


def test_what_is_refused_leaves_tables_sequences_and_files_as_they_were(studio, tmp_path) -> None:
    codes = _tried([*OF_EACH, *PLANNED], tmp_path, studio.complete)
    assert {code.split(".")[0] for code in codes.values()} == {"artifact", "restore"}
    assert len({*codes.values()}) > 12, codes


def test_a_restore_that_is_not_refused_is_seen(studio, tmp_path) -> None:
    """The twin."""
    before = _state()
    file = foreign(studio.complete, tmp_path / "f.json", _first("organizations", name="Other"))
    assert _refusal(file) == ""
    assert _state() != before


@pytest.mark.battery
@pytest.mark.parametrize("group", GROUPS)
def test_every_hostile_file_leaves_everything_as_it_was(
    studio, tmp_path, group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        codes = _tried(GROUPS[group], tmp_path, studio.complete)
    assert [name for name, code in codes.items() if not code.startswith("artifact.")] == []
