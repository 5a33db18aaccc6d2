"""A command loads what it uses: the start of every one of them waits for the rest."""

import subprocess
import sys

import pytest

SLOW = {"redis", "redis.asyncio", "requests", "rich", "rq", "django_rq", "urllib3"}
COMMANDS = {
    "backups": ["backup_coverage", "backup_create", "backup_worker"],
    "restore": [
        *("backup_inspect", "backup_rehearse", "restore_apply", "restore_plan"),
        *("restore_release", "restore_undo"),
    ],
}
LOAD = """
import sys, django
django.setup()
from django.core.management import load_command_class
load_command_class({app!r}, {name!r})
{more}
print(*sys.modules)
"""


def loaded(app: str, name: str, more: str = "") -> set[str]:
    """What a new process has loaded once it could begin with the command."""
    program = LOAD.format(app=app, name=name, more=more)
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    ("app", "name"), [(a, name) for a, names in COMMANDS.items() for name in names]
)
def test_it_starts_without_what_only_some_commands_use(app: str, name: str) -> None:
    assert loaded(app, name) & SLOW == set()


def test_what_a_table_or_the_queue_or_an_address_needs_would_be_noticed() -> None:
    more = (
        "from backups.management.terminal import Output\n"
        "from django.core.management.base import BaseCommand\n"
        "Output(BaseCommand(), width=80)\n"
        "import backups.jobs.queue, backups.files.http\n"
    )
    assert loaded("backups", "backup_coverage", more) >= SLOW
