"""The reusable app that restores backups; it stands on ``backups``, which does not know it."""

from django.apps import AppConfig


class RestoreConfig(AppConfig):
    name = "restore"
    verbose_name = "Restores"

    def ready(self) -> None:
        from backups import jobs
        from restore.services import requests

        jobs.AFTER_A_DEATH.append(requests.end_abandoned)
