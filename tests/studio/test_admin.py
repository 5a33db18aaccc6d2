"""The studio in the admin: found again, fast, without secrets, and nothing changed by looking."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backups.registry import registry
from backupsvc.studio.admin.base import RecordAdmin
from backupsvc.studio.models import (
    Approval,
    Asset,
    Comment,
    EmailLog,
    PasswordResetToken,
    Project,
    User,
    VerificationToken,
)
from tests.studio.pages import fields_on

MODELS: list[Any] = list(apps.get_app_config("studio").get_models())
SECTIONS = {s.model: s for s in registry.sections}
WITH_SECRETS = [model for model in MODELS if SECTIONS[model].secret]
EDITABLE = [m for m in MODELS if not isinstance(admin.site._registry[m], RecordAdmin)]
CANARY = "canary-that-must-stay-in-its-cage"
# One page of a list, however many rows it shows and whatever it shows of others.
MOST_QUERIES = 12

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def address(model, page, *args):
    return reverse(f"admin:studio_{model._meta.model_name}_{page}", args=args)


@pytest.fixture(autouse=True)
def no_sidebar(monkeypatch):
    """It lists all tables on each page, and this file opens hundreds."""
    monkeypatch.setattr(admin.site, "enable_nav_sidebar", False)


@pytest.fixture
def owner(browser_of):
    return browser_of(User.objects.get(email="owner@studio.example"))


@pytest.fixture
def other(browser_of):
    return browser_of(User.objects.get(email="designer@studio.example"))


def first(model) -> Any:
    return model.objects.order_by("pk").first()


def cells_of(row) -> dict[str, Any]:
    return type(row).objects.filter(pk=row.pk).values().get()


def put_canaries(model):
    """Write a recognisable value into each secret of one row; returns the row's key."""
    secrets = SECTIONS[model].secret
    if model is VerificationToken:
        return VerificationToken.objects.create(
            identifier="x", token=CANARY, expires="2030-01-01T00:00Z"
        ).pk
    row = first(model)
    for name in secrets:
        model.objects.filter(pk=row.pk).update(**{name: f"{CANARY}-{name}"})
    return row.pk


def pages_of(model, key):
    yield address(model, "changelist")
    yield address(model, "changelist") + f"?q={CANARY}"
    for page in ("change", "history", "delete"):
        yield address(model, page, key)


def revealing_pages(browser, model):
    key = put_canaries(model)
    answers = {page: browser.get(page, follow=True) for page in pages_of(model, key)}
    return [page for page, answer in answers.items() if _reveals(answer)]


def _reveals(answer):
    # The page that was asked for may repeat the question.
    content = answer.content.decode().replace(f'value="{CANARY}"', "")
    return answer.status_code == 200 and f"{CANARY}-" in content


def test_every_table_is_registered():
    assert set(MODELS) <= set(admin.site._registry)


def test_the_index_shows_the_groups_in_the_order_of_the_sections(owner):
    entries = owner.get(reverse("admin:index")).context["app_list"]
    studio = [entry for entry in entries if entry["app_label"] == "studio"]
    assert [entry["name"] for entry in studio] == list(
        dict.fromkeys(SECTIONS[model].group for model in SECTIONS if model in MODELS)
    )
    tables = [table["model"] for entry in studio for table in entry["models"]]
    assert tables == [s.model for s in registry.sections if s.model in MODELS]


def test_the_studio_has_an_index_of_its_own(owner):
    page = owner.get(reverse("admin:app_list", args=["studio"]))
    assert page.context["title"] == "Everything the studio keeps"


def test_others_see_only_their_groups(other):
    entries = other.get(reverse("admin:index")).context["app_list"]
    groups = {entry["name"] for entry in entries}
    assert "Core Data" in groups
    assert not groups & {"Authentication & Security", "Email Logs", "Backups", "Restore"}


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_the_pages_of_a_table_open(owner, model):
    key = model.objects.order_by("pk").values_list("pk", flat=True)[0]
    with CaptureQueriesContext(connection) as queries:
        assert owner.get(address(model, "changelist") + "?q=e").status_code == 200
    assert len(queries) <= MOST_QUERIES
    expected = 403 if model is VerificationToken else 200
    assert owner.get(address(model, "change", key)).status_code == expected
    expected = 200 if model in EDITABLE else 403
    assert owner.get(address(model, "add")).status_code == expected


@pytest.mark.parametrize("model", WITH_SECRETS, ids=lambda m: m.__name__)
def test_no_page_shows_a_secret(owner, model):
    assert revealing_pages(owner, model) == []


def test_the_pages_would_show_one_that_is_not_declared(owner, monkeypatch):
    monkeypatch.setattr("backupsvc.studio.admin.base.secret_fields", lambda model: frozenset())
    # The second guard, which looks for what is live in whatever is shown.
    monkeypatch.setattr("backupsvc.studio.admin.base.veil", lambda record: None)
    found = [page for model in WITH_SECRETS for page in revealing_pages(owner, model)]
    assert any("passwordresettoken" in page for page in found)
    assert any("account" in page for page in found)


def test_a_verification_token_is_on_no_page(owner):
    put_canaries(VerificationToken)
    page = owner.get(address(VerificationToken, "changelist"))
    assert "canary" not in page.content.decode()
    assert first(VerificationToken).identifier in page.content.decode()


