"""The worst day: another server, nobody has an account there, and in the owner's hand is a file."""

import time
from collections.abc import Iterator

import pytest

from backups.registry import COMPLETE
from backups.services import recovery_kit
from backupsvc.studio.models import User
from tests.browser.restoring import OWNER, choose, confirm
from tests.browser.visitor import PASSWORD, Visitor
from tests.second_installation import Installation, installed, migrated, running

FIRST = "first@new.example"
WIDE, NARROW = {}, {"viewport": {"width": 360, "height": 740}}
# docs/disaster-recovery.md promises these.
MOST_CLICKS, MOST_SECONDS = 12, 300


class Newcomer(Visitor):
    """Somebody whose clicks are counted; typing is none."""

    clicks = 0

    def click(self, name: str) -> None:
        self.clicks += 1
        super().click(name)


@pytest.fixture(scope="package")
def template(studio) -> Iterator[str]:
    with migrated() as address:
        yield address


@pytest.fixture
def elsewhere(template, tmp_path, transactional_db) -> Iterator[Installation]:
    with installed(template, tmp_path / "elsewhere") as made, running(made) as server:
        yield server


def begin(newcomer: Newcomer, code: str) -> None:
    newcomer.open("/")
    newcomer.sees("Nobody has an account here yet")
    newcomer.inspect()
    newcomer.page.get_by_label("One-time code").fill(code)
    newcomer.page.get_by_label("E-mail address").fill(FIRST)
    newcomer.page.get_by_label("A password for your account").fill(PASSWORD)
    newcomer.page.get_by_label("The same password, again").fill(PASSWORD)
    newcomer.click("I have a backup")
    newcomer.sees("Choose a backup file")
    newcomer.inspect()


def finish(newcomer: Newcomer) -> None:
    newcomer.sees(f"Your account {FIRST} is not in the file and goes")
    newcomer.inspect()
    newcomer.click("Go on to the confirmation …")
    newcomer.sees("DESTRUCTIVE")
    newcomer.inspect()
    confirm(newcomer)
    newcomer.sees("The restore succeeded", seconds=120)
    newcomer.sees(f"The account {FIRST} went with what was here before")
    newcomer.inspect()
    newcomer.click("Sign in again")
    newcomer.page.get_by_label("Email").fill(OWNER)
    newcomer.page.get_by_label("Password").fill(PASSWORD)
    newcomer.click("Log in")
    newcomer.sees("The way back")


def roles(server: Installation) -> str:
    """Who is who there, in one line each."""
    return server.manage(
        "shell",
        "--no-imports",
        "--command",
        "from backupsvc.studio.models import User\n"
        "for u in User.objects.order_by('email'): print(u.email, u.role, u.approval_status, u.password)",
    )


def roles_here() -> str:
    people = User.objects.order_by("email")
    return "".join(f"{u.email} {u.role} {u.approval_status} {u.password}\n" for u in people)


def one_time_code(server: Installation) -> str:
    return server.manage("first_start").splitlines()[1].strip()


def test_an_owner_saves_the_kit_because_the_dashboard_asks(visitor, tmp_path):
    owner = visitor("owner", **NARROW)
    owner.open()
    owner.click("Save the recovery kit")
    owner.sees("Keep it apart from the backups")
    owner.inspect()
    owner.page.get_by_label("Your password, again").fill(PASSWORD)
    owner.click("Show the recovery kit")
    kit = recovery_kit.current()
    owner.sees(kit.lines[0])
    owner.page.get_by_role("button", name="Print this page").wait_for()
    owner.inspect()
    with owner.page.expect_download() as saving:
        owner.click("Save the file")
    saving.value.save_as(tmp_path / "kit.json")
    assert recovery_kit.read(tmp_path / "kit.json") == kit
    owner.open()
    owner.sees("Could you restore today?")
    assert owner.page.get_by_role("link", name="Save the recovery kit").count() == 0


def test_with_the_kit_everybody_is_back_and_signs_in(browser, elsewhere, backup, tmp_path):
    file, kit = backup(COMPLETE), tmp_path / "recovery-kit.json"
    recovery_kit.write(kit)
    begun = time.monotonic()
    newcomer = Newcomer(browser, elsewhere.address, **WIDE)

    begin(newcomer, one_time_code(elsewhere))
    newcomer.clicks += 2  # the two windows that choose a file
    newcomer.page.get_by_label("recovery-kit.json").set_input_files(kit)
    choose(newcomer, file)
    newcomer.sees("the installation of your recovery kit", seconds=120)
    finish(newcomer)

    assert roles(elsewhere) == roles_here()
    assert newcomer.clicks <= MOST_CLICKS
    assert time.monotonic() - begun < MOST_SECONDS
    assert newcomer.open("/admin/restore/restorerun/first-start/") == 404
    newcomer.leave()


def test_without_the_kit_one_confirmation_takes_all_accounts(browser, elsewhere, backup):
    file = backup(COMPLETE)
    newcomer = Newcomer(browser, elsewhere.address, **NARROW)

    begin(newcomer, one_time_code(elsewhere))
    newcomer.clicks += 1
    choose(newcomer, file)
    newcomer.sees("Nothing is here yet: take everybody as in the file", seconds=120)
    newcomer.inspect()
    assert newcomer.page.get_by_role("checkbox", name="All accounts as in the file").is_checked()
    newcomer.click("Plan with all these accounts")
    newcomer.sees("You took it with all its accounts", seconds=120)
    finish(newcomer)

    assert roles(elsewhere) == roles_here()
    assert newcomer.clicks <= MOST_CLICKS
    newcomer.leave()
