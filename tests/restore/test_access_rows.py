"""Rows that let people in, out of files that others made: they come only where somebody ticked them."""

import json
from typing import Any

import pytest
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.test.utils import isolate_apps

from backups.models import AuditEvent
from backups.registry import COMPLETE, Section, registry
from backups.registry.access import access_tables, lets_in
from backupsvc.studio.models import (
    Account,
    ClientAccessToken,
    PasswordResetToken,
    Project,
    Session,
    User,
)
from restore.database import identities
from restore.plan import Plan
from restore.services.planning import access
from tests.restore.conftest import OWNER
from tests.restore.forging import Document, encoded, foreign, ours
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database

STOLEN = "the maker of the file knows it"
OF_STUDIO = (
    *("studio_account", "studio_session", "studio_verificationtoken"),
    *("studio_passwordresettoken", "studio_usersession", "studio_phaseaccesstoken"),
)
SECTIONS = (
    *("accounts", "sessions", "verificationTokens", "passwordResetTokens", "userSessions"),
    "phaseAccessTokens",
)


def _let_the_maker_in(document: Document) -> None:
    """A session, a linked login and a link for a new password, all of the owner's."""
    owner = next(row for row in document.read("users") if row["email"] == OWNER)
    for section, cells in (
        ("sessions", {"session_token": STOLEN, "user_id": owner["id"]}),
        ("accounts", {"provider_account_id": STOLEN, "user_id": owner["id"]}),
        ("passwordResetTokens", {"token": STOLEN, "email": OWNER, "used": False}),
    ):
        row = document.read(section)[0] | cells | {"id": "zz-stolen"}
        document.rows[section].append(encoded(row))


def _stolen() -> list[str]:
    found = {
        "session": Session.objects.filter(session_token=STOLEN),
        "login": Account.objects.filter(provider_account_id=STOLEN),
        "link": PasswordResetToken.objects.filter(token=STOLEN),
    }
    return [name for name, rows in found.items() if rows.exists()]


def _rows(plan: Plan) -> dict[str, bool]:
    return {one.section: one.taken for one in plan.access}


def test_a_foreign_file_lets_nobody_in_by_its_rows(studio, tmp_path) -> None:
    file = foreign(studio.complete, tmp_path / "f.json", _let_the_maker_in)
    before = rows_of_database()
    chosen: dict[str, Any] = {"accept_foreign": True, "grant_roles": (OWNER,)}
    plan = plan_as(file, **chosen)
    assert not plan.blocking, plan.blocking
    assert {*SECTIONS} <= {*_rows(plan)} and not any(_rows(plan).values())
    assert codes(plan)["restore.access_held_back"] == "warning"
    run = restore_as(file, confirmed=plan, **chosen)
    assert _stolen() == []
    changed = changed_tables(before, rows_of_database())
    assert not changed.keys() & {*OF_STUDIO}, changed
    told = {one["section"]: one for one in run.report["access"]}
    assert told["sessions"]["taken"] is False and told["sessions"]["rows"] > 1


def test_what_was_ticked_comes_and_is_written_down(studio, tmp_path) -> None:
    file = foreign(studio.complete, tmp_path / "f.json", _let_the_maker_in)
    chosen: dict[str, Any] = {
        "accept_foreign": True,
        "grant_roles": (OWNER,),
        "let_in": ("sessions",),
    }
    plan = plan_as(file, **chosen)
    assert [key for key, taken in _rows(plan).items() if taken] == ["sessions"]
    run = restore_as(file, confirmed=plan, **chosen)
    assert _stolen() == ["session"]
    event = AuditEvent.objects.get(action="restore.let_in", subject=run.pk)
    assert event.details == {"sections": ["sessions"]}
    assert json.loads(json.dumps(plan.as_dict()))["choices"]["let_in"] == ["sessions"]


def test_a_file_of_ours_brings_them_all(studio, tmp_path) -> None:
    file = ours(studio.complete, tmp_path / "f.json", _let_the_maker_in)
    plan = plan_as(file)
    assert plan.access == () and "restore.access_held_back" not in codes(plan)
    restore_as(file)
    assert _stolen() == ["session", "login", "link"]


def test_without_the_rule_they_come(studio, tmp_path, monkeypatch) -> None:
    """The twin."""
    monkeypatch.setattr(access, "access_tables", lambda declared: frozenset())
    file = foreign(studio.complete, tmp_path / "f.json", _let_the_maker_in)
    restore_as(file, accept_foreign=True, grant_roles=(OWNER,))
    assert _stolen() == ["session", "login", "link"]


def test_a_file_that_lacks_them_empties_nothing_that_revokes(studio, tmp_path) -> None:
    """A list of tokens that were revoked lets people in once it is empty."""

    def leave_out(document: Document) -> None:
        document.remove_section("passwordResetTokens")

    before = rows_of_database()["studio_passwordresettoken"]
    file = foreign(studio.complete, tmp_path / "f.json", leave_out)
    restore_as(file, accept_foreign=True, grant_roles=(OWNER,))
    assert before and rows_of_database()["studio_passwordresettoken"] == before


# Cells of tables that are in both scopes


