"""Plans of uploaded files, made by a worker: ask for one, make it, find the one that counts."""

from backups.models import ACTIVE_STATES
from backups.services import auditing, runs
from backups.services.auditing import Actor
from backups.services.progress import Listener, Progress
from restore.models import PlanRun, Upload
from restore.plan import Choices
from restore.services.asking import uploads
from restore.services.planning.counting import plan_file


def request(upload: Upload, actor: Actor, choices: Choices) -> PlanRun:
    """Write down that a plan is wanted; one that is being made with other choices stops.

    Somebody must then ``carry_out`` it. Raises RestoreError while the file is not whole.
    """
    uploads.path_of(upload)
    end_abandoned()
    for former in PlanRun.objects.filter(upload=upload.pk, state__in=ACTIVE_STATES):
        runs.cancel(former)
    uploads.touch(upload)
    run = PlanRun.objects.create(
        upload=upload.pk,
        requested_by_name=actor.name,
        requested_by_email=actor.email,
        choices=choices.as_dict(),
    )
    auditing.audit(
        actor,
        "plan",
        "requested",
        subject=upload.pk,
        file=upload.name,
        choices={name: value for name, value in run.choices.items() if value},
    )
    return run


def carry_out(run: PlanRun, *, listener: Listener | None = None) -> PlanRun:
    """Make the plan in this process. Writes nothing but the run's own row.

    Raises BackupSystemError: the run is then ``failed`` or ``cancelled``.
    """
    with runs.carried_out(run), Progress(run, listener) as progress:
        path = uploads.stored_file(run.upload)
        plan = plan_file(path, Choices.of(run.choices), watch=progress)
        progress.check()
        runs.succeed(run, plan=plan.as_dict())
    return run


def latest(upload: Upload) -> PlanRun | None:
    """The plan that counts: the one asked for last."""
    return PlanRun.objects.filter(upload=upload.pk).order_by("-requested_at").first()


def end_abandoned() -> list[str]:
    """End the plans whose worker died."""
    return runs.end_abandoned(PlanRun)
