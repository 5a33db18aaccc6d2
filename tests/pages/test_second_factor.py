"""Where the project has django-otp, the password again is not enough for an account with a device."""

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import modify_settings
from django.urls import reverse

from backups import second_factor
from backups.models import AuditEvent, BackupRun, OneTimeDownload
from backupsvc.studio.models import User
from tests.pages.conftest import PAGES, PASSWORD

OTP = ["django_otp", "django_otp.plugins.otp_totp", "django_otp.plugins.otp_static"]
LABEL = "The code of your device"
COMPLETE = f"{PAGES}start/complete/"


@pytest.fixture
def otp(db, settings):
    """The real package, with its tables."""
    settings.OTP_TOTP_THROTTLE_FACTOR = settings.OTP_STATIC_THROTTLE_FACTOR = 0
    with modify_settings(INSTALLED_APPS={"append": OTP}):
        from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
        from django_otp.plugins.otp_totp.models import TOTPDevice

        for model in (TOTPDevice, StaticDevice):
            # Their pages in the admin have no addresses here, and would outlive this.
            if admin.site.is_registered(model):
                admin.site.unregister(model)
        with connection.schema_editor() as editor:
            for model in (TOTPDevice, StaticDevice, StaticToken):
                editor.create_model(model)
        yield


@pytest.fixture
def device(otp, owner):
    from django_otp.plugins.otp_totp.models import TOTPDevice

    return TOTPDevice.objects.create(user=User.objects.get(role="OWNER"), name="telephone")


def code_of(device) -> str:
    from django_otp.oath import totp

    return f"{totp(device.bin_key, device.step, device.t0, device.digits, device.drift):06}"


def ask(browser, **fields):
    return browser.post(COMPLETE, {"password": PASSWORD, **fields})


def begun() -> bool:
    return BackupRun.objects.filter(scope="complete").exists()


def last_outcome() -> str:
    return AuditEvent.objects.filter(action="password.again").latest("id").outcome


def test_who_has_no_device_is_asked_for_the_password_alone(otp, owner):
    assert LABEL not in owner.get(COMPLETE).content.decode()
    ask(owner)
    assert begun()


def test_without_the_package_nothing_of_it_is_there(owner):
    assert not second_factor.is_there() and LABEL not in owner.get(COMPLETE).content.decode()


def test_who_has_a_device_is_asked_for_its_code_too(device, owner):
    assert LABEL in owner.get(COMPLETE).content.decode()
    for token in ("", "000000", "nonsense"):
        ask(owner, token=token)
        assert last_outcome() == "wrong"
    assert not begun()
    ask(owner, token=code_of(device))
    assert begun() and last_outcome() == "accepted"


def test_the_answer_does_not_tell_which_of_both_was_wrong(device, owner):
    told = set()
    for fields in ({"token": "000000"}, {"password": "wrong", "token": code_of(device)}):
        page = owner.post(COMPLETE, {"password": PASSWORD, **fields}, follow=True)
        told.add(tuple(map(str, page.context["messages"])))
    assert len(told) == 1


def test_a_code_is_good_for_once(device, owner):
    token = code_of(device)
    ask(owner, token=token)
    BackupRun.objects.all().delete()
    ask(owner, token=token)
    assert not begun()


def test_a_wrong_password_uses_no_code_up(device, owner):
    token = code_of(device)
    owner.post(COMPLETE, {"password": "wrong", "token": token})
    ask(owner, token=token[:3] + " " + token[3:])
    assert begun()


def test_a_backup_code_does_and_is_no_wrong_code_of_the_other_device(device, owner, settings):
    from django_otp.plugins.otp_static.models import StaticDevice

    settings.OTP_TOTP_THROTTLE_FACTOR = 1
    static = StaticDevice.objects.create(user=device.user, name="codes")
    static.token_set.create(token="paper7codes")
    ask(owner, token="paper7codes")
    assert begun() and not static.token_set.exists()
    device.refresh_from_db()
    assert device.throttling_failure_count == 0


