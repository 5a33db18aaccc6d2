"""One's own password: another one for the old one, or by mail, also for somebody who never had one."""

import datetime
import unicodedata
from collections.abc import Iterator
from typing import Any

from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from backups import second_factor
from backups.database import turns
from backups.forms import require_password, token_again
from backups.models import AuditEvent
from backups.permissions import actor_of, stranger
from backups.services import auditing
from backupsvc.studio.models import User

RESET = "password.reset"
RESET_WINDOW = datetime.timedelta(minutes=15)
MOST_LINKS = 5


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

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Whoever asks is told the same; that somebody asked for whom is written down. Nobody's mailbox is
        filled: of an account no more than ``MOST_LINKS`` are sent in a quarter of an hour."""
        request = kwargs.get("request")
        if request is not None:
            asked = [*self.get_users(self.cleaned_data["email"])]
            sent = [user for user in asked if _note_asked(user, request)]
            if asked and not sent:
                return
        super().save(*args, **kwargs)


def _note_asked(user: User, request: HttpRequest) -> bool:
    """Whether a link is sent to this account, also of those who ask at the same moment. Those that were
    refused are written down once in a while."""
    actor = stranger(request)
    lately = AuditEvent.objects.filter(
        action=RESET, subject=user.pk, at__gt=timezone.now() - RESET_WINDOW
    )
    with turns.turn(f"{RESET} {user.pk}") as is_turn:
        if is_turn and lately.filter(outcome="requested").count() < MOST_LINKS:
            auditing.audit(actor, RESET, "requested", subject=user.pk, account=user.email)
            return True
        if not lately.filter(outcome="limited").exists():
            auditing.audit(actor, RESET, "limited", subject=user.pk, account=user.email)
    return False


class OwnPasswordForm(AdminPasswordChangeForm):
    """Counts wrong old passwords as every page does: here, too, somebody could go on guessing. Of an account
    with a device it wants the code as well."""

    token_again = token_again()

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self._request = request
        super().__init__(*args, **kwargs)
        if not second_factor.is_asked_of(request.user):
            del self.fields["token_again"]

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        if "token_again" not in self.fields:
            require_password(self._request, password, reason="password.own")
        return password

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        # With other faults a code would be used up for nothing.
        if "token_again" in self.fields and not self.errors:
            password, token = cleaned["old_password"], cleaned["token_again"]
            try:
                require_password(self._request, password, token=token, reason="password.own")
            except ValidationError as error:
                self.add_error("old_password", error)
        return cleaned


class OwnPasswordView(PasswordChangeView):
    form_class = OwnPasswordForm
    template_name = "studio/own_password.html"

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
        auditing.audit(actor, RESET, "done", subject=form.user.pk)
        return super().form_valid(form)


def _folded(address: str) -> str:
    return unicodedata.normalize("NFKC", address).casefold()
