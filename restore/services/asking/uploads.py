"""Files that a person brings, in pieces: each lies in the folder of the backups, private, under a
name that tells nothing, until it was restored, thrown away or forgotten.

Bytes arrive in order. What the server has counts, never what the sender believes.
"""

import contextlib
import datetime
import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from django.db.models import F, QuerySet
from django.utils import timezone

from backups import conf
from backups.errors import ArtifactError, RestoreError, StorageFailure
from backups.files import private
from backups.models import ACTIVE_STATES, BackupRun
from backups.services import auditing, delivering, recovery_kit, runs, vault
from backups.services.auditing import Actor
from backups.services.recovery_kit import RecoveryKit
from backups.services.sweeping import passed_over
from backups.wording import Sentence, _
from restore.models import PlanRun, RestoreRun, Upload
from restore.services.asking import first_look, kept_rows, kits

PIECE_BYTES = 8 * conf.MEBIBYTE
# What must stay free beside the file: plans and the safety backup need room too.
SPARE_BYTES = 64 * conf.MEBIBYTE
FORGOTTEN_AFTER = datetime.timedelta(hours=24)
LONGEST_NAME = 200

_PREFIX = "upload-"
_BLOCK_BYTES = 256 * 1024


class Readable(Protocol):
    """A request's body, or a file."""

    def read(self, size: int, /) -> bytes: ...


def limit_bytes() -> int:
    """The largest file that may be brought in."""
    return conf.upload_limit_bytes()


def begin(name: str, size_bytes: int, actor: Actor) -> Upload:
    """Make room for a file.

    Raises:
        RestoreError: it is empty or too large.
        StorageFailure: the disk has no room for it.
    """
    if size_bytes <= 0:
        raise _refused("upload.empty", _("The file is empty."), _("Choose the file of a backup."))
    if size_bytes > limit_bytes():
        raise _too_large()
    _require_room(size_bytes)
    stored = _PREFIX + secrets.token_hex(16)
    with vault.disk_errors():
        path = vault.folder() / stored
        private.create(path).close()
    upload = Upload.objects.create(
        name=_plain_name(name),
        size_bytes=size_bytes,
        stored=stored,
        owner_name=actor.name,
        owner_email=actor.email,
    )
    auditing.audit(actor, "upload", "begun", subject=upload.pk, file=upload.name, bytes=size_bytes)
    return upload


def of_backup(backup: BackupRun, actor: Actor) -> Upload:
    """The stored backup as a file to plan with: nothing is copied. Asked again, the same is given back.

    Raises:
        StorageFailure: its file is gone.
        ArtifactError: its file is not a backup any more.
    """
    head = first_look.head_of(stored_backup(backup.pk))
    known = of_person(actor.email).filter(backup=backup.pk).first()
    if known:
        return known
    return Upload.objects.create(
        name=delivering.file_name(backup, "stored"),
        size_bytes=backup.stored_bytes,
        received_bytes=backup.stored_bytes,
        stored=_PREFIX + secrets.token_hex(16),
        backup=backup.pk,
        head=head,
        owner_name=actor.name,
        owner_email=actor.email,
    )


def stored_backup(backup_id: str) -> Path:
    """The file of a stored backup. Raises StorageFailure where it is gone."""
    backup = BackupRun.objects.filter(pk=backup_id).only("artifact").first()
    return vault.path_of(backup.artifact if backup else "")


def receive(upload: Upload, offset: int, length: int, body: Readable, actor: Actor) -> Upload:
    """Take the next piece: ``length`` bytes that belong at ``offset``. Returns the upload as it is then.

    The first piece is looked at; what is not a backup is thrown away at once.

    Raises:
        RestoreError: the piece does not fit (``upload.offset``, ``upload.length``), did not arrive
            whole (``upload.broken``), or another one is arriving now (``upload.busy``). Nothing of it
            is kept, and the upload can go on.
        ArtifactError: the file is not a backup. The upload is gone.
        StorageFailure: the disk refused.
    """
    with _open_alone(upload) as file:
        upload.refresh_from_db()
        _require_fit(upload, offset, length)
        _append(file, offset, length, body)
        upload.received_bytes = offset + length
        upload.touched_at = timezone.now()
        if upload.is_whole:
            with vault.disk_errors():
                private.sync(file)
        upload.save(update_fields=["received_bytes", "touched_at"])
        if not upload.head:
            _examine(upload, actor)
    if upload.is_whole:
        auditing.audit(actor, "upload", "received", subject=upload.pk, file=upload.name)
    return upload


