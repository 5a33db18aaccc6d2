"""Every address of the project, as its URL configuration has it: each has a rule, and keeps it.

An address that nobody thought of turns this red. The pages of backups and restores have tables of their own,
with every role (``test_who_may``, ``pages_restore/test_roles``); that those are whole is held here too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, path, resolve, reverse

import restore.urls
from backupsvc.studio.models import User
from backupsvc.studio.roles import permissions_of
from restore.models import Upload
from tests.pages import test_who_may
from tests.pages_restore import test_roles

LOGIN = "admin:login"
OWNED = {**test_who_may.LISTED}
RESTORE = {*test_roles.PAGES, *test_roles.BY_COOKIE, *test_roles.BY_CODE}
# Whoever asks: what leads to a sign-in or a new password, and a picture.
ANYBODY = {
    "/",
    "/favicon.ico",
    "/413/",  # where the server in front leads
    "admin_password_reset",
    "password_reset_done",
    "password_reset_confirm",
    "password_reset_complete",
    LOGIN,
    "admin:logout",
}
# Whoever has signed in; what they see there is what their role may.
SIGNED_IN = {
    "admin:index",
    "admin:password_change",
    "admin:password_change_done",
    "admin:autocomplete",
    "admin:jsi18n",
    "admin:view_on_site",
    "admin:app_list",
    "/admin/(?P<url>.*)$",
}
OWNERS = {"admin:auth_user_password_change"}
ACTIONS = {
    "changelist": "view",
    "history": "view",
    "change": "view",
    "add": "add",
    "delete": "delete",
}
ARGUMENTS = {"object_id": "none", "content_type_id": 1, "id": "none", "app_label": "studio"}
ARGUMENTS |= {"uidb64": "none", "token": "none", "url": "nothing/", "run_id": "0" * 32}


@dataclass(frozen=True)
class Door:
    """``name``: with its namespace; where there is none, the route."""

    name: str
    route: str
    arguments: tuple[str, ...]

    @property
    def address(self) -> str:
        if self.name.startswith("/"):
            # A catch-all, the front page, and the short form of a change page.
            return self.route.replace("(?P<url>.*)$", "nothing/").replace(
                "<path:object_id>", "none"
            )
        return reverse(self.name, kwargs={part: ARGUMENTS[part] for part in self.arguments})


def doors(patterns: Any, space: str = "", before: str = "/") -> Iterator[Door]:
    for found in patterns:
        route = before + str(found.pattern).removeprefix("^")
        if isinstance(found, URLResolver):
            inner = f"{space}{found.namespace}:" if found.namespace else space
            yield from doors(found.url_patterns, inner, route)
        else:
            assert isinstance(found, URLPattern)
            name = f"{space}{found.name}" if found.name else route
            yield Door(name, route, tuple(found.pattern.regex.groupindex))


EVERY = list(doors(get_resolver().url_patterns))


def table_and_action(door: Door) -> tuple[str, str] | None:
    """Of a page of the admin's for one of the studio's tables."""
    if not door.name.startswith("admin:studio_"):
        if door.name.startswith("/admin/studio/") and door.route.endswith("<path:object_id>/"):
            return door.name.split("/")[3], "view"  # leads to the page that changes it
        return None
    table, _, page = door.name.removeprefix("admin:studio_").rpartition("_")
    return (table, ACTIONS[page]) if page in ACTIONS else None


def rule_of(door: Door) -> str:
    """Who may; empty where nobody said so."""
    name = door.name
    if name in ANYBODY:
        return "anybody"
    if name in SIGNED_IN:
        return "signed in"
    if name in OWNERS:
        return "owners"
    if name.removeprefix("admin:backups_") in OWNED and name.startswith("admin:backups_"):
        return "its own table"
    if name.removeprefix("admin:") in RESTORE:
        return "its own table"
    return "by role" if table_and_action(door) else ""


def test_every_address_has_a_rule():
    assert len(EVERY) > 500
    assert [door for door in EVERY if not rule_of(door)] == []


def test_an_address_without_a_rule_is_noticed():
    added = path("loose/", lambda request: HttpResponse(), name="loose")
    nameless = path("further/", lambda request: HttpResponse())
    found = doors([*get_resolver().url_patterns, added, nameless])
    assert [door.name for door in found if not rule_of(door)] == ["loose", "/further/"]


def test_every_rule_is_of_an_address():
    names = {door.name for door in EVERY}
    assert {*ANYBODY, *SIGNED_IN, *OWNERS} <= names
    assert {f"admin:backups_{name}" for name in OWNED} <= names
    assert {f"admin:{name}" for name in RESTORE} <= names


def ask(door: Door, user: Any, method: str) -> int:
    """What the view answers to somebody, with nothing before it: a thousand in a second."""
    request = getattr(RequestFactory(), method)(door.address)
    request.user, request.resolver_match = user, resolve(door.address)
    request._dont_enforce_csrf_checks = True
    found = request.resolver_match
    try:
        answer = found.func(request, *found.args, **found.kwargs)
    except PermissionDenied:
        return 403
    leads_to_login = answer.status_code == 302 and answer["Location"].startswith(reverse(LOGIN))
    return 401 if leads_to_login else answer.status_code


def test_nobody_passes_who_has_not_signed_in(db):
    asked = [door for door in EVERY if rule_of(door) in ("signed in", "owners", "by role")]
    passed = [
        door.name
        for door in asked
        for method in ("get", "post")
        if ask(door, AnonymousUser(), method) != 401
    ]
    assert len(asked) > 450 and passed == []


def test_all_roles_but_two_may_the_same():
    """So one of them stands for all in what follows."""
    others = {role for role in User.Role.values if role not in ("OWNER", "ADMIN")}
    assert len({permissions_of(role) for role in others}) == 1


@pytest.mark.parametrize("role", ["ADMIN", "DESIGNER"])
def test_what_a_role_may_not_is_refused_by_every_address(role, account):
    user, granted = account(role), permissions_of(role)
    open_ = {}
    for door in EVERY:
        named = table_and_action(door)
        if rule_of(door) != "by role" or named is None:
            continue
        table, action = named
        if f"studio.{action}_{table}" in granted or door.name.endswith("_history"):
            continue
        if door.name.startswith("/"):
            continue  # leads to the page that changes it, which is asked itself
        statuses = {ask(door, user, "get"), ask(door, user, "post")}
        if statuses != {403}:
            open_[door.name] = statuses
    assert open_ == {}


@pytest.mark.parametrize("role", ["ADMIN", "DESIGNER"])
def test_what_only_owners_may_is_refused_to_everybody_else(role, account):
    user = account(role)
    for door in EVERY:
        if rule_of(door) == "owners":
            assert {ask(door, user, "get"), ask(door, user, "post")} == {403}


def of_uploads() -> list[str]:
    return [p.name for p in restore.urls.urlpatterns if "upload_id" in p.pattern.converters]


@pytest.mark.parametrize("name", of_uploads())
def test_what_another_owner_brought_is_not_there(name, owner):
    """Whose it is counts, not only who may."""
    theirs = Upload.objects.create(
        name="a", size_bytes=2, stored="upload-a", owner_email="other@studio.example"
    )
    pattern = next(p for p in restore.urls.urlpatterns if p.name == name)
    given = {"upload_id": theirs.pk, "table": "x", "kind": "lost"}
    address = reverse(
        f"admin:{name}", kwargs={part: given[part] for part in pattern.pattern.converters}
    )
    send = owner.post if name in test_roles.POSTED else owner.get
    assert send(address).status_code == 404
    assert Upload.objects.filter(pk=theirs.pk).exists()


def test_the_pages_of_a_running_restore_want_their_own_cookie(owner):
    for name in sorted(test_roles.BY_COOKIE):
        send = owner.post if name.endswith("_stop") else owner.get
        assert send(reverse(f"admin:{name}", args=["0" * 32])).status_code in (302, 403, 404), name


def test_the_queue_has_no_dashboard():
    assert not apps.is_installed("django_rq")
    assert not [door for door in EVERY if "rq" in door.name.split("_")]
