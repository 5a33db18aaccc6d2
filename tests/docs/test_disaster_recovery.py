"""docs/disaster-recovery.md as it is written: each command is one that there is, and together they do it."""

import re
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests.docs.pages import page
from tests.second_installation import Installation, installed, migrated

BLOCK = re.compile(r"^```console (\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = ("complete.json", "recovery-kit.json")


def commands(name: str, text: str = "") -> list[list[str]]:
    """The commands of a block, as arguments of ``manage.py``."""
    blocks = dict(BLOCK.findall(text or page("disaster-recovery.md")))
    lines = [shlex.split(line.removeprefix("$ ")) for line in blocks[name].strip().split("\n")]
    assert all(line[:2] == ["python", "manage.py"] for line in lines)
    return [line[2:] for line in lines]


def parsed(command: list[str]) -> object:
    """What the command makes of its options. Raises CommandError where there is no such option."""
    name, *options = command
    made = load_command_class(get_commands()[name], name)
    return made.create_parser("manage.py", name).parse_args(options)


@pytest.mark.parametrize("name", ["before", "kit", "without"])
def test_every_command_and_option_is_there(name):
    for command in commands(name):
        assert parsed(command)


def test_an_option_that_is_not_there_would_be_noticed():
    (command,) = commands("x", "```console x\n$ python manage.py restore_plan f --brand-new\n```\n")
    with pytest.raises(BaseException, match=r"brand-new|2"):
        parsed(command)


@pytest.fixture(scope="module")
def template(django_db_setup, django_db_blocker) -> Iterator[str]:
    with django_db_blocker.unblock(), migrated() as address:
        yield address


@pytest.fixture(scope="module")
def old_server(template, tmp_path_factory, django_db_blocker) -> Iterator[Installation]:
    """Where the page's commands from before that day were run."""
    folder = tmp_path_factory.mktemp("old")
    with django_db_blocker.unblock(), installed(template, folder) as made:
        made.manage("seed_studio")
        follow(made, "before", may_be_incomplete=True)
        yield made


def follow(made: Installation, name: str, *, may_be_incomplete: bool = False) -> float:
    """Run a block in a folder that has the page's files; the seconds that it took."""
    begun = time.monotonic()
    for command in commands(name):
        named = [str(made.folder / part) if part in FILES else part for part in command]
        # The demo's files of other servers are nowhere here: a backup with gaps, which ends with 3.
        may_end = (0, 3) if may_be_incomplete else (0,)
        made.manage(*named, may_end=may_end)
    return time.monotonic() - begun


def accounts(made: Installation) -> str:
    rows = "[*User.objects.order_by('email').values_list('email', 'role', 'approval_status', 'password')]"
    return made.manage("shell", "-c", f"from backupsvc.studio.models import User; print({rows})")


@pytest.mark.battery
@pytest.mark.django_db  # run alone, nobody else would ask for the database that others are made beside
@pytest.mark.parametrize("name", ["kit", "without"])
def test_the_page_brings_everybody_back(name, template, old_server, tmp_path, django_db_blocker):
    with django_db_blocker.unblock(), installed(template, tmp_path) as made:
        for file in FILES if name == "kit" else FILES[:1]:
            shutil.copy(Path(old_server.folder) / file, tmp_path / file)
        seconds = follow(made, name)
        assert accounts(made) == accounts(old_server)
        assert seconds < 300
        print(f"docs/disaster-recovery.md, {name}: {seconds:.0f} s")  # noqa: T201 - shown with -s
