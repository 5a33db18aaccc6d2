"""What is kept of fetched files is told, and can be let go; and what commands check before they begin."""

from io import StringIO

import pytest
from django.core.management import call_command, load_command_class

from backups.files.fetched import Fetched, Mark
from backups.files.resolve import HttpTarget
from backups.files.spool import Spool
from backups.management import terminal
from backups.services import vault

pytestmark = pytest.mark.usefixtures("folders")


def said(*options: str) -> str:
    out = StringIO()
    call_command("backup_fetched", *options, stdout=out)
    return out.getvalue()


def test_it_says_how_much_is_kept_and_lets_it_go(settings):
    settings.BACKUPS_FETCHED_LIMIT_BYTES = 1000
    assert said() == "0 files of 0 bytes kept; at most 1,000 bytes are kept.\n"
    with vault.spool("run") as spool:
        taken = spool.take([b"content"], limit_bytes=10)
        _keep(spool, taken)
    assert said().startswith("1 files of 7 bytes kept")
    assert said("--clear").startswith("1 files of 7 bytes deleted")
    assert said().startswith("0 files of 0 bytes kept")


def _keep(spool: Spool, taken: object) -> None:
    store = Fetched(vault.fetched(), 1000)
    store.keep(HttpTarget("https://a/b"), Mark("https://a/b", '"1"'), taken, spool)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("app", "name"),
    [
        ("backups", "backup_create"),
        ("backups", "backup_fetched"),
        ("restore", "backup_inspect"),
        ("restore", "backup_rehearse"),
        ("restore", "restore_plan"),
        ("restore", "restore_apply"),
        ("restore", "restore_undo"),
    ],
)
def test_a_command_checks_the_declarations_and_loads_no_page_for_it(app: str, name: str):
    assert load_command_class(app, name).requires_system_checks == terminal.CHECKS == ["backups"]
