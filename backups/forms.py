"""Forms of the backup pages."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from backups import second_factor
from backups.artifact import age_keys, passphrase
from backups.artifact.passphrase import Passphrase
from backups.errors import ArtifactError
from backups.models import LONGEST_KEY_NAME
from backups.reauthentication import ATTEMPTS, WINDOW, Outcome, confirm
from backups.services.keyring import Key
from backups.translating import message_and_hint


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


class AddKeyForm(PasswordAgainForm):
    """A public key, what it is called, and how it is shown that its private half is there. The first time
    it is sent, without either of the last, the page shows the challenge."""

    public_key = forms.CharField(
        label=_("Public key"),
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    name = forms.CharField(
        label=_("Where its private key is kept"),
        max_length=LONGEST_KEY_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    answer = forms.CharField(
        label=_("The answer"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    promised = forms.BooleanField(
        label=_("I have the private key in two places, and have tried it"), required=False
    )
    password = password_again()
    password.required = False
    field_order = ("public_key", "name", "answer", "promised", "password", "token")

    def clean_public_key(self) -> str:
        try:
            return age_keys.recipient_of(self.cleaned_data["public_key"])
        except ArtifactError as error:
            # What was typed may be a private key: it must not stand on the page again.
            self.data = {name: value for name, value in self.data.items() if name != "public_key"}
            raise ValidationError(message_and_hint(error)) from None

    def _confirm(self, cleaned: dict[str, Any]) -> None:
        """Asked for with the last step alone: a key that nothing is said of changes nothing yet."""
        if self._is_last_step():
            super()._confirm(cleaned)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("public_key") and not self._is_last_step() and not self.errors:
            self.add_error(None, _("Show that you have its private key, then confirm."))
        return cleaned

    def asked_public(self) -> str:
        """The public key that the challenge is for; empty where there is none."""
        return str(self.cleaned_data.get("public_key", ""))

    def _is_last_step(self) -> bool:
        return bool(self.data.get("answer") or self.data.get("promised"))


class IdentityForm(forms.Form):
    """A private key: its file, or its text. Neither is ever shown again."""

    identity_file = forms.FileField(
        label=_("The file of the private key"), required=False, allow_empty_file=True
    )
    identity_text = forms.CharField(
        label=_("or its text"),
        required=False,
        strip=False,
        max_length=age_keys.MOST_BYTES,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("identity_file") is None and not any(
            cleaned.get(name) for name in ("identity_text", "passphrase")
        ):
            self.add_error(None, _("Choose the file of the private key, or type its text."))
        return cleaned

    @sensitive_variables()
    def identities(self) -> list[age_keys.Identity]:
        """The private keys alone. Raises ArtifactError where there is none in it."""
        file, text = self.cleaned_data["identity_file"], self.cleaned_data["identity_text"]
        if file is not None:
            return age_keys.identities_of(file.read(age_keys.MOST_BYTES + 1))
        return age_keys.identities_of(text.encode())


class KeyForm(IdentityForm):
    """What opens a file: a private key, or the passphrase that it was made with."""

    passphrase = forms.CharField(
        label=_("or the passphrase, where it was made with one"),
        required=False,
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
    )

    @sensitive_variables()
    def keys(self) -> list[Key]:
        """Raises ArtifactError where what was given for a private key is none."""
        words = self.cleaned_data.get("passphrase")
        found: list[Key] = [Passphrase(words)] if words else []
        if self.cleaned_data["identity_file"] is not None or self.cleaned_data["identity_text"]:
            found += self.identities()
        return found


class NewPassphraseForm(forms.Form):
    """A passphrase that a backup is made with, twice."""

    passphrase = forms.CharField(
        label=_("Passphrase"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The same passphrase, again"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("passphrase") and cleaned["passphrase"] != cleaned.get("again"):
            self.add_error("again", _("The two passphrases differ."))
        return cleaned

    @sensitive_variables()
    def keys(self) -> list[Key]:
        """Raises ArtifactError where it is too short."""
        return [passphrase.new(self.cleaned_data["passphrase"])]
