"""What a locator's value means."""

import pytest
from django.core.files.storage import default_storage

from backups.files.resolve import HttpTarget, StorageTarget, Target, display_name, resolve


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("studio/a.png", StorageTarget("default", "studio/a.png")),
        ("/studio/a.png", StorageTarget("default", "studio/a.png")),
        ("/media/studio/a.png", StorageTarget("default", "studio/a.png")),
        ("/media/a%20b%C3%A9.png?width=5#top", StorageTarget("default", "a bé.png")),
        ("https://files.example/a.png", HttpTarget("https://files.example/a.png")),
        ("http://files.example/a.png", HttpTarget("http://files.example/a.png")),
        ("//files.example/a.png", HttpTarget("https://files.example/a.png")),
        ("ftp://files.example/a.png", HttpTarget("ftp://files.example/a.png")),
        ("data:image/png;base64,AAAA", None),
    ],
)
def test_an_address(value: str, target: Target | None):
    assert resolve(value, "default", is_path=False) == target


@pytest.mark.parametrize(
    ("value", "name"),
    [("/Team/a.dwg", "Team/a.dwg"), ("a b.ctb", "a b.ctb"), ("/media/a.ctb", "media/a.ctb")],
)
def test_a_path_is_a_name_in_the_storage_whatever_it_looks_like(value: str, name: str):
    assert resolve(value, "default", is_path=True) == StorageTarget("default", name)


def test_what_the_storage_calls_its_own_address_leads_back_to_the_name():
    name = "studio/ä b#c.png"
    assert resolve(default_storage.url(name), "default", is_path=False) == (
        StorageTarget("default", name)
    )


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (StorageTarget("default", "studio/a.png"), "a.png"),
        (HttpTarget("https://files.example/x/a%20b.png?q=/c.png"), "a b.png"),
        (HttpTarget("https://files.example/"), "file"),
        (HttpTarget("https://files.example/folder/"), "folder"),
        (HttpTarget("https://files.example/a%00b%1b.png"), "a\ufffdb\ufffd.png"),
        (StorageTarget("default", "studio/a\0b\n.png"), "a\ufffdb\ufffd.png"),
    ],
)
def test_the_name_for_people_is_the_last_part(target: Target, name: str):
    assert display_name(target) == name
