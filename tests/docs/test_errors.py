"""docs/errors.md names every check id and error code of the source, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(
    r"(artifact|backups|coverage|database|file|installation|internal|lock|output|rehearsal|restore"
    r"|run|schema|storage|undo|upload|worker)\.[A-Za-z0-9_]+"
)
# These take names of pages and deeds, which look alike.
NOT_ERRORS = {"audit", "needs", "include", "refused", "login_required"}


def codes_of(source: str) -> Iterator[str]:
    """What stands first or second in a call or a tuple and has the form of a code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            if ast.unparse(node.func).rsplit(".", 1)[-1] in NOT_ERRORS:
                continue
            parts = node.args
        elif isinstance(node, ast.Tuple):
            parts = node.elts
        else:
            continue
        for part in parts[:2]:
            if isinstance(part, ast.Constant) and CODE.fullmatch(str(part.value)):
                yield str(part.value)


def codes_of_the_source() -> set[str]:
    files = [p for app in ("backups", "restore") for p in (ROOT / app).rglob("*.py")]
    return {code for path in files for code in codes_of(path.read_text(encoding="utf-8"))}


def codes_of_the_page() -> set[str]:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))


def test_every_code_of_the_source_is_on_the_page() -> None:
    assert codes_of_the_source() - codes_of_the_page() == set()


def test_no_code_on_the_page_has_gone_from_the_source() -> None:
    assert codes_of_the_page() - codes_of_the_source() == set()


def test_a_code_that_nobody_wrote_down_would_be_noticed() -> None:
    source = 'raise RestoreError("restore.brand_new", "It broke.", hint="Mend it.")'
    assert set(codes_of(source)) - codes_of_the_page() == {"restore.brand_new"}
