"""The studio behind nginx, by the example of ``deploy/``: what visitors see and what the trail keeps."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from django.contrib.sessions.models import Session
from django.db import connections
from django.urls import reverse

from backups.models import AuditEvent, BackupRun
from backups.registry import SAFE
from backups.services import auditing, creating
from backupsvc.serve.supervisor import Child, Supervisor
from backupsvc.studio.models import User
from restore.models import PlanRun, Upload
from restore.services.asking.uploads import PIECE_BYTES
from tests import audit_door
from tests.roundtrip.engine import document
from tests.second_installation import Installation
from tests.serve.nginx import VISITOR, gunicorn, in_front_of, program, visitor

OWNER, PASSWORD = "owner@studio.example", "correct horse battery staple"
# The trail last: it tells of the account that goes.
LEFT = (PlanRun, Upload, BackupRun, Session, User, AuditEvent)


@pytest.fixture(scope="module")
def studio(django_db_setup, django_db_blocker) -> Iterator[BackupRun]:
    """One owner and one Safe backup, where programs that are started see them."""
    program()
    with django_db_blocker.unblock():
        User.objects.create_user(
            email=OWNER,
            password=PASSWORD,
            role=User.Role.OWNER,
            approval_status=User.ApprovalStatus.APPROVED,
        )
        yield creating.carry_out(creating.request(SAFE, auditing.COMMAND_LINE))
        with audit_door.opened():
            for model in LEFT:
                model._default_manager.all().delete()
        audit_door.forget_the_head()
        connections.close_all()


@contextmanager
def waitress(made: Installation) -> Iterator[str]:
    """The application as ``make run`` serves it. Yields where."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = listener.fileno()
        web = Child("The web server", "web", ["--socket", str(place)], sockets=[place])
        children = Supervisor([web])
        with pytest.MonkeyPatch.context() as environment:
            for name, value in made.environment.items():
                environment.setenv(name, value)
            children.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            children.stop()


