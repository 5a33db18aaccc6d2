"""Forms of the backup pages."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backups.reauthentication import ATTEMPTS, WINDOW, Outcome, confirm


def password_again() -> forms.CharField:
    """The field that asks for the password of who is signed in."""
    return forms.CharField(
        label=_("Your password, again"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def require_password(
    request: HttpRequest, password: str, *, reason: str, subject: str = ""
) -> None:
    """Raises ValidationError where it is not the password of who is signed in, or none is accepted now."""
    outcome = confirm(request, password, reason=reason, subject=subject)
    if outcome is Outcome.WRONG:
        raise ValidationError(_("This is not your password. Try again."), code="wrong")
    if outcome is Outcome.LIMITED:
        minutes = int(WINDOW.total_seconds() // 60)
        raise ValidationError(
            ngettext(
                "%(attempts)d wrong passwords: wait %(minutes)d minute, then try again.",
                "%(attempts)d wrong passwords: wait %(minutes)d minutes, then try again.",
                minutes,
            ),
            code="limited",
            params={"attempts": ATTEMPTS, "minutes": minutes},
        )


class PasswordAgainForm(forms.Form):
    """Asks for the password of who is signed in; valid when it is right. Subclass it to ask more.

    ``reason`` names the step in the audit trail, ``subject`` the run.
    """

    password = password_again()

    def __init__(
        self, request: HttpRequest, *args: Any, reason: str, subject: str = "", **kwargs: Any
    ) -> None:
        self._request = request
        self._reason = reason
        self._subject = subject
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        require_password(self._request, password, reason=self._reason, subject=self._subject)
        return password
