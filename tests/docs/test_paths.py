"""Paths, links and the tree that the pages show lead to something that is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, all_pages, page

PAGES = all_pages()
TOPS = "backups|restore|backupsvc|tests|docs|templates|changelog|benchmarks|.ci".replace(".", r"\.")
# A path in backticks that begins at the root of the repository; names in capitals stand for others, and
# ``backupsvc/1`` is a format.
PATH = re.compile(rf"`(?!backupsvc/\d)((?:{TOPS})/[a-z0-9_./-]*)`")


def paths_in(text: str) -> list[str]:
    return PATH.findall(text)


def missing(paths: list[str]) -> list[str]:
    return [path for path in paths if not _is_there(path)]


def _is_there(path: str) -> bool:
    """A template may also be named as Django finds it, ``app/page.html``."""
    app = path.split("/")[0]
    return (ROOT / path).exists() or (ROOT / app / "templates" / path).is_file()


def tree_in(text: str) -> Iterator[str]:
    """The paths that the listing under "The house" shows, planned ones left out."""
    listing = text.split("## The house")[1].split("```")[1]
    above: dict[int, str] = {}
    for line in listing.strip("\n").split("\n"):
        depth = len(line) - len(line.lstrip())
        if depth > 4 or "(planned)" in line:
            continue  # the second line of a description
        names = re.match(r"(?:[\w.]+(?:/[\w.]+)*/?(?: {1,2}|$))+", line.lstrip())
        parent = above.get(depth - 2, "")
        for name in (names[0] if names else "").split():
            if name.endswith("/") or "." in name or name.isupper():
                yield parent + name
                above[depth] = parent + name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_path_that_a_page_names_is_there(path: Path):
    assert missing(paths_in(path.read_text(encoding="utf-8"))) == []


def test_a_path_that_has_gone_would_be_noticed():
    text = "See `restore/gone.py`, `backups/conf.py` and `backups/base.html`."
    assert missing(paths_in(text)) == ["restore/gone.py"]


def test_the_tree_of_the_design_is_the_repository_s():
    shown = list(tree_in(page("design.md")))
    assert {"backups/registry/", "restore/services/", "tests/", "LICENSE"} <= set(shown)
    assert [path for path in shown if not (ROOT / path).exists()] == []


def test_everything_at_the_top_is_in_the_tree_of_the_design():
    shown = {path.split("/")[0] for path in tree_in(page("design.md"))}
    apps = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert apps - shown == set()
    assert {path.name for path in ROOT.glob("*.md")} - shown == set()


def test_a_tree_that_shows_what_is_not_there_would_be_noticed():
    shown = list(tree_in("## The house\n```\nbackups/    makes\n  gone.py  jobs.py    ran\n```"))
    assert shown == ["backups/", "backups/gone.py", "backups/jobs.py"]


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")), ids=lambda path: path.name)
def test_every_link_of_a_page_at_the_top_leads_somewhere(path: Path):
    links = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    relative = [link for link in links if "://" not in link]
    assert [link for link in relative if not (path.parent / link).exists()] == []
