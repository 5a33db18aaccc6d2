"""The admin's index, with the studio's tables under the headings of their sections.

Not in the package ``admin``: importing that registers models, which asks for this very site.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backups import permissions
from backups.registry import registry
from backups.sites import fit_to_ask
from backups.translating import translated

STUDIO = "studio"


class StudioAdminSite(AdminSite):
    """Django's admin, where 82 tables are found again."""

    site_header = _("Studio")
    site_title = _("Studio")
    index_title = _("Everything the studio keeps")
    # The pages have no use for the site's root, which leads back here.
    site_url = None

    def admin_view(  # type: ignore[override]  # the stubs know views of one type only
        self, view: Callable[..., Any], cacheable: bool = False
    ) -> Callable[..., Any]:
        """As Django's own, for addresses that a database can be asked by."""
        return fit_to_ask(super().admin_view(view, cacheable))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """As Django's own; who signs in to begin, and may make backups, begins where they are made."""
        answer = super().login(request, extra_context)
        begins = getattr(answer, "url", "") == reverse("admin:index", current_app=self.name)
        if request.method == "POST" and begins and permissions.may(request.user, permissions.SEE):
            return HttpResponseRedirect(reverse("admin:backups_backuprun_changelist"))
        return answer

    def password_change(  # type: ignore[override]  # Django's answers a form with a redirect too
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """As Django's own, with its wrong answers counted and its success written down."""
        # Needs the models, which are loaded later than the site is made.
        from backupsvc.studio.passwords import OwnPasswordView

        request.current_app = self.name
        view = OwnPasswordView.as_view(
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context=self.each_context(request) | (extra_context or {}),
        )
        return view(request)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Other apps first, then the studio as one heading a group, in the order of sections."""
        entries = super().get_app_list(request, app_label)
        others = [entry for entry in entries if entry["app_label"] != STUDIO]
        studio = [entry for entry in entries if entry["app_label"] == STUDIO]
        return others + [group for entry in studio for group in _groups(entry)]

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        # Django names the page after the first heading, which is only one of the studio's.
        title = {"title": self.index_title} if app_label == STUDIO else {}
        return super().app_index(request, app_label, title | (extra_context or {}))


def _groups(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry a group, of the tables that this person may see."""
    visible = {table["model"]: table for table in entry["models"]}
    groups: dict[str, list[dict[str, Any]]] = {}
    for section in registry.sections:
        if section.model in visible:
            groups.setdefault(section.group, []).append(visible[section.model])
    return [entry | {"name": translated(name), "models": tables} for name, tables in groups.items()]