def give_kit(upload: Upload, kit: RecoveryKit, actor: Actor) -> None:
    """Let a recovery kit count for this file, and no other.

    Raises:
        ArtifactError: the file's head says that another installation made it.
        StorageFailure: the disk refused.
    """
    _require_kit_of(upload, kit, actor)
    kits.keep(upload.stored, kit)
    auditing.audit(actor, "kit.use", "accepted", subject=upload.pk, file=upload.name)


def _require_kit_of(upload: Upload, kit: RecoveryKit | None, actor: Actor) -> None:
    try:
        if upload.head.get("installation"):
            recovery_kit.require_of(kit, upload.head["installation"])
    except ArtifactError as error:
        auditing.audit(actor, "kit.use", "refused", subject=upload.pk, code=error.code)
        raise


def stored_file(upload_id: str) -> Path:
    """``path_of`` by the upload's id."""
    return path_of(planned(upload_id))


def planned(upload_id: str) -> Upload:
    """The upload of that id. Raises StorageFailure where it is gone."""
    upload = Upload.objects.filter(pk=upload_id).first()
    if upload is None:
        raise StorageFailure(
            "storage.missing",
            _("The uploaded file is not here any more."),
            hint=_("Choose it again on the page Import Backup."),
        )
    return upload


def path_of(upload: Upload) -> Path:
    """The whole file. Raises RestoreError while a part is missing, StorageFailure where it is gone."""
    if not upload.is_whole:
        raise _refused(
            "upload.unfinished",
            _("A part of the file has not arrived yet."),
            _("Choose the same file again: the upload goes on where it stopped."),
        )
    return stored_backup(upload.backup) if upload.backup else vault.path_of(upload.stored)


def of_person(email: str) -> QuerySet[Upload]:
    """The files that somebody brought, newest first."""
    return Upload.objects.filter(owner_email=email)


def touch(upload: Upload) -> None:
    """Somebody is still interested in it."""
    Upload.objects.filter(pk=upload.pk).update(touched_at=timezone.now())


def discard(upload: Upload) -> None:
    """Remove the file, the plans made of it and their rows; one that is being made stops. Idempotent."""
    plans = PlanRun.objects.filter(upload=upload.pk)
    for plan in plans.filter(state__in=ACTIVE_STATES):
        runs.cancel(plan)
    plans.exclude(state__in=ACTIVE_STATES).delete()
    Upload.objects.filter(pk=upload.pk).delete()
    kept_rows.discard(upload.stored)
    kits.discard(upload.stored)
    if not upload.backup:
        vault.delete(upload.stored)


def is_planned_now(upload: Upload) -> bool:
    """Whether a plan is reading it, or is about to."""
    return PlanRun.objects.filter(upload=upload.pk, state__in=ACTIVE_STATES).exists()


def is_restored_now(upload: Upload) -> bool:
    """Whether a restore is reading it, or is about to."""
    return RestoreRun.objects.filter(upload=upload.pk, state__in=ACTIVE_STATES).exists()


def sweep() -> int:
    """Remove what nobody has touched for a day and nobody is reading. Returns how many went."""
    horizon = timezone.now() - FORGOTTEN_AFTER
    removed = 0
    for upload in Upload.objects.filter(touched_at__lt=horizon):
        with passed_over("throwing a forgotten upload away", upload.pk):
            if not (is_planned_now(upload) or is_restored_now(upload)):
                discard(upload)
                removed += 1
    known = Upload.objects.values("pk")
    PlanRun.objects.exclude(state__in=ACTIVE_STATES).exclude(upload__in=known).delete()
    return removed + _sweep_nameless(horizon)


