"""What every page has: the admin's frame around it, and the tabs."""

from typing import Any

from django.http import HttpRequest
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
