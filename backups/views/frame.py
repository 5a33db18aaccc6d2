"""What every page has: the admin's frame around it, and the tabs."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse

from backups.sites import site_of


def page(
    request: HttpRequest,
    template: str,
    *,
    title: str,
    tab: str = "",
    status: int = 200,
    **context: Any,
) -> TemplateResponse:
    """A page inside the admin; ``template`` extends ``backups/base.html``, ``tab`` is the chosen one.

    Without the admin's sidebar, whose 82 tables are of no use here.
    """
    frame = site_of(request).each_context(request) | {"is_nav_sidebar_enabled": False}
    shown = {**frame, "title": title, "tab": tab, **context}
    return TemplateResponse(request, template, shown, status=status)


def ask_again(request: HttpRequest, form: Form, *, query: str = "") -> HttpResponseRedirect:
    """The page of the form once more, with what was wrong above it. By a redirect: who then loads the page
    again is not asked whether to send a password twice. ``query`` keeps what was chosen."""
    for field, errors in form.errors.items():
        label = form.fields[field].label if field in form.fields else ""
        for error in errors:
            messages.error(request, f"{label}: {error}" if label else str(error))
    return HttpResponseRedirect(request.path + query)