@pytest.fixture(
    scope="module", params=[(waitress, "127.0.0.1"), (gunicorn, "unix")], ids=["w", "g"]
)
def front(request, studio, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """nginx before one of the two; ``address`` is its own."""
    serving, trusted = request.param
    folder = tmp_path_factory.mktemp("nginx")
    environment = {
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "HTTPS": "1",
        "TRUSTED_PROXIES": trusted,
        "ALLOWED_HOSTS": "127.0.0.1",
        "EMAIL_BACKEND": "tests.serve.mailbox.Mailbox",
        "MAILBOX": str(folder / "mail"),
    }
    with ExitStack() as stack:
        upstream = stack.enter_context(serving(Installation(environment, folder)))
        address, plain, certificate = stack.enter_context(in_front_of(upstream, folder))
        yield SimpleNamespace(
            address=address, plain=plain, certificate=certificate, mail=folder / "mail"
        )


@pytest.fixture
def stranger(front) -> requests.Session:
    return visitor(front.address, front.certificate)


@pytest.fixture(autouse=True)
def transactional_db(django_db_blocker) -> Iterator[None]:
    """In place of pytest-django's, whose name makes it create the database: what stands in it is the other
    processes' too, so nothing is rolled back or emptied."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()


@pytest.fixture
def owner(front, stranger) -> requests.Session:
    assert signed_in(front, stranger).status_code == 302
    return stranger


def signed_in(front, session, **headers: str) -> requests.Response:
    page = front.address + reverse("admin:login")
    session.get(page)
    form = {"username": OWNER, "password": PASSWORD, "next": "/admin/"}
    form |= {"csrfmiddlewaretoken": session.cookies["csrftoken"]}
    return session.post(page, form, headers=headers, allow_redirects=False)


def test_plain_http_leads_to_https(front):
    answer = requests.get(f"{front.plain}/admin/?a=1", allow_redirects=False, timeout=20)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://127.0.0.1/admin/?a=1")


def test_cookies_are_for_https_alone_and_browsers_are_told_to_stay_there(front, owner):
    cookies = {cookie.name: cookie for cookie in owner.cookies}
    assert {"csrftoken", "sessionid"} <= cookies.keys()
    assert all(cookie.secure for cookie in cookies.values())
    answer = owner.get(f"{front.address}/admin/")
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "nginx/" not in answer.headers["Server"]


def test_the_trail_has_the_visitor_s_address_whatever_the_visitor_says(front, stranger):
    signed_in(front, stranger, **{"X-Forwarded-For": "6.6.6.6"})
    assert AuditEvent.objects.filter(action="sign-in").latest("at").address == VISITOR


def test_a_form_is_taken_from_the_studio_s_own_pages_alone(front, stranger):
    assert signed_in(front, stranger, Origin=front.address).status_code == 302
    answer = signed_in(front, stranger, Origin="https://elsewhere.example")
    assert answer.status_code == 403
    assert "What you sent was not taken" in answer.text and ">Back to the start<" in answer.text


def test_a_link_in_mail_leads_to_the_address_that_was_asked(front, stranger):
    page = front.address + reverse("admin_password_reset")
    stranger.get(page)
    form = {"email": OWNER, "csrfmiddlewaretoken": stranger.cookies["csrftoken"]}
    assert stranger.post(page, form).status_code == 200
    (mail,) = front.mail.iterdir()
    assert f"{front.address}/reset/" in mail.read_text()


def test_a_body_that_is_too_large_is_told_in_the_studio_s_own_words(front, owner):
    answer = owner.post(f"{front.address}/admin/", data=bytes(10 * 1024 * 1024))
    assert answer.status_code == 413
    assert "larger than this server takes at once" in answer.text
    assert re.search(r'href="/admin/">Back to the start<', answer.text)
    assert owner.get(f"{front.address}/admin/").status_code == 200


def test_a_backup_is_brought_in_pieces_as_long_as_they_get(front, owner, studio):
    content = document(studio)
    first = content + b" " * (PIECE_BYTES - len(content))
    headers = {"X-CSRFToken": owner.cookies["csrftoken"]}
    page = front.address + reverse("admin:restore_import")
    assert owner.post(page, {"password": PASSWORD}, headers=headers).status_code == 200
    begun = owner.post(
        front.address + reverse("admin:restore_begin"),
        {"size": 3 * PIECE_BYTES, "name": "backup.json"},
        headers=headers,
    ).json()
    answer = owner.post(
        front.address + reverse("admin:restore_piece", args=[begun["id"]]),
        data=first,
        headers=headers | {"Content-Type": "application/octet-stream", "Upload-Offset": "0"},
    )
    assert answer.json().get("received") == PIECE_BYTES, answer.text
    assert answer.json()["head"]["ours"] is True


def test_a_download_goes_on_where_it_broke_off(front, owner, studio):
    address = front.address + reverse("admin:backups_file", args=[studio.pk, "plain"])
    whole, half = document(studio), len(document(studio)) // 2
    assert owner.get(address).content == whole
    rest = owner.get(address, headers={"Range": f"bytes={half}-"})
    assert (rest.status_code, rest.content) == (206, whole[half:])
    assert rest.headers["Content-Range"] == f"bytes {half}-{len(whole) - 1}/{len(whole)}"
    head = owner.head(address)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole))
    # A body after HEAD would be taken for the beginning of this answer.
    assert owner.get(f"{front.address}/admin/").status_code == 200


def test_nginx_says_so_where_nothing_listens_behind_it(tmp_path: Path):
    program()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"127.0.0.1:{listener.getsockname()[1]}"
    with in_front_of(nobody, tmp_path) as (address, _plain, certificate):
        answer = visitor(address, certificate).get(f"{address}/admin/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "The studio is not there at the moment" in answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_what_the_example_does_not_name_is_noticed(tmp_path: Path, monkeypatch):
    """The twin: an example without the words would still be one that starts."""
    program()
    example = tmp_path / "example.conf"
    from tests.serve import nginx

    example.write_text(nginx.EXAMPLE.read_text().replace("error_page 502 503 504 =503 @away;", ""))
    monkeypatch.setattr(nginx, "EXAMPLE", example)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"127.0.0.1:{listener.getsockname()[1]}"
    with in_front_of(nobody, tmp_path) as (address, _plain, certificate):
        answer = visitor(address, certificate).get(f"{address}/admin/")
    assert "The studio is not there" not in answer.text
