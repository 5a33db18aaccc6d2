"""Findings name a choice; a command says its option, a page its box, and neither speaks of the other's."""

import ast
from pathlib import Path

import pytest

from restore.management.choices import OPTIONS, remedy
from restore.plan import CHOICE_OF, Choices
from restore.views.presenting import page_hint
from tests.docs.pages import ROOT


@pytest.mark.parametrize("code", CHOICE_OF)
def test_a_command_says_its_option_and_a_page_does_not(code) -> None:
    option = OPTIONS[CHOICE_OF[code]].split()[0]
    assert remedy(code, "Do it.") == f"Do it. ({OPTIONS[CHOICE_OF[code]]})"
    assert option not in page_hint(code, "Do it.")


def test_every_choice_has_an_option() -> None:
    assert set(OPTIONS) == set(Choices.__dataclass_fields__)


def options_named(path: Path) -> list[str]:
    """Options of commands in texts that a page could show."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    names = {option.split()[0] for option in OPTIONS.values()}
    return [t for t in texts if isinstance(t, str) and any(name in t for name in names)]


def test_no_sentence_beside_the_commands_names_an_option() -> None:
    """Findings and errors are read on pages too."""
    found = {}
    for app in ("backups", "restore"):
        for path in (ROOT / app).rglob("*.py"):
            if "management" not in path.parts and (named := options_named(path)):
                found[str(path)] = named
    assert found == {}


def test_without_the_search_an_option_would_be_found(tmp_path) -> None:
    (tmp_path / "x.py").write_text('HINT = "Say so: --accept-foreign."')
    assert options_named(tmp_path / "x.py") == ["Say so: --accept-foreign."]
