"""docs/errors.md names every check id, error code and exit status of the source, and no other."""

import ast
import re
from collections.abc import Iterator

from backups.management import terminal
from tests.docs.pages import ROOT, first_cells, page

CODE = re.compile(
    r"(artifact|audit|backup|backups|coverage|database|encryption|file|installation|internal|key|kit|lock"
    r"|output|passphrase|rehearsal|restore|run|schema|start|storage|undo|upload|worker)\.[A-Za-z0-9_]+"
)
# These take names of pages and deeds, which look alike.
NOT_ERRORS = {"audit", "note_refusal", "needs", "include", "refused", "login_required"}
# The private servers have codes of their own, first among the arguments of these.
OF_THE_SERVERS = {"EmbeddedError", "_failure"}
PAGE = page("errors.md")


def calls_of(source: str) -> Iterator[tuple[str, list[ast.expr]]]:
    """Each call by its name with its arguments; tuples and members called "code", without a name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rsplit(".", 1)[-1], node.args
        elif isinstance(node, ast.Tuple):
            yield "", node.elts
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield "", [v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "code"]


def codes_of(source: str) -> Iterator[str]:
    """What stands first or second somewhere and has the form of a code."""
    for name, parts in calls_of(source):
        for part in parts[:2] if name not in NOT_ERRORS else ():
            if isinstance(part, ast.Constant) and CODE.fullmatch(str(part.value)):
                yield str(part.value)


def codes_of_the_servers(source: str) -> Iterator[str]:
    for name, parts in calls_of(source):
        if name in OF_THE_SERVERS and parts and isinstance(parts[0], ast.Constant):
            yield str(parts[0].value)


def sources(*apps: str) -> Iterator[str]:
    for app in apps:
        for path in (ROOT / app).rglob("*.py"):
            yield path.read_text(encoding="utf-8")


def codes_of_the_source() -> set[str]:
    ours = {code for source in sources("backups", "restore") for code in codes_of(source)}
    return ours | {code for source in sources("backupsvc") for code in codes_of_the_servers(source)}


def codes_of_the_page() -> set[str]:
    return set(first_cells(PAGE))


def test_every_code_of_the_source_is_on_the_page() -> None:
    assert codes_of_the_source() - codes_of_the_page() == set()


def test_no_code_on_the_page_has_gone_from_the_source() -> None:
    assert codes_of_the_page() - codes_of_the_source() == set()


def test_a_code_that_nobody_wrote_down_would_be_noticed() -> None:
    source = 'raise RestoreError("restore.brand_new", "It broke.", hint="Mend it.")'
    assert set(codes_of(source)) - codes_of_the_page() == {"restore.brand_new"}


def test_a_code_of_the_servers_that_nobody_wrote_down_would_be_noticed() -> None:
    source = 'raise EmbeddedError("brand-new", "It broke.", hint="Mend it.")'
    assert set(codes_of_the_servers(source)) - codes_of_the_page() == {"brand-new"}


def test_every_exit_status_is_on_the_page() -> None:
    table = PAGE.split("## Exit statuses")[1].split("## ")[0]
    assert [int(status) for status in re.findall(r"^\| (\d) \|", table, re.MULTILINE)] == [
        *(terminal.DONE, terminal.FAILED, terminal.UNSOUND, terminal.INCOMPLETE),
    ]


def test_every_code_has_a_cause_and_a_remedy() -> None:
    for row in re.findall(r"^\| `.*$", PAGE, re.MULTILINE):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 3, row
        assert all(cells), row
