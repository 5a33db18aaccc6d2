"""Accounts. Only owners decide on roles and approvals, and only they set anybody's password."""

import copy
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminEmailInputWidget
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from backups import second_factor
from backups.forms import PasswordAgainForm, password_again, require_password, token_again
from backups.permissions import actor_of
from backups.services import auditing
from backups.views.frame import ask_again
from backupsvc.studio.admin.base import StudioAdmin
from backupsvc.studio.models import User

# Roles decide; a page of groups would have no effect. Django registered it at the import above.
admin.site.unregister(Group)


# What decides who can sign in and do what. Where one of these is edited, who edits says the password
# again: a session left open must not be enough to become somebody, or to let somebody in.
DECISIVE = {"email", "role", "approval_status"}
CONFIRMING = ("password_again", "token_again")


class ConfirmedForm(forms.BaseForm):
    """Asks whoever acts for the password, where ``is_decisive``. Bind it to a request first."""

    request: ClassVar[HttpRequest]
    reason: ClassVar[str]

    @classmethod
    def bound_to(cls, request: HttpRequest) -> type["ConfirmedForm"]:
        return type(cls.__name__, (cls,), {"request": request})

    def is_decisive(self) -> bool:
        return True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not second_factor.is_asked_of(self.request.user):
            self.fields.pop("token_again", None)

    @property
    def changed_data(self) -> list[str]:
        """What is confirmed is no change itself."""
        return [name for name in super().changed_data if name not in CONFIRMING]

    def clean(self) -> Any:
        cleaned = super().clean() or self.cleaned_data
        # With other faults it is not saved anyway.
        if self.is_decisive() and not self.errors:
            self._confirm(cleaned.get("password_again") or "", cleaned.get("token_again") or "")
        return cleaned

    def _confirm(self, password: str, token: str) -> None:
        if not password:
            self.add_error("password_again", "This needs your own password, once more.")
            return
        try:
            account = getattr(self, "instance", None) or getattr(self, "user", None)
            subject = str(account.pk)[:64] if account else ""
            require_password(
                self.request, password, token=token, reason=self.reason, subject=subject
            )
        except ValidationError as error:
            self.add_error("password_again", error)


def _asked_where_decisive() -> forms.CharField:
    field = password_again()
    field.required = False
    field.help_text = (
        "Needed to set a password or an address, and to decide on a role or an approval."
    )
    return field


class AddressForm(ConfirmedForm, forms.ModelForm):
    """One account an address, however it is spelled."""

    reason = "account.change"
    password_again = _asked_where_decisive()
    token_again = token_again()
    email = forms.EmailField(widget=AdminEmailInputWidget)

    def clean_email(self) -> str:
        email = User.objects.normalize_email(self.cleaned_data["email"])
        others = User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError("There is an account with this address.")
        return email

    def is_decisive(self) -> bool:
        return bool(DECISIVE & set(self.changed_data))


def owners_held() -> set[Any]:
    """The approved owners, whom nobody changes before the caller's transaction has ended: of two who take
    each other's role away the second sees that they are the last."""
    owners = User.objects.filter(role=User.Role.OWNER, approval_status=User.ApprovalStatus.APPROVED)
    return set(owners.select_for_update().order_by("pk").values_list("pk", flat=True))


class ChangeForm(AddressForm):
    """What of an account is edited. Its password is not among it."""

    def clean(self) -> dict[str, Any]:
        # Before the password is looked at, which holds the row of who acts: all take rows in one order.
        self._owners = owners_held()
        cleaned = super().clean() or self.cleaned_data
        owns = cleaned.get("role", self.instance.role) == User.Role.OWNER
        status = cleaned.get("approval_status", self.instance.approval_status)
        if not (owns and status == User.ApprovalStatus.APPROVED) and self._is_last_owner():
            raise ValidationError("The studio must keep an approved owner. Make another one first.")
        return cleaned

    def _is_last_owner(self) -> bool:
        return self._owners == {self.instance.pk}


class AddWithPasswordForm(AddressForm, AdminUserCreationForm):
    """A new account with a password, or with none until its owner asks for one by mail."""

    reason = "account.add"

    def is_decisive(self) -> bool:
        return True

    class Meta:
        model = User
        fields = ("email",)


class SetPasswordForm(ConfirmedForm, AdminPasswordChangeForm):
    """Another password for an account, one's own included: Django's asks for no old one."""

    reason = "account.password"
    password_again = password_again()
    token_again = token_again()


