"""What every answer carries, whoever asks for what: not framed, not sniffed, kept by nobody."""

import re
from typing import Any

import pytest
from django.test import Client

from tests.pages import test_odd_requests
from tests.pages.test_downloading import body, file, unlock


def lacking(answer: Any) -> list[str]:
    """What of it is missing."""
    found = []
    if "frame-ancestors 'none'" not in answer.get("Content-Security-Policy", ""):
        found.append("frame")
    if answer.get("X-Content-Type-Options") != "nosniff":
        found.append("sniff")
    if answer.get("Referrer-Policy") != "same-origin":
        found.append("referrer")
    kept = answer.get("Cache-Control", "")
    if "no-store" not in kept:
        found.append(f"cache: {kept}")
    if [name for name in answer.headers if name.startswith("Access-Control-")]:
        found.append("other origins")
    for name, morsel in answer.cookies.items():
        if morsel.value and not (
            morsel["samesite"] and (morsel["httponly"] or name == "csrftoken")
        ):
            found.append(f"cookie {name}")
    return found


def all_lacking(browser: Client) -> dict[str, list[str]]:
    asked = {path: browser.get(path) for path in test_odd_requests.addresses()}
    return {path: said for path, answer in asked.items() if (said := lacking(answer))}


@pytest.mark.parametrize("role", ["OWNER", None])
def test_every_answer_is_for_its_reader_alone(role, sign_in):
    assert all_lacking(sign_in(role)) == {}


def test_and_so_is_every_download(owner, backup):
    for run in (backup(), backup("complete")):
        unlock(owner, run)
        for headers in ({"range": "bytes=5-9"}, {}):
            answer = file(owner, run, **headers)
            assert lacking(answer) == [] and body(answer)
            assert re.match("attachment; ", answer["Content-Disposition"])


def test_an_answer_without_them_is_noticed(owner, settings):
    """A twin."""
    wanted = ("ContentSecurityPolicyMiddleware", "SecurityMiddleware", "NotKeptMiddleware")
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith(wanted)]
    found = {word for said in all_lacking(owner).values() for word in said}
    assert {"frame", "sniff", "referrer", "cache: "} <= found
