"""Steps of a restore, by clicks, that more than one journey takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restore.services.asking.requests import PHRASE
from tests.browser.visitor import PASSWORD, Visitor

IMPORT = "/admin/restore/restorerun/import/"
OWNER = "owner@studio.example"


def open_import(visitor: Visitor) -> None:
    """Import Backup, with the password again, by keys: it takes a file then."""
    visitor.open(IMPORT)
    give_password(visitor)


def give_password(visitor: Visitor) -> None:
    """Where the page asks for it: it is good for a quarter of an hour."""
    asked = visitor.page.get_by_label("Your password, again")
    if asked.count():
        asked.fill(PASSWORD)
        visitor.page.keyboard.press("Enter")
    visitor.sees("Choose a backup file")


def choose(visitor: Visitor, path: Path) -> None:
    visitor.page.get_by_label("Choose a backup file").set_input_files(path)


def answer_the_last_question(visitor: Visitor, button: str) -> None:
    visitor.page.get_by_label("The words above").fill(PHRASE)
    visitor.page.get_by_label("Your password, again").fill(PASSWORD)
    visitor.click(button)


def confirm(visitor: Visitor) -> None:
    answer_the_last_question(visitor, "Restore now")


def sign_in_again(visitor: Visitor) -> None:
    visitor.click("Sign in again")
    visitor.page.get_by_label("Email").fill(OWNER)
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Log in").click()
    visitor.sees("The way back")


@contextmanager
def without_complaints_of(visitor: Visitor, words: str) -> Iterator[None]:
    """Chromium notes each refused request on its console; here a refusal is what is looked at."""
    yield
    forget(visitor, words)


def forget(visitor: Visitor, words: str) -> None:
    visitor.complaints[:] = [said for said in visitor.complaints if words not in said]
