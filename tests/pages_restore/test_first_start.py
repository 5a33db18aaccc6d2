"""The first start: nothing without the one-time code, nothing a second time, and one account alone.

Each guard has a twin that takes it away and sees the door open.
"""

import stat
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from backups.models import AuditEvent, BackupRun
from backupsvc import settings as of_the_studio
from backupsvc.studio.models import User
from restore.middleware import FirstStartMiddleware
from restore.models import FirstStart
from restore.services.asking import first_start
from restore.services.asking.first_start import Outcome, Way
from tests import audit_door
from tests.pages_restore.conftest import PASSWORD, make_account

PAGE = reverse("admin:restore_first_start")
EMAIL = "first@new.example"


@pytest.fixture(autouse=True)
def with_middleware(settings):
    settings.MIDDLEWARE = [*of_the_studio.MIDDLEWARE]


@pytest.fixture
def code(db) -> str:
    return first_start.code()


def answers(code: str, **more) -> dict[str, str]:
    asked = {"code": code, "email": EMAIL, "password": PASSWORD, "password_again": PASSWORD}
    return asked | {"way": "backup"} | more


def outcomes() -> list[str]:
    found = AuditEvent.objects.filter(action=first_start.ACTION).order_by("at", "pk")
    return [event.outcome for event in found]


def wrong(times: int) -> None:
    for _ in range(times):
        Client().post(PAGE, answers("00000-00000-00000-00000"))


# What it is there for


def test_every_page_leads_there_while_nobody_has_an_account(code):
    for path in ("/", "/admin/", "/admin/login/", "/admin/backups/backuprun/", "/nowhere/"):
        for answer in (Client().get(path), Client().post(path)):
            assert (answer.status_code, answer["Location"]) == (303, PAGE), path
    for path in ("/static/backups/backups.css", "/favicon.ico"):
        assert Client().get(path).get("Location", "") != PAGE


def test_with_the_code_the_first_owner_is_made_and_is_signed_in_and_led_on(code):
    for way, leads_to in {"backup": "admin:restore_import", "empty": "admin:index"}.items():
        browser = Client()
        typed = first_start.code().lower().replace("-", " ")
        answer = browser.post(PAGE, answers(typed, way=way))
        assert answer["Location"] == reverse(leads_to)
        assert browser.get(answer["Location"]).status_code == 200
        owner = User.objects.get()
        assert (owner.email, owner.role, owner.check_password(PASSWORD)) == (EMAIL, "OWNER", True)
        assert outcomes()[-1] == "accepted"
        User.objects.all().delete()
        FirstStart.objects.all().delete()


def test_the_code_lies_private_and_is_gone_once_it_has_served(code):
    path = Path(settings.BACKUPS_ROOT) / first_start.FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first_start.code() == code, "it stays until it has served"
    Client().post(PAGE, answers(code))
    assert not path.exists()


def test_nothing_says_the_code(code, caplog):
    wrong(2)
    browser = Client()
    shown = browser.get(PAGE).content.decode() + browser.post(PAGE, answers("x")).content.decode()
    told = shown + caplog.text + str([*AuditEvent.objects.values()])
    assert code not in told and code.replace("-", "") not in told


# What it takes


@pytest.mark.parametrize("typed", ["", "0", "ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ", "\x00" * 9])
def test_without_the_code_nothing_is_made(code, typed):
    answer = Client().post(PAGE, answers(typed))
    assert answer.status_code == 200
    assert not User.objects.exists() and not FirstStart.objects.exists()
    assert Client().get(reverse("admin:restore_import"))["Location"] == PAGE


def test_without_the_comparison_anybody_would_be_owner(code, monkeypatch):
    """A twin."""
    monkeypatch.setattr(first_start, "constant_time_compare", lambda *_: True)
    Client().post(PAGE, answers("ZZZZZ"))
    assert User.objects.exists()


def test_where_no_code_was_ever_handed_out_none_is_right(db):
    for typed in ("", "-", "None"):
        Client().post(PAGE, answers(typed))
    assert not User.objects.exists()


def test_an_emptied_file_of_the_code_opens_nothing(code):
    (Path(settings.BACKUPS_ROOT) / first_start.FILE_NAME).write_text("")
    Client().post(PAGE, answers("-"))
    assert not User.objects.exists()


def test_after_ten_wrong_codes_the_right_one_is_not_taken_either(code):
    wrong(first_start.ATTEMPTS)
    answer = Client().post(PAGE, answers(code))
    assert "Too many wrong codes" in answer.content.decode()
    assert not User.objects.exists()
    wrong(2)
    assert outcomes() == ["wrong"] * first_start.ATTEMPTS, "and the trail is not filled by guessing"


def test_the_limit_ends_with_time_or_with_another_code(code):
    wrong(first_start.ATTEMPTS)
    renewed = first_start.renew()
    assert renewed != code
    assert outcomes()[-1] == "renewed", "it lets somebody go on guessing"
    assert Client().post(PAGE, answers(code)).status_code == 200
    assert not User.objects.exists(), "the old one is worth nothing"
    with audit_door.opened():
        AuditEvent.objects.update(at=timezone.now() - first_start.WINDOW)
    assert Client().post(PAGE, answers(renewed)).status_code == 302


