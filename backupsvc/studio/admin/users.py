"""Accounts. Only owners decide on roles and approvals, and only they set anybody's password."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminEmailInputWidget
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from backupsvc.studio.admin.base import StudioAdmin
from backupsvc.studio.models import User

# Roles decide; a page of groups would have no effect. Django registered it at the import above.
admin.site.unregister(Group)


class AddressForm(forms.ModelForm):
    """One account an address, however it is spelled."""

    email = forms.EmailField(widget=AdminEmailInputWidget)

    def clean_email(self) -> str:
        email = User.objects.normalize_email(self.cleaned_data["email"])
        others = User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError("There is an account with this address.")
        return email


class ChangeForm(AddressForm):
    """What of an account is edited. Its password is not among it."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        owns = cleaned.get("role", self.instance.role) == User.Role.OWNER
        status = cleaned.get("approval_status", self.instance.approval_status)
        if not (owns and status == User.ApprovalStatus.APPROVED) and self._is_last_owner():
            raise ValidationError("The studio must keep an approved owner. Make another one first.")
        return cleaned

    def _is_last_owner(self) -> bool:
        owners = User.objects.filter(
            role=User.Role.OWNER, approval_status=User.ApprovalStatus.APPROVED
        )
        return set(owners.values_list("pk", flat=True)) == {self.instance.pk}


class AddWithPasswordForm(AddressForm, AdminUserCreationForm):
    """A new account with a password, or with none until its owner asks for one by mail."""

    class Meta:
        model = User
        fields = ("email",)


@admin.register(User)
class UserAdmin(StudioAdmin, DjangoUserAdmin):
    form = ChangeForm
    add_form = AddWithPasswordForm
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
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "role", "approval_status", "org")}),
        ("Password", {"fields": ("usable_password", "password1", "password2")}),
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
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
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
        """Nobody deletes themselves, nor by deleting their organisation: an owner always remains."""
        return obj != request.user and super().has_delete_permission(request, obj)

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if "approval_status" in form.changed_data and obj.is_active:
            obj.approved_at, obj.approved_by = timezone.now(), request.user.pk
            obj.save(update_fields=["approved_at", "approved_by"])
