"""Every declared locator of every row, once, in one order."""

import json

import pytest

from backups.database import introspection, locators
from backups.database.connection import connected
from backups.database.table_reading import reading
from backups.registry import COMPLETE, registry
from backupsvc.studio.models import Client, Project, ProjectUpdateMessage, User
from tests.backups.studio import picture, small_studio

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders", "studio")]


@pytest.fixture
def studio(folders) -> None:
    small_studio()


def located(key: str) -> list[list[object]]:
    """What the rows of one section point at: storage, whether a path, value, column, keys."""
    with connected(purpose="test") as session:
        tables = introspection.live_tables(session)
        wanted = [reading(registry.by_key()[key], COMPLETE, tables)]
        blocks: list[bytes] = []
        locators.stream_locators(session, wanted, blocks.append)
    lines = [json.loads(line) for line in b"".join(blocks).splitlines()]
    assert all(line[3] == key for line in lines)
    return [[*line[:3], *line[4:]] for line in lines]


def test_equal_values_stand_together_with_each_row_that_uses_them():
    picture("again", "studio/a.png")
    assert located("assets") == [
        ["default", False, "/media/studio/a.png", "url", ["by-address"]],
        ["default", False, "studio/a.png", "url", ["again"]],
        ["default", False, "studio/a.png", "url", ["by-name"]],
    ]


def test_empty_and_missing_values_locate_nothing():
    User.objects.update(image="")
    assert located("users") == []
    User.objects.update(image=None)
    assert located("users") == []


def test_a_row_for_which_the_rule_makes_an_exception_is_left_out():
    picture("page", "https://inspiration.example/", kind="LINK")
    assert "https://inspiration.example/" not in [value for _, _, value, *_ in located("assets")]


def test_a_path_into_json_yields_each_address_once():
    ProjectUpdateMessage.objects.create(
        id="m",
        update_id="u",
        author_id="noa",
        content="x",
        message_type="TEXT",
        attachments=[
            {"url": "studio/a.png", "name": "url"},
            {"url": "studio/a.png"},
            {"url": "https://files.example/b.pdf"},
            {"url": None},
            {"url": 7},
            {"name": "without"},
            "no object",
        ],
    )
    assert [value for _, _, value, *_ in located("projectUpdateMessages")] == [
        "https://files.example/b.pdf",
        "studio/a.png",
    ]


def test_an_id_of_a_row_is_a_reference_and_no_address():
    client = Client.objects.create(id="c", name="C", email="c@x.example", org_id="atelier")
    Project.objects.create(
        client=client,
        id="p",
        name="Villa",
        org_id="atelier",
        created_by_id="noa",
        updated_by_id="noa",
        cover_images=["by-name", "an-id-of-nothing", "studio/cover.png", "https://x.example/y"],
    )
    assert [value for _, _, value, *_ in located("projects")] == [
        "https://x.example/y",
        "studio/cover.png",
    ]
