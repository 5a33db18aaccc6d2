"""The reusable app that restores backups; it stands on ``backups``, which does not know it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RestoreConfig(AppConfig):
    name = "restore"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Restores")

    def ready(self) -> None:
        from backups import jobs, navigation, panels, trail
        from backups.services import account_states, keeping
        from restore.jobs import hold_if_asked
        from restore.models import PlanRun, Rehearsal, RestoreRun
        from restore.services.applying import rehearsing, superseded
        from restore.services.asking import in_use, requests, undoing, uploads
        from restore.services.planning import plan_runs

        jobs.AFTER_A_DEATH += [
            requests.end_abandoned,
            undoing.prune_expired,
            superseded.sweep,
            plan_runs.end_abandoned,
            rehearsing.end_dead,
            uploads.sweep,
            hold_if_asked,
            lambda: jobs.end_lost(RestoreRun),
            lambda: jobs.end_lost(Rehearsal),
            lambda: jobs.end_lost(PlanRun),
        ]
        account_states.REPLACING.add("restore")
        if in_use.reads not in keeping.READERS:
            keeping.READERS.append(in_use.reads)
        from restore import checks
        from restore.trail import ACTIONS, places
        from restore.views import panels as shown

        checks.register()
        panels.add("run", shown.proof)
        panels.add("deeds", shown.restore_button)
        panels.add("row", shown.restore_link)
        panels.add("readiness", shown.readiness)
        panels.add("frame", shown.hold)
        trail.add_actions(ACTIONS)
        trail.add_places(places)
        navigation.add_tab(
            navigation.Tab(
                "import", _("Import Backup"), "admin:restore_import", "restore.apply_restore", 30
            )
        )