def mail_shown(browser) -> str:
    """A mail in the log, with a live link in its text and in its details."""
    token = PasswordResetToken.objects.order_by("pk").first()
    PasswordResetToken.objects.filter(pk=token.pk).update(token=CANARY)
    log = first(EmailLog)
    said = {"html": f"<a href='https://a.example/reset?t={CANARY}'>", "metadata": {"x": [CANARY]}}
    EmailLog.objects.filter(pk=log.pk).update(**said)
    page: str = browser.get(address(EmailLog, "change", log.pk)).content.decode()
    assert EmailLog.objects.get(pk=log.pk).html == said["html"]
    return page


def test_a_mail_that_went_out_shows_no_link_that_opens_something(owner, browser_of):
    admin_of_the_studio = browser_of(User.objects.filter(role="ADMIN").first())
    for browser in (owner, admin_of_the_studio):
        page = mail_shown(browser)
        assert CANARY not in page
        assert page.count("[redacted:passwordResetTokens.token]") == 2


def test_nor_can_it_be_guessed_letter_by_letter(owner):
    for lookup in ("html__contains=a", "html__startswith=a", "metadata__x__0=a"):
        assert owner.get(address(EmailLog, "changelist") + f"?{lookup}").status_code == 400
    found = owner.get(address(EmailLog, "changelist") + "?delivery_status__exact=x")
    assert found.status_code == 200


def test_without_the_veil_it_would(owner, monkeypatch):
    """A twin."""
    monkeypatch.setattr("backupsvc.studio.admin.base.veil", lambda record: None)
    assert CANARY in mail_shown(owner)


@pytest.mark.parametrize("model", WITH_SECRETS, ids=lambda m: m.__name__)
def test_rows_cannot_be_filtered_by_a_secret(owner, model):
    for name in [*SECTIONS[model].secret, f"{SECTIONS[model].secret[0]}__startswith"]:
        assert owner.get(address(model, "changelist") + f"?{name}=a").status_code == 400


def test_rows_cannot_be_filtered_by_a_secret_of_another_table(owner):
    for model, lookup in [(Comment, "approval__token__startswith"), (Asset, "approval__token")]:
        assert owner.get(address(model, "changelist") + f"?{lookup}=a").status_code == 400


def test_rows_can_be_filtered_by_what_is_no_secret(owner):
    page = owner.get(address(Approval, "changelist") + "?status__exact=PENDING")
    assert page.status_code == 200
    assert page.context["cl"].result_count < Approval.objects.count()


@pytest.mark.parametrize("rows", [1, pytest.param(20, marks=pytest.mark.battery)])
@pytest.mark.parametrize("model", EDITABLE, ids=lambda m: m.__name__)
def test_saving_a_page_that_nobody_touched_changes_nothing(owner, model, rows):
    for key in model.objects.order_by("pk").values_list("pk", flat=True)[:rows]:
        before = model.objects.filter(pk=key).values().get()
        page = address(model, "change", key)
        answer = owner.post(page, fields_on(owner.get(page), f"{model._meta.model_name}_form"))
        assert answer.status_code == 302, answer.context["errors"]
        assert model.objects.filter(pk=key).values().get() == before


def test_saving_an_edit_changes_that_and_the_time_of_the_change(owner):
    project = first(Project)
    odd: dict[str, Any] = {
        "city": "\u200f Haifa ",
        "postal_code": "",
        "description": None,
        "cover_images": [],
    }
    Project.objects.filter(pk=project.pk).update(**odd)
    before = cells_of(project)
    page = address(Project, "change", project.pk)
    sent = fields_on(owner.get(page), "project_form")
    owner.post(page, sent | {"name": "Another name", "address": "one\r\ntwo"})
    after = cells_of(project)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"name", "address", "updated_at"}
    assert after["address"] == "one\ntwo"


def test_a_list_of_texts_is_edited_without_being_taken_apart(owner):
    model = apps.get_model("studio", "ProjectUpdatePhoto")
    photo = first(model)
    page = address(model, "change", photo.pk)
    sent = fields_on(owner.get(page), "projectupdatephoto_form")
    owner.post(page, sent | {"tags": '["a, b", "שלום", ""]'})
    assert model.objects.get(pk=photo.pk).tags == ["a, b", "שלום", ""]
    for wrong in ('"text"', "[1]", '{"a": "b"}', "a, b"):
        assert owner.post(page, sent | {"tags": wrong}).status_code == 200
    assert model.objects.get(pk=photo.pk).tags == ["a, b", "שלום", ""]


def test_logs_are_not_written_by_hand(owner):
    log = apps.get_model("studio", "ActivityLog")
    before = log.objects.count()
    assert owner.post(address(log, "add"), {"action": "X"}).status_code == 403
    key = first(log).pk
    assert owner.post(address(log, "change", key), {"action": "X"}).status_code == 403
    assert log.objects.count() == before
    assert not log.objects.filter(action="X").exists()


def test_others_look_and_do_not_touch(other):
    project = first(Project)
    page = address(Project, "change", project.pk)
    assert other.get(page).status_code == 200
    assert other.post(page, {"name": "Mine now"}).status_code == 403
    assert other.post(address(Project, "delete", project.pk), {"post": "yes"}).status_code == 403
    assert Project.objects.get(pk=project.pk).name == project.name
