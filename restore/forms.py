"""Forms of the restore pages."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backups.errors import RestoreError
from backups.forms import PasswordAgainForm
from backups.services import recovery_kit
from backups.services.recovery_kit import RecoveryKit
from restore.plan import Choices
from restore.services.asking.first_start import Way
from restore.services.asking.requests import PHRASE, require_phrase


class KitForm(forms.Form):
    """The recovery kit of the installation that made a file: its small file, or its text."""

    kit_file = forms.FileField(label=_("The kit's file"), required=False, allow_empty_file=True)
    kit_text = forms.CharField(
        label=_("or its text, as it is printed"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        ),
    )

    def kit(self) -> RecoveryKit | None:
        """The kit; None where nothing was given. Raises ArtifactError where it is none."""
        file, text = self.cleaned_data["kit_file"], self.cleaned_data["kit_text"]
        if file is not None:
            return recovery_kit.parsed(file.read(recovery_kit.MOST_BYTES + 1))
        return recovery_kit.parsed(text.encode()) if text.strip() else None


class BeginForm(KitForm):
    """A file that is about to be uploaded, perhaps with the recovery kit."""

    name = forms.CharField(max_length=1000)
    size = forms.IntegerField(min_value=0)


class ChoicesForm(forms.Form):
    """The choices of a plan. ``accounts`` are those of a foreign file whose roles can be granted, and
    ``access`` its sections whose rows let people in."""

    accept_foreign = forms.BooleanField(required=False)
    accept_altered = forms.BooleanField(required=False)
    all_accounts = forms.BooleanField(required=False)
    keep_revoked = forms.BooleanField(required=False)
    host_files = forms.BooleanField(required=False)
    drop_duplicates = forms.BooleanField(required=False)
    grant_roles = forms.MultipleChoiceField(required=False)
    let_in = forms.MultipleChoiceField(required=False)
    partial_undo = forms.BooleanField(required=False)
    without_undo = forms.BooleanField(required=False)

    def __init__(self, *args: Any, accounts: list[str], access: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, offered in (("grant_roles", accounts), ("let_in", access)):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - declared above
            field.choices = [(value, value) for value in offered]

    def choices(self, *, acting: str) -> Choices:
        """Who acts is never chosen: it is who is signed in."""
        return Choices(
            acting=acting,
            accept_foreign=self.cleaned_data["accept_foreign"],
            accept_altered=self.cleaned_data["accept_altered"],
            all_accounts=self.cleaned_data["all_accounts"],
            keep_revoked=self.cleaned_data["keep_revoked"],
            grant_roles=tuple(self.cleaned_data["grant_roles"]),
            let_in=tuple(self.cleaned_data["let_in"]),
            host_files=self.cleaned_data["host_files"],
            drop_duplicates=self.cleaned_data["drop_duplicates"],
            partial_undo=self.cleaned_data["partial_undo"],
            without_undo=self.cleaned_data["without_undo"],
        )


class FirstStartForm(forms.Form):
    """The one-time code, and the account of the first owner: what the project's model of accounts asks
    ``createsuperuser`` for."""

    code = forms.CharField(
        label=_("One-time code"),
        max_length=100,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
            }
        ),
    )
    password = forms.CharField(
        label=_("A password for your account"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password_again = forms.CharField(
        label=_("The same password, again"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    way = forms.ChoiceField(
        choices=[(way.value, way.value) for way in Way], widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        model = get_user_model()
        self._named = [
            *dict.fromkeys(
                [model.USERNAME_FIELD, model.get_email_field_name(), *model.REQUIRED_FIELDS]
            )
        ]
        for name in self._named:
            field: Any = model._meta.get_field(name)
            if name == model.get_email_field_name():
                # Whatever the column takes: to this address links for new passwords go.
                self.fields[name] = forms.EmailField(label=_("E-mail address"))
            else:
                self.fields[name] = field.formfield(required=True)
        self.order_fields(["code", *self._named, "password", "password_again"])

    @property
    def asked(self) -> list[forms.BoundField]:
        return [field for field in self if field.name != "way"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        password = cleaned.get("password")
        if password and password != cleaned.get("password_again"):
            self.add_error("password_again", _("The two passwords differ."))
        elif password:
            named = {name: cleaned[name] for name in self._named if name in cleaned}
            try:
                validate_password(password, get_user_model()(**named))
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned

    def make_owner(self) -> Any:
        """The account, as ``createsuperuser`` makes it."""
        named = {name: self.cleaned_data[name] for name in self._named}
        manager: Any = get_user_model()._default_manager
        return manager.create_superuser(**named, password=self.cleaned_data["password"])


class ReleaseForm(PasswordAgainForm):
    """Lets mail and jobs leave again: what becomes of the mail that was held, and the password."""

    DISCARD, SEND = "discard", "send"
    mail = forms.ChoiceField(
        label=_("What becomes of the stored mail"),
        choices=[(DISCARD, _("Throw it away")), (SEND, _("Send it"))],
        widget=forms.RadioSelect,
        initial=DISCARD,
    )
    field_order = ("mail", "password")


class ConfirmForm(PasswordAgainForm):
    """The last step before a restore: the phrase, and the password again.

    ``plan`` names the plan that was on the page.
    """

    plan = forms.CharField(max_length=32, widget=forms.HiddenInput, required=False)
    phrase = forms.CharField(
        label=_("The words above"),
        max_length=100,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )
    field_order = ("plan", "phrase", "password")

    def clean_phrase(self) -> str:
        phrase: str = self.cleaned_data["phrase"]
        try:
            require_phrase(phrase)
        except RestoreError as error:
            raise ValidationError(
                _("These are not the words. Type exactly: %(phrase)s"),
                code="phrase",
                params={"phrase": PHRASE},
            ) from error
        return phrase


class UndoForm(ConfirmForm):
    """The last step before an undo. ``obstructed``: one was tried, and stopped at what its own safety
    backup could not hold; then the person can choose how to go on."""

    partial_undo = forms.BooleanField(
        label=_("Go on with an undo that lacks what cannot be saved"), required=False
    )
    without_undo = forms.BooleanField(
        label=_("Go on without any undo: nobody can take this one back"), required=False
    )

    def __init__(self, *args: Any, obstructed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not obstructed:
            del self.fields["partial_undo"], self.fields["without_undo"]

    def chosen(self, name: str) -> bool:
        return bool(self.cleaned_data.get(name))