def test_without_the_limit_the_right_code_would_be_found_by_guessing(code, monkeypatch):
    """A twin."""
    monkeypatch.setattr(first_start, "ATTEMPTS", 1000)
    wrong(first_start.WINDOW.seconds // 60)
    Client().post(PAGE, answers(code))
    assert User.objects.exists()


def test_a_form_from_another_site_is_refused(code):
    browser = Client(enforce_csrf_checks=True)
    assert browser.post(PAGE, answers(code)).status_code == 403
    assert not User.objects.exists()


def test_asking_for_the_page_makes_nothing(code):
    Client().get(PAGE, answers(code))
    Client().head(PAGE)
    assert not User.objects.exists() and first_start.is_open()
    assert Client().put(PAGE).status_code == 405


@pytest.mark.parametrize(
    "more",
    [
        {"password_again": "another"},
        {"password": "123", "password_again": "123"},
        {"email": "x"},
        {"way": "x"},
    ],
)
def test_an_account_that_would_not_do_is_not_made_and_costs_no_guess(code, more):
    assert Client().post(PAGE, answers(code) | more).status_code == 200
    assert not User.objects.exists() and outcomes() == []


# Once and never again


def ended(browser: Client, code: str) -> bool:
    tries = (browser.get(PAGE), browser.post(PAGE, answers(code)))
    return [answer.status_code for answer in tries] == [404, 404]


def test_once_there_is_an_account_the_page_is_gone(code):
    make_account(User.Role.DESIGNER)
    assert ended(Client(), code)
    assert User.objects.count() == 1
    assert Client().get("/admin/").status_code == 302
    assert Client().get("/admin/")["Location"].startswith("/admin/login/")


def test_it_stays_gone_when_all_accounts_are_deleted(code):
    make_account(User.Role.OWNER)
    Client().get("/admin/")
    User.objects.all().delete()
    assert ended(Client(), code)
    with pytest.raises(CommandError, match=r"start\.ended"):
        call_command("first_start")


def test_without_the_marker_it_would_open_again(code):
    """The twin of the test above."""
    make_account(User.Role.OWNER)
    Client().get("/admin/")
    User.objects.all().delete()
    FirstStart.objects.all().delete()
    assert Client().post(PAGE, answers(code)).status_code == 302


def test_an_installation_that_has_made_backups_is_no_new_one(code):
    BackupRun.objects.create(scope="safe")
    assert ended(Client(), code)


def test_an_account_that_came_between_the_look_and_the_deed_is_seen(code):
    """The page was open; meanwhile somebody ran createsuperuser."""
    form = Client()
    form.get(PAGE)
    make_account(User.Role.OWNER)
    outcome, made = first_start.begin(code, "", Way.EMPTY, lambda: pytest.fail("made twice"))
    assert (outcome, made) == (Outcome.ENDED, None)


def test_of_two_at_once_one_is_made(transactional_db):
    code, barrier, ends = first_start.code(), threading.Barrier(2), []

    def begin(name: str) -> None:
        def make() -> User:
            return User.objects.create_superuser(f"{name}@new.example", PASSWORD)

        barrier.wait()
        ends.append(first_start.begin(code, "", Way.EMPTY, make)[0])
        connections.close_all()

    people = [threading.Thread(target=begin, args=(name,)) for name in ("one", "two")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(ends) == ["accepted", "ended"]
    assert User.objects.count() == 1
    FirstStart.objects.all().delete()


# Around it


def test_the_command_prints_the_code_and_another_one(code, capsys):
    call_command("first_start")
    assert code in capsys.readouterr().out
    call_command("first_start", "--new")
    said = capsys.readouterr().out
    assert code not in said and first_start.code() in said


def test_the_middleware_stands_behind_maintenance_and_before_the_account():
    order = [name.rsplit(".", 1)[-1] for name in of_the_studio.MIDDLEWARE]
    places = [
        order.index(n)
        for n in ("MaintenanceMiddleware", "FirstStartMiddleware", "AuthenticationMiddleware")
    ]
    assert places == sorted(places)


def test_it_asks_nothing_any_more_once_there_is_an_account(owner, django_assert_num_queries):
    behind = FirstStartMiddleware(lambda request: HttpResponse(status=204))
    assert behind(RequestFactory().get("/admin/")).status_code == 204
    with django_assert_num_queries(0):
        assert behind(RequestFactory().get("/admin/")).status_code == 204


def test_a_restore_under_way_is_not_asked_about_accounts(db, django_assert_num_queries):
    behind = FirstStartMiddleware(lambda request: HttpResponse(status=204))
    live = reverse("admin:restore_live", args=["x"])
    with django_assert_num_queries(0):
        assert behind(RequestFactory().get(live)).status_code == 204
