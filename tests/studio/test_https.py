"""Behind a server that ends HTTPS: whose word counts, and what the settings then say."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from backups.models import AuditEvent
from backupsvc.studio.models import User
from backupsvc.studio.proxies import TrustedProxyMiddleware, networks
from tests.backups.programs import MANAGE

PROXY = "10.0.0.7"


def seen(settings, trusted: str, remote: str | None, **headers: str) -> tuple[str, bool]:
    """The address and whether it is secure, as what stands behind sees it."""
    settings.TRUSTED_PROXIES = trusted.split()
    asked = RequestFactory().get("/", REMOTE_ADDR=remote or "", headers=headers)
    TrustedProxyMiddleware(lambda request: HttpResponse())(asked)
    assert not {"HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO"} & asked.META.keys()
    return asked.META["REMOTE_ADDR"], asked.is_secure()


@pytest.mark.parametrize(
    ("trusted", "remote", "said_for", "proto", "expected"),
    [
        ("10.0.0.7", PROXY, "203.0.113.9", "https", ("203.0.113.9", True)),
        ("10.0.0.0/8", PROXY, "203.0.113.9, 10.1.1.1", "https", ("203.0.113.9", True)),
        ("10.0.0.0/8", PROXY, "6.6.6.6, 203.0.113.9", "http", ("203.0.113.9", False)),
        ("10.0.0.0/8", PROXY, "garbage, 203.0.113.9", "", ("203.0.113.9", False)),
        ("10.0.0.0/8", PROXY, "", "https", (PROXY, True)),
        ("10.0.0.7", PROXY, "::ffff:203.0.113.9", "https", ("203.0.113.9", True)),
        ("::1", "::1", "2001:db8::5", "http, https", ("2001:db8::5", True)),
        ("::1", "::1", "2001:db8::5", "https, http", ("2001:db8::5", False)),
        ("unix", None, "203.0.113.9", "https", ("203.0.113.9", True)),
        ("", PROXY, "203.0.113.9", "https", (PROXY, False)),
        ("10.0.0.8", PROXY, "203.0.113.9", "https", (PROXY, False)),
        ("10.0.0.7", None, "203.0.113.9", "https", ("", False)),
    ],
)
def test_only_a_trusted_proxy_says_who_asks_and_how(
    settings, trusted, remote, said_for, proto, expected
):
    headers = {"X-Forwarded-For": said_for} if said_for else {}
    headers |= {"X-Forwarded-Proto": proto} if proto else {}
    assert seen(settings, trusted, remote, **headers) == expected


def test_a_proxy_that_nobody_named_is_told_instead_of_led_around_for_ever(settings, caplog):
    settings.TRUSTED_PROXIES, settings.SECURE_SSL_REDIRECT = ["10.0.0.8"], True
    middleware = TrustedProxyMiddleware(lambda request: HttpResponse("reached"))
    asked: dict[str, Any] = {"REMOTE_ADDR": PROXY, "headers": {"X-Forwarded-Proto": "https"}}
    answer = middleware(RequestFactory().get("/", **asked))
    assert answer.status_code == 400
    assert "TRUSTED_PROXIES must name 10.0.0.7" in answer.content.decode()
    assert PROXY in caplog.text
    assert middleware(RequestFactory().get("/", secure=True, **asked)).content == b"reached"
    settings.SECURE_SSL_REDIRECT = False
    assert middleware(RequestFactory().get("/", **asked)).content == b"reached"


def test_what_is_no_network_is_refused_when_the_server_starts():
    with pytest.raises(ValueError, match="nonsense"):
        networks(["nonsense"])


def test_the_audit_trail_has_the_visitors_address(settings, db):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    login = {"username": "nobody@studio.example", "password": "wrong"}
    for said, kept in (("203.0.113.9", "203.0.113.9"), ("6.6.6.6, 203.0.113.8", "203.0.113.8")):
        Client().post(reverse("admin:login"), login, headers={"X-Forwarded-For": said})
        assert AuditEvent.objects.latest("at").address == kept
    settings.TRUSTED_PROXIES = []
    Client().post(reverse("admin:login"), login, headers={"X-Forwarded-For": "203.0.113.9"})
    assert AuditEvent.objects.latest("at").address == "127.0.0.1"


def test_a_link_in_mail_leads_to_the_address_that_was_asked(settings, db):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    settings.ALLOWED_HOSTS = ["studio.example"]
    User.objects.create_user(
        email="noa@studio.example",
        password="x",
        role=User.Role.OWNER,
        approval_status=User.ApprovalStatus.APPROVED,
    )
    headers = {"X-Forwarded-Proto": "https", "Host": "studio.example"}
    form = {"email": "noa@studio.example"}
    Client().post(reverse("admin_password_reset"), form, headers=headers)
    assert "https://studio.example/reset/" in mail.outbox[0].body


HTTPS = {"HTTPS": "1", "ALLOWED_HOSTS": "studio.example", "TRUSTED_PROXIES": "127.0.0.1"}
ASK = """
import json
from django.conf import settings
names = "SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SECURE_HSTS_SECONDS CSRF_TRUSTED_ORIGINS"
names += " SECURE_SSL_REDIRECT"
print(json.dumps([getattr(settings, name) for name in names.split()]))
"""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (HTTPS, [True, True, 31536000, ["https://studio.example"], True]),
        (
            HTTPS | {"ALLOWED_HOSTS": ".studio.example [::1] *"},
            [True, True, 31536000, ["https://*.studio.example", "https://[::1]"], True],
        ),
        ({}, [False, False, 0, [], False]),
    ],
)
def test_two_variables_are_enough(said, expected):
    environment = {n: v for n, v in os.environ.items() if n not in HTTPS} | said
    environment["DJANGO_SETTINGS_MODULE"] = "backupsvc.settings"
    program = subprocess.run(
        [sys.executable, "-c", ASK],
        env=environment,
        cwd=MANAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(program.stdout) == expected


def test_the_checks_for_a_deployment_are_silent():
    # Tests with a browser set it for their own process.
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    program = subprocess.run(
        [sys.executable, MANAGE, "check", "--deploy", "--fail-level", "WARNING"],
        env=environment | HTTPS | {"DJANGO_SETTINGS_MODULE": "backupsvc.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert program.returncode == 0, program.stderr