@admin.register(User)
class UserAdmin(StudioAdmin, DjangoUserAdmin):
    form = ChangeForm
    add_form = AddWithPasswordForm
    change_password_form = SetPasswordForm
    delete_confirmation_template = "studio/delete_account.html"
    change_user_password_template = "studio/set_password.html"  # noqa: S105 - a page
    list_display = ("email", "name", "role", "approval_status", "org")
    list_filter = ("role", "approval_status")
    search_fields = ("email", "name")
    filter_horizontal = ()
    ordering = ("email",)
    readonly_fields = ("approved_at", "approved_by", "password_page")
    fieldsets = (
        (None, {"fields": ("email", "name", "image", "phone_number", "org")}),
        ("Standing", {"fields": ("role", "approval_status", "approved_at", "approved_by")}),
        ("Password", {"fields": ("password_page", "must_change_password")}),
        ("Notices", {"fields": ("email_notifications_enabled", "sms_notifications_enabled")}),
        ("Dates", {"fields": ("email_verified", "created_at", "updated_at")}),
        ("Confirmation", {"fields": CONFIRMING}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "role", "approval_status", "org")}),
        ("Password", {"fields": ("usable_password", "password1", "password2")}),
        ("Confirmation", {"fields": CONFIRMING}),
    )

    @admin.display(description="Password")
    def password_page(self, user: User) -> str:
        text = "Set another password" if user.has_usable_password() else "There is none: set one"
        return format_html('<a href="../password/">{}</a>', text)

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        if obj is None and not request.user.is_superuser:
            # Who may not set passwords makes accounts that have none.
            kwargs.setdefault("form", AddressForm)
        made: Any = super().get_form(request, obj, change=change, **kwargs)
        bound: type[forms.ModelForm] = made.bound_to(request)
        return bound

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if not second_factor.is_asked_of(request.user):
            fieldsets = [_without_token(entry) for entry in fieldsets]
        if request.user.is_superuser:
            return fieldsets
        return [entry for entry in fieldsets if entry[0] != "Password"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        if request.user.is_superuser:
            return fields
        return [*fields, "role", "approval_status"]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """An owner's account is changed by owners: whoever sets its address could reset its password."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody deletes themselves, so an owner always remains; and no account goes with something else, its
        organisation, say: it has a page of its own, which asks for the password."""
        if obj is not None and (obj == request.user or not _is_of_accounts(request)):
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """Accounts are deleted one by one."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        form = PasswordAgainForm(
            request, request.POST or None, reason="account.delete", subject=object_id[:64]
        )
        account = self.get_object(request, object_id)
        is_meant = request.method == "POST" and self.has_delete_permission(request, account)
        if is_meant and not form.is_valid():
            return ask_again(request, form)
        return super().delete_view(request, object_id, {**(extra_context or {}), "form": form})

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied
        # Django makes the form without a request: of a copy, since this object serves all threads.
        bound = copy.copy(self)
        bound.change_password_form = SetPasswordForm.bound_to(request)  # type: ignore[assignment]
        return super(UserAdmin, bound).user_change_password(request, id, form_url)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Also in the audit trail: which columns of which account, and what it may now be."""
        _audit(request, "account.change", obj, _columns_of(message))
        return super().log_change(request, obj, message)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _audit(request, "account.add", obj, [])
        return super().log_addition(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for user in queryset:
            _audit(request, "account.delete", user, [])
        return super().log_deletions(request, queryset)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        _require_owner_beside({obj.pk})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        with transaction.atomic():
            _require_owner_beside(set(queryset.values_list("pk", flat=True)))
            super().delete_queryset(request, queryset)

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if "approval_status" in form.changed_data and obj.is_active:
            obj.approved_at, obj.approved_by = timezone.now(), request.user.pk
            obj.save(update_fields=["approved_at", "approved_by"])


def _is_of_accounts(request: HttpRequest) -> bool:
    """Whether one of the pages of accounts is asked for."""
    found = request.resolver_match
    return found is not None and (found.url_name or "").startswith("studio_user_")


def _require_owner_beside(removed: set[Any]) -> None:
    """Raises PermissionDenied where no approved owner would remain: two may delete each other at once."""
    owners = owners_held()
    if owners & removed and not owners - removed:
        raise PermissionDenied


def _without_token(entry: Any) -> Any:
    name, options = entry
    fields = [field for field in options["fields"] if field != "token_again"]
    return (name, {**options, "fields": fields})


def _columns_of(message: Any) -> list[str]:
    """The fields that Django's own log says were changed."""
    found: list[str] = []
    for entry in message if isinstance(message, list) else []:
        found += entry.get("changed", {}).get("fields", [])
    return found


def _audit(request: HttpRequest, action: str, user: User, changed: list[str]) -> None:
    auditing.audit(
        actor_of(request),
        action,
        "done",
        subject=str(user.pk)[:64],
        account=user.email,
        role=user.role,
        approval=user.approval_status,
        changed=[str(name) for name in changed],
    )
