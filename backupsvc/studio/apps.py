"""The studio: the application that is backed up."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StudioConfig(AppConfig):
    name = "backupsvc.studio"
    label = "studio"
    verbose_name = "Studio"

    def ready(self) -> None:
        from backups import trail

        trail.add_actions(
            {
                "account.add": _("Make an account"),
                "account.change": _("Change an account"),
                "account.delete": _("Delete an account"),
                "password.own": _("Change one's own password"),
                "password.reset": _("Reset a password by mail"),
            }
        )
