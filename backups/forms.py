"""Forms of the backup pages."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backups import second_factor
from backups.reauthentication import ATTEMPTS, WINDOW, Outcome, confirm


def password_again() -> forms.CharField:
    """The field that asks for the password of who is signed in."""
    return forms.CharField(
        label=_("Your password, again"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def token_again() -> forms.CharField:
    """The field that asks for a token of the account's device."""
    return forms.CharField(
        label=_("The code of your device"),
        help_text=_("Six digits of your authenticator, or one of your backup codes."),
        max_length=100,
        required=False,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false"}
        ),
    )


def require_password(
    request: HttpRequest, password: str, *, token: str = "", reason: str, subject: str = ""
) -> None:
    """Raises ValidationError where it is not the password of who is signed in, or not a token of their device
    where one is asked for, or none is accepted now."""
    outcome = confirm(request, password, token=token, reason=reason, subject=subject)
    if outcome is Outcome.WRONG:
        raise ValidationError(_wrong(request), code="wrong")
    if outcome is Outcome.NO_DEVICE:
        raise ValidationError(
            _(
                "Your account has no device for a second factor, which is obligatory here. Set one up first."
            ),
            code="no_device",
        )
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


def _wrong(request: HttpRequest) -> str:
    """Not which of both was wrong: whoever guesses a password must not be told that it is right."""
    if second_factor.is_asked_of(request.user):
        said = _(
            "This is not your password, or not a code that your device shows now. Each code is good for"
            " once. Try again."
        )
    else:
        said = _("This is not your password. Try again.")
    return str(said)


class PasswordAgainForm(forms.Form):
    """Asks for the password of who is signed in, and for a token where their account has a device; valid when
    it is right. Subclass it to ask more.

    ``reason`` names the step in the audit trail, ``subject`` the run.
    """

    password = password_again()
    token = token_again()

    def __init__(
        self, request: HttpRequest, *args: Any, reason: str, subject: str = "", **kwargs: Any
    ) -> None:
        self._request = request
        self._reason = reason
        self._subject = subject
        super().__init__(*args, **kwargs)
        if not second_factor.is_asked_of(request.user):
            del self.fields["token"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        # With other faults nothing is done anyway: the password is looked at, so that all is said at once; a
        # token would be used up for it.
        if "password" in cleaned and not (self.errors and "token" in self.fields):
            self._confirm(cleaned)
        return cleaned

    def _confirm(self, cleaned: dict[str, Any]) -> None:
        try:
            require_password(
                self._request,
                cleaned["password"],
                token=cleaned.get("token", ""),
                reason=self._reason,
                subject=self._subject,
            )
        except ValidationError as error:
            self.add_error("password", error)
