"""The password opens one download of a Complete backup: it can be resumed, and ends with its last byte."""

import datetime

import pytest
from django.utils import timezone

from backups.models import AuditEvent, OneTimeDownload
from backups.services import one_time
from backups.services.one_time import joined
from tests.pages.conftest import PAGES, PLAIN
from tests.pages.test_downloading import body, file, unlock

SIZE = len(PLAIN)


@pytest.fixture
def run(backup):
    return backup("complete")


def page_of(browser, run) -> str:
    return browser.get(f"{PAGES}runs/{run.pk}/download/").content.decode()


def outcomes(run) -> list[str]:
    found = AuditEvent.objects.filter(action="backup.download", subject=run.pk)
    return list(found.order_by("id").values_list("outcome", flat=True))


def later(minutes: int) -> None:
    """So much time has passed for every download."""
    for way in OneTimeDownload.objects.all():
        way.ends_at -= datetime.timedelta(minutes=minutes)
        way.save()


def test_a_download_that_is_complete_closes_the_way(owner, run):
    unlock(owner, run)
    assert body(file(owner, run)) == PLAIN
    assert file(owner, run)["Location"] == f"{PAGES}runs/{run.pk}/download/"
    assert file(owner, run, "stored").status_code == 302
    assert outcomes(run) == ["served", "downloaded", "password wanted", "password wanted"]


def test_without_the_closing_it_would_go_on(owner, run, monkeypatch):
    monkeypatch.setattr(one_time, "close_if_whole", lambda *_: (True, False))
    unlock(owner, run)
    assert body(file(owner, run)) == body(file(owner, run)) == PLAIN


def test_one_that_broke_off_is_resumed_and_then_closed(owner, run):
    unlock(owner, run)
    broken = file(owner, run)
    got = next(iter(broken.streaming_content))
    break_off(broken)
    assert OneTimeDownload.objects.get().done_at is None
    assert "It can be resumed until" in page_of(owner, run)

    # A browser goes on from what arrived, which may be less than what was sent.
    rest = file(owner, run, range=f"bytes={len(got) - 100}-")
    assert rest.status_code == 206 and got[:-100] + body(rest) == PLAIN
    assert file(owner, run).status_code == 302


def test_one_that_broke_off_in_its_last_block_is_resumed_too(owner, run):
    unlock(owner, run)
    broken = file(owner, run)
    blocks = iter(broken.streaming_content)
    got = b""
    while len(got) < SIZE:
        got += next(blocks)
    break_off(broken)
    assert is_open(run)
    assert body(file(owner, run, range=f"bytes={SIZE - 9}-")) == PLAIN[-9:]
    assert not is_open(run)


def begun(browser, run):
    """A download of which the first block was taken, and the blocks that follow."""
    blocks = iter(file(browser, run).streaming_content)
    return next(blocks), blocks


def together(owner, run) -> list[bytes]:
    """What two downloads in one session get that go on block by block."""
    one, another = begun(owner, run), begun(owner, run)
    got = [one[0], another[0]]
    for _ in range(SIZE):
        taken = [next(one[1], b""), next(another[1], b"")]
        if not any(taken):
            break
        got = [before + now for before, now in zip(got, taken, strict=True)]
    return got


def test_of_two_at_once_one_becomes_whole(owner, run):
    unlock(owner, run)
    got = together(owner, run)
    assert [part == PLAIN for part in got] == [False, True]
    assert outcomes(run) == ["served", "served", "downloaded"]
    assert file(owner, run).status_code == 302


def test_without_turns_both_would(owner, run, monkeypatch):
    """A twin."""
    monkeypatch.setattr(one_time, "close_if_whole", lambda *_: (True, False))
    monkeypatch.setattr(one_time, "_has_turn", lambda *_: True)
    unlock(owner, run)
    assert together(owner, run) == [PLAIN, PLAIN]


def test_nobody_begins_while_the_last_block_is_on_its_way(owner, run):
    unlock(owner, run)
    _first, blocks = begun(owner, run)
    got = len(_first)
    while got < SIZE:
        got += len(next(blocks))
    assert file(owner, run).status_code == 302
    assert next(blocks, None) is None and outcomes(run)[-1] == "downloaded"


def break_off(response) -> None:
    """As a web server does when the connection has gone, without what ends a request of Django's."""
    response._iterator.close()


def is_open(run) -> bool:
    return OneTimeDownload.objects.filter(run=run.pk, done_at=None).exists()


def test_the_last_bytes_alone_are_not_the_whole(owner, run):
    unlock(owner, run)
    body(file(owner, run, range=f"bytes={SIZE - 5}-"))
    assert is_open(run)
    body(file(owner, run, range=f"bytes=0-{SIZE - 6}"))
    assert not is_open(run)


def test_parts_of_two_forms_do_not_make_one(owner, run):
    unlock(owner, run)
    body(file(owner, run, range=f"bytes=0-{SIZE // 2}"))
    body(file(owner, run, "stored", range="bytes=5-"))
    assert is_open(run)


def test_looking_with_head_begins_nothing(owner, run):
    unlock(owner, run)
    assert owner.head(f"{PAGES}runs/{run.pk}/file/plain/").status_code == 200
    assert not OneTimeDownload.objects.get().is_begun


def test_it_must_begin_within_a_quarter_of_an_hour(owner, run):
    unlock(owner, run)
    later(minutes=14)
    assert "begin within 15 minutes" in page_of(owner, run)
    later(minutes=2)
    assert file(owner, run).status_code == 302
    assert "begin within" not in page_of(owner, run)


def test_one_that_has_begun_may_take_a_day_and_no_longer(owner, run):
    unlock(owner, run)
    begun = file(owner, run)
    next(iter(begun.streaming_content))
    break_off(begun)
    later(minutes=23 * 60)
    assert file(owner, run, range="bytes=5-").status_code == 206
    later(minutes=2 * 60)
    assert file(owner, run, range="bytes=5-").status_code == 302


def test_signing_in_anew_is_another_login(owner, run):
    unlock(owner, run)
    cookie = owner.cookies[f"backup-{run.pk[:8]}"].value
    owner.force_login(owner.get(PAGES).wsgi_request.user)
    owner.cookies[f"backup-{run.pk[:8]}"] = cookie
    owner.session.cycle_key()
    assert file(owner, run).status_code == 302


def test_the_password_again_closes_what_was_open(owner, run):
    unlock(owner, run)
    first = owner.cookies[f"backup-{run.pk[:8]}"].value
    unlock(owner, run)
    owner.cookies[f"backup-{run.pk[:8]}"] = first
    assert file(owner, run).status_code == 302


def test_old_ways_are_swept(owner, run):
    unlock(owner, run)
    OneTimeDownload.objects.update(ends_at=timezone.now() - datetime.timedelta(days=2))
    unlock(owner, run)
    assert OneTimeDownload.objects.count() == 1


def test_spans_are_joined():
    assert joined([(5, 9), (0, 5), (20, 30), (8, 12)]) == [(0, 12), (20, 30)]
    assert joined([(0, 3), (4, 5)]) == [(0, 3), (4, 5)]
