"""The one page of an installation that nobody has an account on: start empty, or with a backup.

Anybody can ask for it, so it says nothing of the installation, takes nothing without the one-time code,
and is not there (404) from the first account on.
"""

from django.contrib.auth import authenticate, get_user_model, login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from backups.views import grants
from restore.forms import FirstStartForm
from restore.services.asking import first_start
from restore.services.asking.first_start import Outcome, Way
from restore.views.access import import_door

_NEXT = {Way.EMPTY: "admin:index", Way.BACKUP: "admin:restore_import"}


@sensitive_variables("form")
@sensitive_post_parameters()
@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest) -> HttpResponseBase:
    """Ask, and with the right code make the first owner and sign in."""
    if not first_start.is_open():
        raise Http404
    form = FirstStartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _begin(request, form)
    return _ask(request, form)


@sensitive_variables("form")
def _begin(request: HttpRequest, form: FirstStartForm) -> HttpResponseBase:
    way = Way(form.cleaned_data["way"])
    address = str(request.META.get("REMOTE_ADDR", ""))
    outcome, user = first_start.begin(form.cleaned_data["code"], address, way, form.make_owner)
    if outcome is Outcome.ENDED:
        raise Http404
    if outcome is Outcome.WRONG:
        form.add_error("code", _("This is not the code that the server printed."))
        return _ask(request, form)
    if outcome is Outcome.LIMITED:
        form.add_error(
            "code",
            _(
                "Too many wrong codes: wait 15 minutes, or let the server print another one:"
                " manage.py first_start --new."
            ),
        )
        return _ask(request, form)
    name = get_user_model().USERNAME_FIELD
    credentials = {name: getattr(user, name), "password": form.cleaned_data["password"]}
    response = HttpResponseRedirect(reverse(_NEXT[way]))
    if owner := authenticate(request, **credentials):
        login(request, owner)
        # The password was given a moment ago.
        grants.grant(request, response, import_door())
    return response


def _ask(request: HttpRequest, form: FirstStartForm) -> HttpResponse:
    text = render_to_string("restore/first_start.html", {"form": form}, request)
    return HttpResponse(text, headers={"Referrer-Policy": "same-origin"})
