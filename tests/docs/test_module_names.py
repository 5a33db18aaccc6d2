"""No two modules whose names differ by one letter: whoever looks for a line would open the wrong one."""

from itertools import combinations
from pathlib import Path

from tests.docs.pages import ROOT

# Words of their own, which nobody takes for one another.
APART = {("mail", "tail"), ("matching", "watching"), ("tail", "trail")}


def names(*apps: str) -> list[str]:
    paths = (path for app in apps for path in (ROOT / app).rglob("*.py"))
    return sorted({p.stem for p in paths if "migrations" not in p.parts and p.stem != "__init__"})


def are_alike(one: str, other: str) -> bool:
    """One letter more, or another one at one place."""
    short, long = sorted((one, other), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1
    return any(long[:place] + long[place + 1 :] == short for place in range(len(long)))


def test_no_two_modules_differ_by_a_letter() -> None:
    alike = {pair for pair in combinations(names("backups", "restore"), 2) if are_alike(*pair)}
    assert alike - APART == set()


def test_names_that_differ_by_a_letter_would_be_noticed() -> None:
    assert are_alike("json_path", "json_paths") and are_alike("waiting", "writing")
    assert not are_alike("reader", "table_reading") and not are_alike("stages", "staging")
    assert Path(__file__).stem not in names("backups")
