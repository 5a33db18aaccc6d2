"""The artifacts of every released format come back, row by row, into today's schema."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from backups.artifact.manifest import FORMAT
from backups.registry import COMPLETE, SAFE, access, registry
from backups.services import auditing, vault
from backupsvc.studio.models import User
from restore.inspection import inspect
from restore.plan import Choices
from restore.services.applying import applying
from restore.services.asking import requests
from tests.databases import empty_folder
from tests.roundtrip import independent
from tests.roundtrip.engine import back_up, parsed

FOLDER = Path(__file__).parent
ARTIFACTS = sorted(FOLDER.glob("*.json.zst"))
HERE = "owner-of-this-server@studio.example"
GRANTED = ("owner@studio.example", "admin@studio.example")

each = pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda path: path.name)


@pytest.fixture(autouse=True)
def surroundings(transactional_db):
    yield
    for folder in (settings.MEDIA_ROOT, settings.BACKUPS_ROOT):
        empty_folder(Path(folder))


def plain(artifact: Path) -> bytes:
    with artifact.open("rb") as file:
        return vault.open_plain(file).read(-1)


def restore(artifact: Path, acting: str) -> Any:
    let_in = tuple(one.key for one in registry.sections if access.lets_in(one))
    choices = Choices(acting=acting, accept_foreign=True, grant_roles=GRANTED, let_in=let_in)
    run = requests.request(artifact, auditing.COMMAND_LINE, choices)
    return applying.carry_out(run, artifact)


def test_todays_format_has_its_two_artifacts() -> None:
    today = FORMAT.replace("/", "-")
    names = {path.name for path in ARTIFACTS}
    assert {f"{today}-safe.json.zst", f"{today}-complete.json.zst"} <= names
    assert sum(path.stat().st_size for path in ARTIFACTS if path.name.startswith(today)) < 1_500_000


def test_todays_safe_scope_has_an_artifact_beside_that_of_before() -> None:
    sections = [
        set(independent.read(plain(path))["data"]) for path in ARTIFACTS if "safe" in path.name
    ]
    # The app of these tests is no part of the studio that the artifacts are of.
    today = {s.key for s in registry.in_scope(SAFE) if s.model._meta.app_label == "studio"}
    assert today in sections and any(before < today for before in sections)


@each
def test_it_is_sound_to_the_inspection_and_to_a_second_reader(artifact) -> None:
    inspection = inspect(artifact)
    assert not inspection.authentic
    document = independent.read(plain(artifact))
    assert document["type"] in artifact.name
    assert sum(map(len, document["data"].values())) > 2000
    assert (document["statistics"]["files"]["embedded"] > 5) == (document["type"] == "complete")


@each
def test_every_row_and_file_comes_back(artifact) -> None:
    User.objects.create_superuser(HERE, "a password")
    document = independent.read(plain(artifact))
    is_safe = document["type"] == "safe"
    run = restore(artifact, acting=HERE if is_safe else "")
    assert run.state == "succeeded"
    data = parsed(back_up(COMPLETE))["data"]
    assert differences(document, data) == []
    assert run.report["files"]["added"] >= (0 if is_safe else 5)
    if is_safe:
        assert User.objects.get(email=HERE).role == "OWNER"
    roles = User.objects.exclude(email=HERE).values_list("email", "role")
    assert dict(roles)["owner@studio.example"] == "OWNER"


def _kept_closed(key: str) -> set[str]:
    """Tokens of tables that Safe files have too: those of a foreign file come back with no row."""
    section = registry.by_key().get(key)
    return set(section.secret) if section and section.in_safe else set()


def differences(document: dict[str, Any], data: dict[str, Any]) -> list[str]:
    """Rows of the file that the database does not have, looked at through the file's columns."""
    found = []
    for head in document["sections"]:
        key = head["key"]
        columns = [
            c["name"]
            for c in head["columns"]
            if c["name"] not in {*_decided_here(key), *_kept_closed(key)}
        ]
        wanted = {_seen(row, columns) for row in document["data"][key]}
        there = {_seen(row, columns) for row in data[key]}
        found += [f"{key}: {row}" for row in wanted - there]
    return found


def _decided_here(key: str) -> tuple[str, ...]:
    """What a foreign file says of people, and an owner decides."""
    decided = ("role", "password", "approval_status", "approved_at", "approved_by_id")
    return decided if key == "users" else ()


def _seen(row: dict[str, Any], columns: list[str]) -> str:
    return repr([row.get(column) for column in columns])


def test_a_lost_cell_is_seen(monkeypatch) -> None:
    document = independent.read(plain(ARTIFACTS[0]))
    data = {key: [dict(row) for row in rows] for key, rows in document["data"].items()}
    assert differences(document, data) == []
    data["projects"][3]["name"] = "another"
    assert len(differences(document, data)) == 1
