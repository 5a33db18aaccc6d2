"""The documentation as the tests read it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def first_cells(text: str) -> list[str]:
    """What stands in backticks at the start of a table's row."""
    return re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def all_pages() -> list[Path]:
    """Every page for people but those that are kept as history: the root's and those of docs/."""
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]
