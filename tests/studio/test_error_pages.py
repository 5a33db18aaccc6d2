"""What the studio says where no page can: in words, with a way on, and without asking the database."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib import admin
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.template import engines
from django.test import Client, RequestFactory
from django.urls import include, path, reverse
from django.utils.functional import SimpleLazyObject
from django.views import csrf, defaults

from backups.middleware import too_large
from tests.languages import marked_language, untranslated

SECRET = "what only the log may know"
ANSWERS: dict[int, tuple[type[Exception], str]] = {
    400: (SuspiciousOperation, "The server could not take this request"),
    403: (PermissionDenied, "Your role does not allow this"),
    404: (Http404, "This page is not here"),
    500: (RuntimeError, "The server made a mistake"),
}
VIEWS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "400": lambda request: defaults.bad_request(request, SuspiciousOperation(SECRET)),
    "403": lambda request: defaults.permission_denied(request, PermissionDenied(SECRET)),
    "404": lambda request: defaults.page_not_found(request, Http404(SECRET)),
    "500": defaults.server_error,
    "403_csrf": lambda request: csrf.csrf_failure(request, reason=SECRET),
    "413": lambda request: too_large(),
}


def _raise(request: HttpRequest, status: int) -> HttpResponse:
    raise ANSWERS[status][0](SECRET)


urlpatterns = [
    path("broken/<int:status>/", _raise),
    path("", include("backupsvc.urls")),
]

pytestmark = pytest.mark.urls(__name__)


class AskedTooMuch(AssertionError):
    """A page that must stand alone wanted to know who is there."""


def _nobody():
    raise AskedTooMuch


@pytest.fixture
def lonely() -> HttpRequest:
    """A request whose session and account nobody may touch; the test's database is shut as well."""
    request = RequestFactory().post("/anything/")
    for attribute in ("user", "session"):
        setattr(request, attribute, SimpleLazyObject(_nobody))
    return request


def spoken(answer) -> str:
    return unescape(answer.content.decode())


@pytest.mark.django_db
@pytest.mark.parametrize("status", ANSWERS)
def test_it_answers_in_words_of_the_studio(status: int):
    answer = Client(raise_request_exception=False).get(f"/broken/{status}/")
    assert answer.status_code == status
    assert ANSWERS[status][1] in spoken(answer)
    assert SECRET not in spoken(answer)


@pytest.mark.django_db
def test_it_says_what_to_do_when_a_form_has_grown_stale():
    answer = Client(enforce_csrf_checks=True).post(reverse("admin:login"), {"username": "noa"})
    assert answer.status_code == 403
    assert "Go back, load the page again, and try once more." in spoken(answer)
    assert "If you are asked to, sign in again." in spoken(answer)


@pytest.mark.django_db
def test_it_answers_for_a_server_name_that_is_not_its_own():
    answer = Client().get("/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "ALLOWED_HOSTS" in spoken(answer)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_it_asks_for_neither_session_nor_account_nor_row(view, lonely: HttpRequest):
    assert "Back to the start" in spoken(view(lonely))


def test_a_page_that_asked_would_be_noticed(lonely: HttpRequest):
    curious = engines["django"].from_string("{{ user.email }}")
    with pytest.raises(AskedTooMuch):
        curious.render({}, lonely)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_it_carries_the_studio_s_name_and_leads_back_to_the_start(view, lonely: HttpRequest):
    text = spoken(view(lonely))
    assert re.search(rf"<title>.+ \| {admin.site.site_title}</title>", text)
    assert f">{admin.site.site_header}</p>" in text
    assert f'href="{reverse("admin:index")}"' in text


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_every_word_of_it_can_be_translated(view, lonely: HttpRequest):
    with marked_language():
        text = view(lonely).content.decode()
    assert "⟦" in text
    assert untranslated(text, set(), ()) == []


@pytest.mark.urls("tests.studio.without_admin")
def test_the_way_on_stands_where_the_addresses_are_broken(lonely: HttpRequest):
    assert 'href="/"' in spoken(defaults.server_error(lonely))
