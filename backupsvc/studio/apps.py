"""The studio: the application that is backed up."""

from django.apps import AppConfig


class StudioConfig(AppConfig):
    name = "backupsvc.studio"
    label = "studio"
    verbose_name = "Studio"