def _sweep_nameless(horizon: datetime.datetime) -> int:
    """Files without a row: their process died between the one and the other."""
    known = set(Upload.objects.values_list("stored", flat=True))
    known |= {stored + end for stored in known for end in (kept_rows.SUFFIX, kits.SUFFIX)}
    removed = 0
    for path in vault.folder().glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError), passed_over("removing a nameless upload"):
            old = path.lstat().st_mtime < horizon.timestamp()
            if old and path.name not in known:
                path.unlink()
                removed += 1
    return removed


@contextmanager
def _open_alone(upload: Upload) -> Iterator[BinaryIO]:
    """The stored file, written to by nobody else meanwhile."""
    path = vault.path_of(upload.stored)
    with vault.disk_errors():
        file = path.open("r+b")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refused(
                "upload.busy",
                _("Another piece of this file is arriving at this moment."),
                _("Upload it in one tab or window only."),
            ) from None
        yield file


def _require_fit(upload: Upload, offset: int, length: int) -> None:
    if offset != upload.received_bytes:
        raise _refused(
            "upload.offset",
            _("This piece of the file is not the next one."),
            _("Go on behind what the server has."),
        )
    if not 0 < length <= PIECE_BYTES or offset + length > upload.size_bytes:
        raise _refused(
            "upload.length",
            _("This piece of the file is longer than it may be."),
            _("Choose the file again."),
        )


def _append(file: BinaryIO, offset: int, length: int, body: Readable) -> None:
    """Write exactly ``length`` bytes, or none."""
    with vault.disk_errors():
        try:
            file.seek(offset)
            left = length
            while left and (block := body.read(min(left, _BLOCK_BYTES))):
                file.write(block)
                left -= len(block)
            file.flush()
            if left:
                raise _broken()
        except BaseException:
            file.truncate(offset)
            raise


def _examine(upload: Upload, actor: Actor) -> None:
    """Read the head, if enough of it is there. Raises ArtifactError, and then the upload is gone."""
    path = vault.path_of(upload.stored)
    try:
        head = _head_so_far(path, upload)
        if head is not None:
            upload.head = head
            _require_kit_of(upload, kits.of(upload.stored), actor)
    except ArtifactError as error:
        discard(upload)
        auditing.audit(
            actor, "upload", "refused", subject=upload.pk, file=upload.name, code=error.code
        )
        raise
    if head is None:
        return
    upload.save(update_fields=["head"])


def _head_so_far(path: Path, upload: Upload) -> dict[str, Any] | None:
    """None where more of the file is needed. Raises ArtifactError where it is no backup."""
    try:
        return first_look.head_of(path)
    except ArtifactError as error:
        if upload.is_whole or error.code != "artifact.truncated":
            raise
        early = upload.received_bytes < first_look.HEAD_BYTES
        if first_look.needs_all_of(path) or early:
            return None
        raise


def _require_room(size_bytes: int) -> None:
    with vault.disk_errors():
        free = shutil.disk_usage(vault.folder()).free
    if free < size_bytes + _still_to_come() + SPARE_BYTES:
        raise StorageFailure(
            "storage.full",
            _("The disk that holds the backups has no room for a file of this size."),
            hint=_("Free space on it or delete old backups, then try again."),
            permanent=False,
        )


def _still_to_come() -> int:
    """What the uploads under way will take up."""
    since = timezone.now() - FORGOTTEN_AFTER
    rows = Upload.objects.filter(touched_at__gte=since, received_bytes__lt=F("size_bytes"))
    return sum(size - got for size, got in rows.values_list("size_bytes", "received_bytes"))


def _plain_name(name: str) -> str:
    """The last part of a path, printable, of bearable length: for the eye only."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    return shown[:LONGEST_NAME] or "backup"


def _refused(code: str, message: Sentence, hint: Sentence) -> RestoreError:
    return RestoreError(code, message, hint=hint, permanent=False)


def _too_large() -> RestoreError:
    return _refused(
        "upload.too_large",
        _(
            "The file is larger than the {limit} GiB that may be uploaded.",
            limit=round(limit_bytes() / conf.GIBIBYTE),
        ),
        _("Copy it to the server and plan its restore there: manage.py restore_plan FILE"),
    )


def _broken() -> RestoreError:
    return _refused(
        "upload.broken",
        _("The connection broke before the piece had arrived."),
        _("Go on behind what the server has."),
    )
