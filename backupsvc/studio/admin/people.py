"""Organisations, clients and contractors. Accounts are in ``users``."""

from django.contrib import admin

from backupsvc.studio.admin.base import StudioAdmin
from backupsvc.studio.models import Client, Contractor, Organization


@admin.register(Organization)
class OrganizationAdmin(StudioAdmin):
    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")


@admin.register(Client)
class ClientAdmin(StudioAdmin):
    list_display = ("name", "email", "company", "org")
    search_fields = ("name", "email", "company")


@admin.register(Contractor)
class ContractorAdmin(StudioAdmin):
    list_display = ("business_name", "contact_name", "specialty", "type", "is_active", "org")
    list_filter = ("type", "is_active")
    search_fields = ("business_name", "contact_name", "email")
