"""Forms of the restore pages."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backups.errors import RestoreError
from backups.forms import PasswordAgainForm
from restore.plan import Choices
from restore.services.asking.requests import PHRASE, require_phrase


class BeginForm(forms.Form):
    """A file that is about to be uploaded."""

    name = forms.CharField(max_length=1000)
    size = forms.IntegerField(min_value=0)


class ChoicesForm(forms.Form):
    """The choices of a plan. ``accounts`` are those of a foreign file whose roles can be granted."""

    accept_foreign = forms.BooleanField(required=False)
    accept_altered = forms.BooleanField(required=False)
    keep_revoked = forms.BooleanField(required=False)
    host_files = forms.BooleanField(required=False)
    drop_duplicates = forms.BooleanField(required=False)
    grant_roles = forms.MultipleChoiceField(required=False)
    partial_undo = forms.BooleanField(required=False)
    without_undo = forms.BooleanField(required=False)

    def __init__(self, *args: Any, accounts: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["grant_roles"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - declared above
        field.choices = [(email, email) for email in accounts]

    def choices(self, *, acting: str) -> Choices:
        """Who acts is never chosen: it is who is signed in."""
        return Choices(
            acting=acting,
            accept_foreign=self.cleaned_data["accept_foreign"],
            accept_altered=self.cleaned_data["accept_altered"],
            keep_revoked=self.cleaned_data["keep_revoked"],
            grant_roles=tuple(self.cleaned_data["grant_roles"]),
            host_files=self.cleaned_data["host_files"],
            drop_duplicates=self.cleaned_data["drop_duplicates"],
            partial_undo=self.cleaned_data["partial_undo"],
            without_undo=self.cleaned_data["without_undo"],
        )


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
