"""What all pages of the studio's tables have in common.

Secrets are not shown, not in forms and not searched, filtered or sorted by; pages stay fast on
large tables; saving writes what was edited and nothing else.
"""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import (
    AdminTextareaWidget,
    AdminTextInputWidget,
    ForeignKeyRawIdWidget,
)
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest

from backups.registry import registry
from backupsvc.studio.admin.fields import DocumentField, ExactTextField, TextListField
from backupsvc.studio.admin.veiling import veil
from backupsvc.studio.models import (
    Client,
    Contractor,
    Organization,
    Project,
    Room,
    Tag,
    User,
)

# References to these are chosen by name; to all others by their key, in a window of its own.
CHOSEN_BY_NAME = {Organization, User, Client, Contractor, Project, Room, Tag}

# Texts that run over several lines. All others get one line.
LONG_TEXTS = {
    "address",
    "caption",
    "category_selections",
    "changes_from_previous",
    "client_message",
    "comments",
    "content",
    "custom_message",
    "delivery_error",
    "description",
    "error_message",
    "ffe_items",
    "follow_up_notes",
    "html",
    "html_content",
    "item_statuses",
    "mentions",
    "message",
    "metadata",
    "new_value",
    "notes",
    "old_value",
    "revision_reason",
    "sections",
    "user_description",
}


def secret_fields(model: type[models.Model]) -> frozenset[str]:
    """The fields of a table that open something, as its section says."""
    section = registry.by_table().get(model._meta.db_table)
    return frozenset(section.secret if section else ())


class StudioAdmin(admin.ModelAdmin):
    """A table that people edit."""

    list_per_page = 50
    # Counting a large table takes longer than showing a page of it.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields: ClassVar[list[str] | tuple[str, ...]] = ("=id",)

    def get_ordering(self, request: HttpRequest) -> Any:
        if self.ordering:
            return self.ordering
        names = {f.name for f in self.opts.local_fields}
        return ("-created_at",) if "created_at" in names else ("pk",)

    def get_list_select_related(self, request: HttpRequest) -> Any:
        shown = self.get_list_display(request)
        return [f.name for f in _references(self.model) if f.name in shown]

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*(super().get_exclude(request, obj) or ()), *sorted(secret_fields(self.model))]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        stamps = [f.name for f in self.opts.local_fields if f.name in ("created_at", "updated_at")]
        return [*super().get_readonly_fields(request, obj), *stamps]

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Not by a secret: filtering by its beginning would tell it letter by letter."""
        if _leads_to_secret(self.model, lookup):
            return False
        return super().lookup_allowed(lookup, value, request)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, ArrayField):
            return TextListField(
                required=not db_field.blank, help_text=db_field.help_text, label=_label(db_field)
            )
        if isinstance(db_field, models.JSONField):
            kwargs |= {"form_class": DocumentField, "required": not db_field.null}
        if isinstance(db_field, models.TextField) and not db_field.choices:
            kwargs["form_class"] = ExactTextField
            kwargs["widget"] = _text_widget(db_field)
            if db_field.null:
                kwargs["empty_value"] = None
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        return [f.name for f in _references(self.model) if f.related_model in CHOSEN_BY_NAME]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.related_model not in CHOSEN_BY_NAME:
            # A menu of all rows of a table would be as long as the table.
            kwargs["widget"] = ForeignKeyRawIdWidget(db_field.remote_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: models.Model, form: forms.ModelForm, change: bool
    ) -> None:
        """Write the edited columns only.

        A page cannot tell an empty text from NULL, nor JSON's null from it: columns that were left
        alone keep what they hold.
        """
        if not change:
            obj.save()
            return
        edited = [name for name in form.changed_data if name in _columns(obj)]
        stamped = [f.name for f in obj._meta.local_fields if getattr(f, "auto_now", False)]
        if edited:
            obj.save(update_fields={*edited, *stamped})


class RecordAdmin(StudioAdmin):
    """A table that the application writes by itself: to look at, without the secrets that stand in it, and to
    clear out."""

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Nothing that was shown is saved: what it is veiled with goes nowhere."""
        record = super().get_object(request, object_id, from_field)
        if record is not None:
            veil(record)
        return record

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Not by a text that is veiled on its page: filtering by what it contains would tell it."""
        if lookup.split("__")[0] in _veiled_fields(self.model) - {*self.list_display}:
            return False
        return super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _veiled_fields(model: type[models.Model]) -> set[str]:
    kinds = models.TextField, models.JSONField
    return {field.name for field in model._meta.local_fields if isinstance(field, kinds)}


def _references(model: type[models.Model]) -> list[models.Field]:
    return [f for f in model._meta.local_fields if f.is_relation]


def _label(field: models.Field) -> str:
    return str(field.verbose_name).capitalize()


def _columns(obj: models.Model) -> set[str]:
    return {f.name for f in obj._meta.local_fields}


def _text_widget(field: models.Field) -> type[forms.Widget]:
    return AdminTextareaWidget if field.name in LONG_TEXTS else AdminTextInputWidget


def _leads_to_secret(model: type[models.Model], lookup: str) -> bool:
    """Whether a path such as ``approval__token__startswith`` passes over a secret column."""
    table: Any = model
    for part in lookup.split("__"):
        name = table._meta.pk.name if part == "pk" else part
        if name in secret_fields(table):
            return True
        try:
            field = table._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        table = field.related_model or table
    return False
