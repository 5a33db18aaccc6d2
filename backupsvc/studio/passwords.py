"""One's own password: another one for the old one, or by mail, also for somebody who never had one."""

import unicodedata
from collections.abc import Iterator
from typing import Any

from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse

from backups.forms import require_password
from backups.permissions import actor_of
from backups.services import auditing
from backupsvc.studio.models import User


class ApprovedAccountsResetForm(PasswordResetForm):
    """Mails a link to approved accounts.

    Django's own form skips accounts without a usable password, and after a restore from a Safe file
    those are everyone; it also asks for a column ``is_active``, which there is not.
    """

    def get_users(self, email: str) -> Iterator[User]:
        matching = User.objects.filter(
            email__iexact=email, approval_status=User.ApprovalStatus.APPROVED
        )
        # The database may fold letters together that are different addresses (CVE-2019-19844).
        return (user for user in matching if _folded(user.email) == _folded(email))


class OwnPasswordForm(AdminPasswordChangeForm):
    """Counts wrong old passwords as every page does: here, too, somebody could go on guessing."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self._request = request
        super().__init__(*args, **kwargs)

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        require_password(self._request, password, reason="password.own")
        return password


class OwnPasswordView(PasswordChangeView):
    form_class = OwnPasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        auditing.audit(actor_of(self.request), "password.own", "done", subject=form.user.pk)
        return super().form_valid(form)


class ResetConfirmView(PasswordResetConfirmView):
    """Where the link of the mail leads."""

    def form_valid(self, form: Any) -> HttpResponse:
        # Nobody is signed in: whoever has the link acts for the account.
        actor = auditing.Actor(
            name=form.user.name or form.user.email,
            email=form.user.email,
            address=str(self.request.META.get("REMOTE_ADDR", "")),
            id=form.user.pk,
        )
        auditing.audit(actor, "password.reset", "done", subject=form.user.pk)
        return super().form_valid(form)


def _folded(address: str) -> str:
    return unicodedata.normalize("NFKC", address).casefold()
