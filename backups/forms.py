"""Forms of the backup pages."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from backups.artifact import age, passphrase
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
    field_order = ("public_key", "name", "answer", "promised", "password")

    def clean_public_key(self) -> str:
        try:
            return age.recipient_of(self.cleaned_data["public_key"])
        except ArtifactError as error:
            # What was typed may be a private key: it must not stand on the page again.
            self.data = {name: value for name, value in self.data.items() if name != "public_key"}
            raise ValidationError(message_and_hint(error)) from None

    def clean_password(self) -> str:
        """Asked for with the last step alone: a key that nothing is said of changes nothing yet."""
        return super().clean_password() if self._is_last_step() else ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
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
        max_length=age.MOST_BYTES,
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
    def identities(self) -> list[age.Identity]:
        """The private keys alone. Raises ArtifactError where there is none in it."""
        file, text = self.cleaned_data["identity_file"], self.cleaned_data["identity_text"]
        if file is not None:
            return age.identities_of(file.read(age.MOST_BYTES + 1))
        return age.identities_of(text.encode())


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
