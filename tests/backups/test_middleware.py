"""A body that is longer than any page needs is refused before anything reads it."""

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory

from backups import conf
from backups.middleware import BodyLimitMiddleware
from restore.services.asking.uploads import PIECE_BYTES


def answer_to(announced: str) -> HttpResponse:
    request = RequestFactory().post("/anything/", CONTENT_LENGTH=announced)
    return BodyLimitMiddleware(lambda request: HttpResponse("reached"))(request)


def test_it_takes_a_piece_of_an_upload():
    assert answer_to(str(PIECE_BYTES)).content == b"reached"


@pytest.mark.parametrize("announced", ["", "0", "none", "-1"])
def test_it_leaves_what_announces_nothing_alone(announced):
    assert answer_to(announced).content == b"reached"


def test_it_refuses_what_announces_more_than_the_limit(settings):
    settings.BACKUPS_BODY_LIMIT_BYTES = 100
    assert answer_to("100").status_code == 200
    refused = answer_to("101")
    assert refused.status_code == 413
    assert b"reached" not in refused.content


def test_the_limit_is_just_above_a_piece():
    assert PIECE_BYTES < conf.body_limit_bytes() < 2 * PIECE_BYTES


def test_it_stands_before_whatever_could_read_a_body():
    assert settings.MIDDLEWARE[0] == "backups.middleware.BodyLimitMiddleware"
