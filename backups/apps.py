"""The reusable app that makes backups."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class BackupsConfig(AppConfig):
    name = "backups"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Backups")

    def ready(self) -> None:
        # As the admin finds admin.py: each app says what of it is backed up in a module "sections".
        autodiscover_modules("sections")
        from backups import account_watch, checks, signing_in

        checks.register()
        signing_in.connect()
        account_watch.connect()
