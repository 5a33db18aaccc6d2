"""Puts the studio's own site behind ``django.contrib.admin.site``.

In a file of its own: settings name this class, and it is loaded before any model may be.
"""

from django.contrib.admin.apps import AdminConfig


class StudioAdminConfig(AdminConfig):
    default_site = "backupsvc.studio.admin_site.StudioAdminSite"
