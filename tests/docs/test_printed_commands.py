"""Every command that the software prints can be typed as it stands: its own parser takes it."""

import ast
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError

from backups.management import terminal
from restore.services.asking.requests import PHRASE
from tests.docs.pages import ROOT

NUMBER = "3fa94c0d11e2"
# What a person puts in, and what stands for it here.
FILLED = {"requests.PHRASE": PHRASE, "run.scope": "safe", "made": "studio.json", "phrase": PHRASE}
PRINTED = re.compile(r"manage\.py ([a-z_]+)((?: [^\n<;)`]*)?)")
# Without these the command is parsed and does nothing.
NEEDED = {
    "restore_apply": f'--confirm "{PHRASE}"',
    "restore_undo": f'--confirm "{PHRASE}"',
    "backup_delete": "--yes",
}
OURS = sorted(n for n, app in get_commands().items() if app in ("backups", "restore"))


def texts(source: str) -> Iterator[str]:
    """Every text of a module as it is printed, but for docstrings and parts of other texts."""
    tree = ast.parse(source)
    parts, docs = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts |= {id(value) for value in node.values}
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            docs.add(id(body[0].value))
    for node in ast.walk(tree):
        if id(node) in parts | docs:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(_part(value) for value in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _part(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    assert isinstance(value, ast.FormattedValue)
    return next((v for k, v in FILLED.items() if k in ast.unparse(value.value)), NUMBER)


def filled_template(source: str) -> str:
    """A template with something in the place of each variable."""
    source = re.sub(r"{{ kind[^}]*}}", "lost", source)
    source = re.sub(r"{{[^}]*page[^}]*}}", "2", source)
    return re.sub(r"{{[^}]*}}", NUMBER, re.sub(r"{%[^%]*%}", "", source))


def commands_in(text: str) -> Iterator[tuple[str, list[str], str]]:
    for name, rest in PRINTED.findall(text):
        typed = re.split(r"[.:,](?: |$)", rest)[0].strip()
        yield name, shlex.split(typed), typed


def printed() -> Iterator[tuple[str, str, list[str], str]]:
    for app in ("backups", "restore", "backupsvc", "templates"):
        for path in [*(ROOT / app).rglob("*.py"), *(ROOT / app).rglob("*.html")]:
            source = path.read_text(encoding="utf-8")
            if "manage.py" not in source:  # to go through all modules takes seconds, in each worker
                continue
            for text in texts(source) if path.suffix == ".py" else [filled_template(source)]:
                for name, words, typed in commands_in(text):
                    yield str(path.relative_to(ROOT)), name, words, typed


def parser_of(name: str) -> Any:
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, BaseCommand)
    parser = command.create_parser("manage.py", name)
    parser.called_from_command_line = False
    return parser


FOUND = list(printed())


@pytest.mark.parametrize(("where", "name", "words", "typed"), FOUND)
def test_a_printed_command_can_be_typed_as_it_stands(where, name, words, typed):
    assert name in get_commands(), f"{where}: {name}"
    parser_of(name).parse_args(words)
    assert NEEDED.get(name, "") in typed, f"{where}: {name} {typed} does nothing as printed"


def test_the_commands_are_found_where_they_are_printed():
    found = {(where.rsplit("/", 1)[-1], name) for where, name, _, _ in FOUND}
    assert {
        ("restore_apply.py", "restore_undo"),
        ("backup_create.py", "restore_plan"),
        ("dashboard.html", "backup_create"),
    } <= found


def test_what_fails_as_printed_is_found():
    ((name, words, typed),) = commands_in("(manage.py restore_undo 3fa94c0d11e2)")
    assert words == [NUMBER] and NEEDED[name] not in typed
    ((name, words, _),) = commands_in("Start one: manage.py backup_create now.")
    with pytest.raises(CommandError):
        parser_of(name).parse_args(words)


@pytest.mark.parametrize("name", OURS)
def test_the_help_of_a_command_explains_each_option_and_shows_how_it_is_typed(name):
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, terminal.Documented)
    assert command.examples
    parser = command.create_parser("manage.py", name)
    parser.called_from_command_line = False
    assert [a.dest for a in parser._actions if not a.help] == []
    assert "Exit status:" in parser.format_help()
    for typed, does in command.examples:
        first, *words = shlex.split(typed)
        assert first == name and does
        parser.parse_args(words)
        assert NEEDED.get(name, "") in typed
        assert f"  manage.py {typed}\n" in parser.format_help()
