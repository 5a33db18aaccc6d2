"""Who did, tried, downloaded or was refused what, when and from where."""

import csv
import datetime
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from backups import permissions, printed_json, trail
from backups.errors import BackupSystemError
from backups.models import AuditEvent, BackupRun
from backups.services import audit_proof
from backups.translating import message_and_hint, translated
from backups.views.frame import page
from backups.views.paging import listing

FILTERS = {"person": "person_email", "action": "action", "outcome": "outcome"}
# A worker verifies it each day; after that none did, and somebody should.
LONG_AGO = datetime.timedelta(days=2)
_SHOWN_FINDINGS = 10
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@require_safe
@permissions.needs(permissions.SEE_AUDIT, "page.audit")
def show(request: HttpRequest) -> HttpResponseBase:
    listed = listing(request, _filtered(request))
    numbers = {number for event in listed.page for number in _numbers(event)}
    looked = audit_proof.last_look()
    return page(
        request,
        "backups/audit.html",
        title=_("Audit"),
        tab="audit",
        listing=listed,
        places=_accounts(numbers) | _backups(numbers) | trail.places(numbers),
        looked=looked,
        is_long_ago=looked is not None and timezone.now() - looked.at > LONG_AGO,
        choices={name: _values(field) for name, field in FILTERS.items()},
        chosen={name: request.GET.get(name, "") for name in (*FILTERS, "since", "until")},
    )


@require_POST
@permissions.needs(permissions.SEE_AUDIT, audit_proof.LOOK)
def verify(request: HttpRequest) -> HttpResponseBase:
    """Read the whole trail now; how that went is its newest event, which the page shows."""
    try:
        proof = audit_proof.verify_for(permissions.actor_of(request))
    except BackupSystemError as error:
        messages.error(request, message_and_hint(error))
        return redirect("admin:backups_audit")
    for finding in proof.findings[:_SHOWN_FINDINGS]:
        said = f"{translated(finding.message)} {translated(finding.hint)} ({finding.code})"
        messages.error(request, said)
    if proof.is_guarded:
        messages.success(
            request,
            ngettext(
                "Whole: %(n)d event was read, and is as it was written.",
                "Whole: %(n)d events were read, and are as they were written.",
                proof.events,
            )
            % {"n": proof.events},
        )
    return redirect("admin:backups_audit")


@require_safe
@permissions.needs(permissions.SEE_AUDIT, "audit.export")
def as_csv(request: HttpRequest) -> HttpResponseBase:
    """What the page's filters leave, all of it."""
    events = _filtered(request)
    name = f"backup-audit-{timezone.now():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        _lines(events),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _numbers(event: AuditEvent) -> set[str]:
    """Whatever it names that may have a page."""
    return {event.subject, event.person_id, str(event.details.get("account", ""))[:64]} - {""}


def _accounts(numbers: set[str]) -> dict[str, str]:
    """The pages of accounts, where the project's admin has them."""
    model = get_user_model()
    pages = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    try:
        keys = {str(key) for number in numbers if (key := _as_key(model, number)) is not None}
        here = model._default_manager.filter(pk__in=keys).values_list("pk", flat=True)
        return {str(key): reverse(pages, args=[key]) for key in here}
    except NoReverseMatch:
        return {}


def _as_key(model: type[Model], number: str) -> Any:
    """What a number would be as an account's key; None where it can be none."""
    key = model._meta.pk
    try:
        value = key.to_python(number)
        key.run_validators(value)
    except ValidationError:
        return None
    return value


def _backups(numbers: set[str]) -> dict[str, str]:
    here = BackupRun.objects.filter(pk__in=numbers).values_list("pk", flat=True)
    return {number: reverse("admin:backups_run", args=[number]) for number in here}


def _filtered(request: HttpRequest) -> QuerySet[AuditEvent]:
    events = AuditEvent.objects.all()
    for name, field in FILTERS.items():
        if value := request.GET.get(name):
            events = events.filter(**{field: value})
    if since := _day(request.GET.get("since", "")):
        events = events.filter(at__gte=since)
    if until := _day(request.GET.get("until", "")):
        events = events.filter(at__lt=until + datetime.timedelta(days=1))
    return events


def _day(text: str) -> datetime.datetime | None:
    """The beginning of a day, UTC; None for what is no day."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    # The last one has no day behind it.
    if day is None or day == datetime.date.max:
        return None
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)


def _values(field: str) -> list[str]:
    found = AuditEvent.objects.exclude(**{field: ""}).order_by(field)
    return list(found.values_list(field, flat=True).distinct())


_HEADS = "when name email address action outcome subject details account number hash"


class _Echo:
    """Where csv writes to: it hands each line straight back."""

    def write(self, line: str) -> str:
        return line


def _lines(events: QuerySet[AuditEvent]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(_HEADS.split())
    for event in events.iterator(chunk_size=1000):
        yield writer.writerow([_cell(value) for value in _columns(event)])


def _columns(event: AuditEvent) -> list[Any]:
    return [
        event.at.isoformat(timespec="seconds"),
        event.person_name,
        event.person_email,
        event.address,
        event.action,
        event.outcome,
        event.subject,
        printed_json.compact(event.details, default=str) if event.details else "",
        event.person_id,
        "" if event.number is None else str(event.number),
        event.hash,
    ]


def _cell(value: str) -> str:
    """With an apostrophe before what a spreadsheet would compute."""
    return "'" + value if value.startswith(_FORMULA) else value
