"""docs/security.md: every incident has a test for its control, and each test that it names is there."""

import re

import pytest

from tests.docs.pages import ROOT, page

PATH = re.compile(r"`(tests/[\w/]+\.py)`((?:: `\w+`(?:, `\w+`)*)?)")


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the table with this head."""
    table = text.split(f"\n| {head} |", 1)[1].split("\n\n", 1)[0]
    return [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.split("\n")[2:]
    ]


def lacking(named: str) -> list[str]:
    """Of the tests that a cell names, those that are not there; itself where it names none without reason."""
    found = []
    for path, names in PATH.findall(named):
        source = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""
        wanted = re.findall(r"`(\w+)`", names)
        found += [f"{path} {n}" for n in wanted if f"\ndef test_{n}(" not in source]
        found += [path] if not source else []
    says_why = named.startswith("nothing to test: ")
    return found or ([] if says_why or PATH.search(named) else [named])


@pytest.mark.parametrize("head", ["row | shown by", "a file that | shown by", "attack | shown by"])
def test_every_test_that_is_named_is_there(head):
    lines = rows(page("security.md"), head)
    assert len(lines) > 10
    assert [said for *_, shown in lines for said in lacking(shown)] == []


def test_every_incident_has_a_line():
    incidents = [cells[0] for cells in rows(page("security.md"), "incident | control")]
    shown = [cells[0] for cells in rows(page("security.md"), "row | shown by")]
    assert len(incidents) > 20
    assert [row for row in incidents if not any(row.startswith(key) for key in shown)] == []


def test_a_test_that_is_not_there_would_be_noticed():
    here = "`tests/docs/test_security.py`: `every_incident_has_a_line`, `nobody_wrote_this`"
    assert lacking(here) == ["tests/docs/test_security.py nobody_wrote_this"]
    assert lacking("`tests/docs/nowhere.py`") == ["tests/docs/nowhere.py"]
    assert lacking("of course") == ["of course"]
