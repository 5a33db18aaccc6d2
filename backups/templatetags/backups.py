"""How pages print times, sizes, numbers and states."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.template.defaultfilters import filesizeformat
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backups import panels, trail
from backups.models import BackupRun, State
from backups.navigation import tabs_for
from backups.registry import COMPLETE, role_in_words
from backups.translating import translated

register = template.Library()

# A word and a sign beside each colour.
_SIGNS = {
    State.QUEUED: "…",
    State.RUNNING: "▶",
    State.SUCCEEDED: "✓",
    State.INCOMPLETE: "!",
    State.FAILED: "✕",
    State.CANCELLED: "—",
}


register.filter("translated", translated)
register.filter("action_word", trail.action)
register.filter("outcome_word", trail.outcome)
register.filter("detail_word", trail.detail)
register.filter("shown_details", trail.shown_details)
register.filter("person", trail.person)


@register.filter
def of_number(places: Mapping[str, str], number: object) -> str:
    """Where the page is of what has this number; empty where there is none."""
    return places.get(number, "") if isinstance(number, str) else ""


@register.filter
def role(value: str) -> str:
    """An account's role, in the reader's language where it is but a flag."""
    return translated(role_in_words(value))


@register.filter
def enumerated(names: Iterable[str]) -> str:
    """One after the other, each in the reader's language."""
    return ", ".join(translated(name) for name in names)


@register.inclusion_tag("backups/tabs.html", takes_context=True)
def backup_tabs(context: Any) -> dict[str, Any]:
    user = context["request"].user
    return {"tabs": tabs_for(user), "chosen": context.get("tab", "")}


@register.simple_tag(takes_context=True)
def backup_panels(context: Any, place: str, run: BackupRun | None = None) -> SafeString:
    """What other apps show at this place; see ``backups.panels``."""
    request = context["request"]
    return format_html_join("", "{}", ((panel(request, run),) for panel in panels.at(place)))


@register.filter
def moment(at: datetime.datetime | None) -> SafeString | str:
    """A time: UTC here, put into the person's own zone and language by ``backups.js``."""
    if at is None:
        return "—"
    utc = at.astimezone(datetime.UTC)
    text = formats.date_format(utc, "j M Y, H:i") + " UTC"
    return format_html('<time datetime="{}" data-local>{}</time>', utc.isoformat(), text)


@register.filter
def ago(at: datetime.datetime | None) -> str:
    """How long something is past, in its largest unit."""
    if at is None:
        return _("never")
    seconds = max(0, int((timezone.now() - at).total_seconds()))
    if seconds < 60:
        return _("just now")
    if seconds < 3600:
        minutes = seconds // 60
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
    if seconds < 2 * 86400:
        hours = seconds // 3600
        return ngettext("%(n)d hour ago", "%(n)d hours ago", hours) % {"n": hours}
    days = seconds // 86400
    return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}


@register.filter
def number(value: Any) -> str:
    """With separators between thousands."""
    if value in (None, ""):
        return "—"
    return formats.number_format(value, force_grouping=True)


@register.filter
def size(value: Any) -> str:
    """Bytes in the largest fitting unit."""
    return "—" if value in (None, "") else filesizeformat(value).replace(".0\xa0", "\xa0")


@register.filter
def lasting(value: datetime.timedelta | float | str | None) -> str:
    """A length of time: ``4 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if value in (None, ""):
        return "—"
    seconds = value.total_seconds() if isinstance(value, datetime.timedelta) else float(value)
    whole = max(0, round(seconds))
    if whole < 1:
        return _("under 1 s")
    if whole < 60:
        return _("%(s)d s") % {"s": whole}
    if whole < 3600 and whole % 60 == 0:
        return _("%(m)d min") % {"m": whole // 60}
    if whole < 3600:
        return _("%(m)d min %(s)d s") % {"m": whole // 60, "s": whole % 60}
    return _("%(h)d h %(m)d min") % {"h": whole // 3600, "m": whole % 3600 // 60}


@register.filter
def state_badge(run: Any) -> SafeString:
    """A run's state: colour, sign and word."""
    return badge(run.state, _SIGNS.get(run.state, ""), run.get_state_display())


@register.filter
def scope_badge(scope: str) -> SafeString:
    return badge(scope, "", _("Complete") if scope == COMPLETE else _("Safe"))


def badge(kind: str, sign: str, word: str) -> SafeString:
    return format_html(
        '<span class="bk-badge bk-badge--{}"><span aria-hidden="true">{}</span> {}</span>',
        kind,
        sign,
        word,
    )


@register.filter
def took(run: Any) -> datetime.timedelta | None:
    """How long a run worked; None where it never began or still works."""
    if run.started_at is None or run.finished_at is None:
        return None
    length: datetime.timedelta = run.finished_at - run.started_at
    return length


@register.filter
def last_part(label: str) -> str:
    """A model's name without its app."""
    return label.rsplit(".", 1)[-1]


_GOOD_OUTCOMES = {"done", "accepted", "served", "succeeded", "whole"}
_BAD_OUTCOMES = {"refused", "wrong", "limited", "failed", "not whole", "changed outside"}


@register.filter
def outcome_badge(outcome: str) -> SafeString:
    kind = "good" if outcome in _GOOD_OUTCOMES else "bad" if outcome in _BAD_OUTCOMES else "quiet"
    return badge(kind, "", trail.outcome(outcome))
