"""What was sent without proof that it came from a page of ours, in the audit trail."""

import contextlib

from django.db import Error as DjangoDatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure as djangos
from django.views.decorators.csrf import requires_csrf_token

from backups import permissions


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """For ``CSRF_FAILURE_VIEW``: Django's own page, and a line in the trail.

    Asks neither for the session nor for the account: a restore may hold both, and whose they are says
    nothing of who sent it.
    """
    match = request.resolver_match
    subject = next(iter(match.kwargs.values()), "") if match else ""
    with contextlib.suppress(DjangoDatabaseError):  # the page says what to do all the same
        permissions.note_refusal(request, "csrf", subject=str(subject), path=request.path[:200])
    answer: HttpResponse = djangos(request, reason=reason or _("No proof was sent."))
    return answer