def _a_link_of_his_own(document: Document) -> None:
    document.change_first("clientAccessTokens", token=STOLEN, active=True)
    row = document.read("clientAccessTokens")[0]
    document.rows["clientAccessTokens"].append(
        encoded(row | {"id": "zz-own", "token": f"{STOLEN} too"})
    )


def test_a_link_whose_token_the_maker_knows_opens_nothing(studio, tmp_path) -> None:
    file = foreign(studio.complete, tmp_path / "f.json", _a_link_of_his_own)
    plan = plan_as(file, accept_foreign=True, grant_roles=(OWNER,))
    assert next(a for a in plan.access if a.section == "clientAccessTokens").cells == ("token",)
    restore_as(file, accept_foreign=True, grant_roles=(OWNER,))
    tokens = set(ClientAccessToken.objects.values_list("token", flat=True))
    assert not {t for t in tokens if STOLEN in t}
    assert len(tokens) == ClientAccessToken.objects.count() > 1


def _to_another_project(document: Document) -> None:
    link = document.read("clientAccessTokens")[0]
    other = next(p for p in document.read("projects") if p["id"] != link["project_id"])
    document.change_first("clientAccessTokens", project_id=other["id"])


@pytest.mark.parametrize("scope", ["safe", "complete"])
def test_a_link_opens_no_other_project_than_before(studio, tmp_path, scope) -> None:
    """Whoever holds a link writes the project that he wants to see into its row."""
    link = ClientAccessToken.objects.order_by("pk").first()
    file = foreign(getattr(studio, scope), tmp_path / "f.json", _to_another_project)
    restore_as(file, accept_foreign=True, grant_roles=(OWNER,))
    moved = ClientAccessToken.objects.get(pk=link.pk)
    assert moved.project_id != link.project_id and moved.token != link.token
    stays = ClientAccessToken.objects.exclude(pk=link.pk)
    assert {t.token for t in stays} <= {
        row["token"] for row in studio.rows["studio_clientaccesstoken"].values()
    }


def test_by_its_key_alone_it_would(studio, tmp_path, monkeypatch) -> None:
    """The twin."""
    monkeypatch.setattr(identities, "_looks_the_same", lambda *given: identities.sql.SQL("true"))
    link = ClientAccessToken.objects.order_by("pk").first()
    file = foreign(studio.safe, tmp_path / "f.json", _to_another_project)
    restore_as(file, accept_foreign=True)
    moved = ClientAccessToken.objects.get(pk=link.pk)
    assert moved.project_id != link.project_id and moved.token == link.token


# Whose rows stay outside the file


def test_a_linked_login_does_not_become_somebody_else_s(studio, tmp_path) -> None:
    """Who knows the key of his own account gives it, in the file, the address of an owner: his linked login
    would then be the owner's."""
    boss = User.objects.create_superuser("boss@studio.example", "correct horse battery staple")
    thief = User.objects.get(email="person-8@studio.example")
    login = Account.objects.create(user=thief, type="oauth", provider="x", provider_account_id="t")

    def exchange(document: Document) -> None:
        document.change(
            "users", lambda row: row.update(email=boss.email) if row["id"] == thief.pk else None
        )

    for scope in ("safe", "complete"):
        file = foreign(getattr(studio, scope), tmp_path / f"{scope}.json", exchange)
        assert refusal(file, accept_foreign=True, grant_roles=(OWNER,)) == ""
        assert User.objects.get(pk=thief.pk).email == boss.email
        assert not Account.objects.filter(pk=login.pk).exists()


# What counts as such


def test_the_studio_declares_them() -> None:
    assert access_tables(registry) == {*OF_STUDIO}


def test_what_django_and_well_known_apps_bring_is_known() -> None:
    with isolate_apps("backupsvc.studio"):

        class Visit(AbstractBaseSession):
            class Meta:
                app_label = "studio"

        class Token(models.Model):
            class Meta:
                app_label = "authtoken"

            def __str__(self) -> str:
                return ""

        class Note(models.Model):
            code = models.TextField()

            class Meta:
                app_label = "studio"

            def __str__(self) -> str:
                return ""

        class AbstractApplication(models.Model):
            __module__ = "oauth2_provider.models"

            class Meta:
                app_label = "studio"
                abstract = True

        class Caller(AbstractApplication):
            """A project's own in the place of an app's."""

            class Meta:
                app_label = "studio"

            def __str__(self) -> str:
                return ""

        class Site(models.Model):
            class Meta:
                app_label = "sites"

            def __str__(self) -> str:
                return ""

    only = frozenset({COMPLETE})
    # Links in mails lead to its domain.
    assert lets_in(Section(Site, "sites", "x", only, framework=True))
    assert lets_in(Section(Visit, "visits", "x", only))
    assert lets_in(Section(Token, "tokens", "x", only))
    assert lets_in(Section(Caller, "callers", "x", only))
    assert not lets_in(Section(Note, "notes", "x", only))
    assert lets_in(Section(Note, "notes", "x", only, secret=("code",)))
    assert not lets_in(Section(Note, "notes", "x", only, secret=("code",), lets_in=False))
    assert lets_in(Section(Note, "notes", "x", only, lets_in=True))
    assert Project._meta.db_table not in access_tables(registry)
