"""The reusable app that restores backups; it stands on ``backups``, which does not know it."""

from django.apps import AppConfig


class RestoreConfig(AppConfig):
    name = "restore"
    verbose_name = "Restores"

    def ready(self) -> None:
        from backups import jobs
        from restore.models import PlanRun, Rehearsal, RestoreRun
        from restore.services import plan_runs, requests, uploads

        jobs.AFTER_A_DEATH += [
            requests.end_abandoned,
            plan_runs.end_abandoned,
            uploads.sweep,
            lambda: jobs.end_lost(RestoreRun),
            lambda: jobs.end_lost(Rehearsal),
            lambda: jobs.end_lost(PlanRun),
        ]