def test_a_device_that_was_never_confirmed_is_none(device, owner):
    type(device).objects.update(confirmed=False)
    ask(owner)
    assert begun()


def test_five_wrong_codes_close_the_door(device, owner):
    for _attempt in range(5):
        ask(owner, token="000000")
    ask(owner, token=code_of(device))
    assert last_outcome() == "limited" and not begun()


def test_without_the_question_the_password_alone_would_do(device, owner, monkeypatch):
    monkeypatch.setattr(second_factor, "is_asked_of", lambda user: False)
    ask(owner)
    assert begun()


def test_where_it_is_obligatory_an_account_without_a_device_can_do_nothing(otp, owner, settings):
    settings.BACKUPS_SECOND_FACTOR_REQUIRED = True
    page = owner.post(COMPLETE, {"password": PASSWORD, "token": ""}, follow=True)
    assert "Your account has no device for a second factor" in page.content.decode()
    assert not begun() and last_outcome() == "no device"


def test_where_it_is_obligatory_a_code_does(device, owner, settings):
    settings.BACKUPS_SECOND_FACTOR_REQUIRED = True
    ask(owner, token=code_of(device))
    assert begun()


def test_obligatory_and_not_installed_is_an_error_of_the_check(settings):
    call_command("check", tags=["backups"])
    settings.BACKUPS_SECOND_FACTOR_REQUIRED = True
    with pytest.raises(SystemCheckError, match=r"backups\.E029"):
        call_command("check", tags=["backups"])


def doors(run, account):
    """What asks for the password: where, what else is sent, and what tells that it was done."""
    user = reverse("admin:studio_user_change", args=[account.pk])
    edited = {"email": account.email, "role": "OWNER", "approval_status": "APPROVED"}
    new = {"password1": "a-new-and-long-one-77", "password2": "a-new-and-long-one-77"}
    return {
        "complete": (COMPLETE, {}, begun),
        "download": (
            f"{PAGES}runs/{run.pk}/download/",
            {},
            OneTimeDownload.objects.exists,
        ),
        "delete": (
            f"{PAGES}runs/{run.pk}/delete/",
            {},
            lambda: not BackupRun.objects.filter(pk=run.pk).exists(),
        ),
        "kit": (f"{PAGES}kit/", {}, lambda: last_outcome() == "accepted"),
        "release": (
            reverse("admin:restore_release"),
            {"mail": "discard"},
            lambda: last_outcome() == "accepted",
        ),
        "role": (
            user,
            edited,
            lambda: User.objects.get(pk=account.pk).role == "OWNER",
        ),
        "password": (
            reverse("admin:auth_user_password_change", args=[account.pk]),
            {**new, "set-password": "1"},
            lambda: User.objects.get(pk=account.pk).check_password(new["password1"]),
        ),
    }


def test_ones_own_password_wants_the_code_too(device, owner):
    address = reverse("admin:password_change")
    new = {"new_password1": "a-new-and-long-one-77", "new_password2": "a-new-and-long-one-77"}
    assert LABEL in owner.get(address).content.decode()
    given = {"old_password": PASSWORD, **new}
    assert owner.post(address, given).status_code == 200 and last_outcome() == "wrong"
    assert owner.post(address, {**given, "token_again": code_of(device)}).status_code == 302
    assert User.objects.get(pk=device.user_id).check_password(new["new_password1"])


@pytest.mark.parametrize(
    "name", ["complete", "download", "delete", "kit", "release", "role", "password"]
)
def test_each_door_wants_the_code(name, device, owner, account, backup):
    run, other = backup("complete"), account("DESIGNER")
    BackupRun.objects.filter(pk=run.pk).update(scope="complete", requested_by_name="old")
    address, fields, is_done = doors(run, other)[name]
    if name == "complete":
        BackupRun.objects.all().delete()
    field = "_again" if name in ("role", "password") else ""
    given = {**fields, f"password{field}": PASSWORD}
    owner.post(address, given)
    assert not is_done() and last_outcome() == "wrong"
    owner.post(address, {**given, f"token{field}": code_of(device)})
    assert is_done()
