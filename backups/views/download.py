"""Downloading a backup: streamed, resumable, and written down each time; a Complete one once for each time
that the password was asked for."""

from collections.abc import Iterator
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from backups import permissions
from backups.errors import ConfigurationError, StorageFailure
from backups.forms import PasswordAgainForm
from backups.models import BackupRun, OneTimeDownload
from backups.registry import COMPLETE, Scope
from backups.services import auditing, delivering, one_time
from backups.services.delivering import FORMS, Delivery
from backups.translating import message_and_hint
from backups.views import grants
from backups.views.frame import ask_again, page
from backups.views.lookup import run_or_refuse
from backups.views.ranges import Span, UnsatisfiableError, span

ACTION = "backup.download"


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.needs(permissions.DOWNLOAD[COMPLETE], ACTION)
def choose(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """A Complete backup's way out: the password, a word on where to keep it, then the links."""
    run = _downloadable(request, run_id)
    form = PasswordAgainForm(request, request.POST or None, reason=ACTION, subject=run.pk)
    if request.method == "POST":
        if not form.is_valid():
            return ask_again(request, form)
        response = redirect("admin:backups_download", run.pk)
        way = one_time.open_way(run, str(request.user.pk))
        grants.grant(request, response, grants.door_of(way))
        return response
    return page(
        request,
        "backups/download.html",
        title=_("Download a Complete Backup"),
        tab="history",
        run=run,
        form=form,
        way=grants.open_way(request, run),
        minutes=int(one_time.TO_BEGIN.total_seconds()) // 60,
    )


@require_safe
@permissions.needs(permissions.SEE, ACTION)
def file(request: HttpRequest, run_id: str, form: str) -> HttpResponseBase:
    run = _downloadable(request, run_id)
    if form not in FORMS:
        raise Http404
    way = grants.open_way(request, run) if run.scope == COMPLETE else None
    if run.scope == COMPLETE and way is None:
        return _password_wanted(request, run)
    try:
        wanted = delivering.delivery(run, form)
    except ConfigurationError as error:
        messages.error(request, message_and_hint(error))
        return redirect("admin:backups_run", run.pk)
    except StorageFailure:
        return redirect("admin:backups_run", run.pk)
    return _answer(request, wanted, way)


def _password_wanted(request: HttpRequest, run: BackupRun) -> HttpResponseBase:
    auditing.audit(permissions.actor_of(request), ACTION, "password wanted", subject=run.pk)
    return redirect("admin:backups_download", run.pk)


def _downloadable(request: HttpRequest, run_id: str) -> BackupRun:
    run = run_or_refuse(request, run_id, ACTION)
    permissions.require(request, permissions.DOWNLOAD[Scope(run.scope)], ACTION, subject=run.pk)
    if not run.artifact:
        raise Http404
    return run


def _answer(
    request: HttpRequest, wanted: Delivery, way: OneTimeDownload | None
) -> HttpResponseBase:
    try:
        part = span(request.headers.get("Range", ""), wanted.size_bytes)
    except UnsatisfiableError:
        whole = f"bytes */{wanted.size_bytes}"
        return HttpResponse(status=416, headers={"Content-Range": whole})
    # Another file under the same address: then the whole of it (RFC 9110, 13.1.5).
    if request.headers.get("If-Range", wanted.etag) != wanted.etag:
        part = None
    if request.method != "GET":
        return _streamed(wanted, part, iter(()))
    sent = part or Span(0, wanted.size_bytes - 1)
    blocks = wanted.blocks(sent.first, sent.last)
    note = partial(
        auditing.audit,
        permissions.actor_of(request),
        ACTION,
        subject=wanted.run.pk,
        form=wanted.form,
    )
    if way is not None:
        if not (turn := one_time.begin(way)):
            return _password_wanted(request, wanted.run)
        transfer = one_time.Transfer(way, turn, wanted.form, wanted.size_bytes)
        blocks = one_time.counted(transfer, sent.first, blocks, partial(note, "downloaded"))
    note("served", from_byte=sent.first)
    return _streamed(wanted, part, blocks)


def _media_type(wanted: Delivery) -> str:
    if wanted.run.encryption:
        return "application/octet-stream"
    return "application/json" if wanted.form == "plain" else "application/zstd"


def _streamed(
    wanted: Delivery, part: Span | None, blocks: Iterator[bytes]
) -> StreamingHttpResponse:
    sent = part or Span(0, wanted.size_bytes - 1)
    response = StreamingHttpResponse(
        blocks,
        status=206 if part else 200,
        content_type=_media_type(wanted),
        headers={
            "Accept-Ranges": "bytes",
            "Cache-Control": "no-store, private",
            "Content-Disposition": f'attachment; filename="{wanted.name}"',
            "Content-Length": str(sent.length),
            "ETag": wanted.etag,
            "X-Content-Type-Options": "nosniff",
        },
    )
    if part:
        response["Content-Range"] = f"bytes {part.first}-{part.last}/{wanted.size_bytes}"
    return response
