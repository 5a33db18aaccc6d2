"""What the pages name is there: parameters, settings, tests, targets, scripts of the house."""

import inspect
import re

import pytest

from backups.registry import Address, FileLocator, JsonAddress, StoragePath, declare
from tests.docs.pages import DOCS, ROOT, first_cells, page, readme

SETTING = re.compile(r'"((?:BACKUPS|RESTORE)_[A-Z_]+)"')
PAGES = sorted(path.name for path in DOCS.glob("*.md"))


def settings_of_the_source() -> set[str]:
    files = [path for app in ("backups", "restore") for path in (ROOT / app).rglob("*.py")]
    return {
        name for path in files for name in SETTING.findall(path.read_text(encoding="utf-8"))
    } | {
        "BACKUPS_ROOT",
        "BACKUPS_KEY_FILE",
    }


def test_every_setting_on_the_page_is_one_that_something_reads() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", page("operating.md"), re.MULTILINE))
    assert documented - settings_of_the_source() == set()


def test_every_setting_that_something_reads_is_on_the_page() -> None:
    assert {n for n in settings_of_the_source() if f"`{n}`" not in page("operating.md")} == set()


def test_every_parameter_of_a_declaration_is_on_its_page() -> None:
    documented = first_cells(page("declaring-tables.md").split("## `section(")[1].split("## ")[0])
    taken = set(inspect.signature(declare.section).parameters) - {"model", "to"}
    assert {name for name in documented if name.isidentifier()} >= taken


@pytest.mark.parametrize("kind", [StoragePath, Address, JsonAddress])
def test_every_locator_and_its_parameters_are_on_the_page(kind: type[FileLocator]) -> None:
    text = page("declaring-tables.md")
    assert f"`{kind.__name__}(" in text
    for name in set(inspect.signature(kind).parameters) - {"field"}:
        assert name in text


def test_every_test_that_a_guarantee_names_is_there() -> None:
    named = re.findall(r"`((?:tests|backups|restore)/[\w/.]+)`", page("guarantees.md"))
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_page_is_listed_in_the_readme() -> None:
    assert [name for name in PAGES if f"(docs/{name})" not in readme()] == []


@pytest.mark.parametrize("name", ["README.md", *PAGES])
def test_a_page_speaks_of_the_project_alone(name: str) -> None:
    text = readme() if name == "README.md" else page(name)
    assert not re.search(
        r"pypi|pythonhosted|(?<![\w.])/(?:home|root|Users|work)/", text, re.IGNORECASE
    )
