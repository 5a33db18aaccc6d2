"""Each change tells what it means for whom, in a file of the form that the template shows."""

import re

import pytest

from tests.docs.pages import ROOT

KINDS = ("Security", "Change", "Bugfix", "Enhancement")
UNRELEASED = sorted((ROOT / "changelog" / "unreleased").glob("*"))
FIRST_LINE = re.compile(rf"(?:{'|'.join(KINDS)}): \S.{{8,118}}")
GOOD = "Bugfix: A backup ends at once when it is cancelled\n\nIt went on for a minute before.\n"


def objections(text: str) -> list[str]:
    """What is wrong with the form of a change's file."""
    first, blank, *rest = [*text.split("\n"), "", ""][: text.count("\n") + 3]
    found = []
    if not FIRST_LINE.fullmatch(first):
        found.append("the first line is not a kind, a colon and a sentence")
    if blank.strip():
        found.append("the second line is not blank")
    if not re.search(r"\w.*\.\s*$", "\n".join(rest), re.DOTALL):
        found.append("no sentence says what it means for whom")
    return found


@pytest.mark.parametrize("path", UNRELEASED, ids=lambda path: path.name)
def test_a_change_has_the_form(path):
    assert path.suffix == ".md"
    assert objections(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "broken",
    [
        GOOD.replace("Bugfix: ", ""),
        GOOD.replace("Bugfix", "Fix"),
        GOOD.replace("A backup ends at once when it is cancelled", ""),
        GOOD.replace("\n\n", "\n"),
        GOOD.split("\n")[0] + "\n",
    ],
)
def test_a_change_without_the_form_would_be_noticed(broken):
    assert objections(GOOD) == []
    assert objections(broken) != []


def test_the_template_and_the_page_name_the_same_kinds():
    template = (ROOT / "changelog" / "TEMPLATE.md").read_text(encoding="utf-8")
    table = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| ([A-Z]\w+) \|", table, re.MULTILINE)) == KINDS
    assert f"one of {', '.join(KINDS)}." in template
    assert template.startswith(KINDS)
