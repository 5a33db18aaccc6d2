"""Plans of uploaded files, made by a worker: ask for one, make it, find the one that counts."""

import logging
from collections.abc import Callable

from django.db import transaction

from backups.errors import StorageFailure
from backups.models import ACTIVE_STATES
from backups.services import auditing, keeping, key_requests, keyring, runs
from backups.services.auditing import Actor
from backups.services.progress import Listener, Progress
from backups.stages import Stage
from restore.models import PlanRun, Upload
from restore.plan import Choices, Kind
from restore.services.asking import kept_rows, kits, uploads
from restore.services.planning.counting import plan_file
from restore.services.planning.looking import LookThrough

logger = logging.getLogger("backups")


def request(upload: Upload, actor: Actor, choices: Choices) -> PlanRun:
    """Write down that a plan is wanted; one that is being made with other choices stops.

    Somebody must then ``carry_out`` it. Raises RestoreError while the file is not whole.
    """
    uploads.path_of(upload)
    end_abandoned()
    for former in PlanRun.objects.filter(upload=upload.pk, state__in=ACTIVE_STATES):
        runs.cancel(former)
    uploads.touch(upload)
    with transaction.atomic():
        if upload.backup:
            keeping.hold(upload.backup)
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
    """Make the plan in this process. Writes nothing but the run's own row, and the rows behind the plan's
    numbers into a private file beside the upload.

    Raises BackupSystemError: the run is then ``failed`` or ``cancelled``.
    """
    with runs.carried_out(run), Progress(run, listener) as progress:
        upload = uploads.planned(run.upload)
        path, stored = uploads.path_of(upload), upload.stored
        look = _keeping(run, stored, progress.check, encrypted=keyring.is_encrypted(path))
        with key_requests.unlocked(path, progress.check, lambda: progress.stage(Stage.KEY)):
            plan = plan_file(
                path, Choices.of(run.choices), watch=progress, look=look, kit=kits.of(stored)
            )
        try:
            progress.check()
            runs.succeed(run, plan=plan.as_dict())
        except BaseException:
            kept_rows.discard(stored, plan=run.pk)
            raise
        if not Upload.objects.filter(pk=run.upload).exists():
            kept_rows.discard(stored)  # it was thrown away after they had been written
    return run


def _keeping(
    run: PlanRun, stored: str, check: Callable[[], None], *, encrypted: bool
) -> Callable[[LookThrough], None]:
    """What keeps the rows that can be looked at on the pages. A plan without them is a plan too: of an
    encrypted file none are kept, as they would lie there for whoever reads the disk."""

    def keep(look: LookThrough) -> None:
        if encrypted:
            kept_rows.discard(stored)
            return
        try:
            kept_rows.write(stored, run.pk, _lists(look, check))
        except StorageFailure as error:
            logger.warning("The rows of a plan could not be kept: %s", error.code)

    return keep


def _lists(look: LookThrough, check: Callable[[], None]) -> kept_rows.Lists:
    for table in look.plan.tables:
        for kind in Kind:
            if table.key and table.count(kind):
                check()
                rows = look.rows(table, kind, offset=0, limit=kept_rows.MOST_ROWS)
                yield table.key, kind, rows


def latest(upload: Upload) -> PlanRun | None:
    """The plan that counts: the one asked for last."""
    return PlanRun.objects.filter(upload=upload.pk).order_by("-requested_at").first()


def end_abandoned() -> list[str]:
    """End the plans whose worker died."""
    return runs.end_abandoned(PlanRun)
