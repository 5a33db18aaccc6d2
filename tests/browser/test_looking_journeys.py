"""From a number of the plan to the rows behind it, on a wide screen and on a telephone."""

import os

import pytest

from backups.registry import COMPLETE
from backupsvc.studio.models import Contractor, Issue, User
from tests.browser.restoring import OWNER, choose, open_import

pytestmark = pytest.mark.usefixtures("worker", "nothing_restored")

HOSTILE = "<b>bold</b>\x1b[2J\u202e " + "עברית and a long line without an end " * 30 + "x" * 300


@pytest.fixture
def edited(transactional_db):
    """Edits that are taken back in the end."""
    contractors = list(Contractor.objects.all())
    account = User.objects.exclude(email=OWNER).first()
    password, issues = account.password, Issue.objects.order_by("pk")[:60]
    yield lambda: _edit(account, issues)
    for contractor in contractors:
        contractor.save()
    User.objects.filter(pk=account.pk).update(password=password)
    Issue.objects.filter(pk__startswith="later-").delete()


def _edit(account, issues) -> None:
    Contractor.objects.update(business_name=HOSTILE, phone="")
    User.objects.filter(pk=account.pk).update(password="canary-of-a-secret")
    for number, issue in enumerate(list(issues) * 60):
        if number == 60:
            break
        issue.pk = f"later-{number:03}"
        issue.save(force_insert=True)


@pytest.mark.parametrize("width", [1280, 360])
def test_an_owner_looks_at_what_would_be_lost_and_changed(visitor, backup, edited, width):
    path = backup(COMPLETE)
    edited()
    owner = visitor("owner", viewport={"width": width, "height": 900})
    open_import(owner)
    choose(owner, path)
    owner.sees("would be lost", seconds=90)
    owner.sees("What a restore overwrites here")
    owner.inspect()
    picture(owner, f"plan-{width}")
    plan = owner.page.url.removeprefix(owner.address)

    owner.click(f"{60} lost rows of Issues: look at them")
    owner.sees("of 60")
    owner.inspect()
    picture(owner, f"lost-{width}")
    owner.page.get_by_role("link", name="Next page").first.click()
    owner.sees("Page 2 of 2")
    owner.inspect()
    picture(owner, f"second-{width}")

    owner.open(plan + "rows/contractors/changed/")
    owner.sees("<b>bold</b>")
    owner.sees(r"\x1b")
    owner.inspect()
    picture(owner, f"changed-{width}")
    owner.open(plan + "rows/users/changed/")
    owner.sees("hidden; it differs")
    assert "canary-of-a-secret" not in owner.page.content()
    owner.inspect()
    picture(owner, f"secret-{width}")
    owner.open(plan + "confirm/")
    owner.inspect()
    picture(owner, f"confirm-{width}")


def picture(owner, name):
    if folder := os.environ.get("LOOK_PICTURES"):
        owner.page.screenshot(path=f"{folder}/{name}.png", clip=None, full_page=False)
