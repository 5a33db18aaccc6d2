"""Downloads: what is sent, from which byte, to whom, and what is written down."""

import pytest
import zstandard

from backups.models import AuditEvent
from backups.services.delivering import BLOCK_BYTES, delivery
from backups.views.ranges import Span, UnsatisfiableError, span
from tests.pages.conftest import PAGES, PASSWORD, PLAIN


def file(browser, run, form="plain", **headers):
    return browser.get(f"{PAGES}runs/{run.pk}/file/{form}/", headers=headers)


def body(response):
    return b"".join(response.streaming_content)


def unlock(browser, run):
    return browser.post(f"{PAGES}runs/{run.pk}/download/", {"password": PASSWORD})


def test_the_plain_form_is_the_document(admin, backup):
    response = file(admin, backup())

    assert body(response) == PLAIN
    assert response["Content-Length"] == str(len(PLAIN))


def test_the_stored_form_is_the_file_as_it_lies(admin, backup):
    assert zstandard.decompress(body(file(admin, backup(), "stored"))) == PLAIN


def test_there_is_no_third_form(admin, backup):
    assert file(admin, backup(), "secret").status_code == 404


def test_the_answer_is_an_attachment_that_nobody_keeps_or_sniffs(admin, backup):
    run = backup()
    headers = file(admin, run).headers

    name = f"safe-backup-{run.requested_at:%Y-%m-%d-%H%M}Z.json"
    assert headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in headers["Cache-Control"]


@pytest.mark.parametrize("form", ["plain", "stored"])
def test_a_download_that_broke_off_is_resumed(admin, backup, form):
    run = backup()
    whole = body(file(admin, run, form))
    half = len(whole) // 2

    rest = file(admin, run, form, range=f"bytes={half}-")

    assert rest.status_code == 206
    assert rest["Content-Range"] == f"bytes {half}-{len(whole) - 1}/{len(whole)}"
    assert body(rest) == whole[half:]


def test_another_file_under_the_address_is_sent_whole(admin, backup):
    response = file(admin, backup(), range="bytes=10-", if_range='"another"')

    assert response.status_code == 200
    assert body(response) == PLAIN


def test_a_range_behind_the_end_is_refused(admin, backup):
    response = file(admin, backup(), range=f"bytes={len(PLAIN)}-")

    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(PLAIN)}"


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", None),
        ("bytes=0-", Span(0, 99)),
        ("bytes=5-9", Span(5, 9)),
        ("bytes=5-500", Span(5, 99)),
        ("bytes=-10", Span(90, 99)),
        ("bytes=-500", Span(0, 99)),
        ("bytes=9-5", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
    ],
)
def test_ranges_as_the_rfc_has_them(header, part):
    assert span(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=100-200"])
def test_ranges_that_hold_nothing(header):
    with pytest.raises(UnsatisfiableError):
        span(header, 100)


def test_a_file_passes_in_small_blocks(backup):
    run = backup()

    sizes = [len(b) for b in delivery(run, "plain").blocks(1, len(PLAIN) - 1)]

    assert sum(sizes) == len(PLAIN) - 1
    assert max(sizes) <= BLOCK_BYTES < len(PLAIN)


def test_a_head_request_sends_nothing_and_is_not_a_download(admin, backup):
    run = backup()
    response = admin.head(f"{PAGES}runs/{run.pk}/file/plain/")

    assert response["Content-Length"] == str(len(PLAIN))
    assert not AuditEvent.objects.filter(outcome="served").exists()


def test_each_download_is_written_down(admin, backup):
    run = backup()
    body(file(admin, run, range="bytes=100-"))

    event = AuditEvent.objects.get(action="backup.download")
    assert (event.outcome, event.subject, event.person_email) == (
        "served",
        run.pk,
        "admin@studio.example",
    )
    assert event.details == {"form": "plain", "from_byte": 100}


def test_a_complete_backup_wants_the_password_first(owner, backup):
    run = backup("complete")
    assert file(owner, run)["Location"] == f"{PAGES}runs/{run.pk}/download/"

    owner.post(f"{PAGES}runs/{run.pk}/download/", {"password": "wrong"})
    assert file(owner, run).status_code == 302

    unlock(owner, run)
    assert body(file(owner, run)) == PLAIN


def test_the_password_opens_one_run_alone(owner, backup):
    first, second = backup("complete"), backup("complete")
    unlock(owner, first)
    cookie = owner.cookies[f"backup-{first.pk[:8]}"]

    owner.cookies[f"backup-{second.pk[:8]}"] = cookie.value

    assert file(owner, second).status_code == 302


def test_a_grant_is_worth_nothing_in_another_session(owner, sign_in, backup):
    run = backup("complete")
    unlock(owner, run)
    other = sign_in("OWNER")

    name = f"backup-{run.pk[:8]}"
    other.cookies[name] = owner.cookies[name].value

    assert file(other, run).status_code == 302


def test_the_grant_is_out_of_scripts_reach_and_sent_nowhere_else(owner, backup):
    run = backup("complete")
    unlock(owner, run)

    cookie = owner.cookies[f"backup-{run.pk[:8]}"]

    assert cookie["path"] == f"{PAGES}runs/{run.pk}/"
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
