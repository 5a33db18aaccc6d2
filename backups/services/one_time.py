"""Downloads that work once: the password opens the way to one file, and the last byte closes it.

Who begins in time may go on where the connection broke, until all of it has gone out. What has gone out is
what the web server took; how much of that arrived nobody here can know.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator

from django.db import transaction
from django.utils import timezone

from backups.models import BackupRun, OneTimeDownload

TO_BEGIN = datetime.timedelta(minutes=15)
TO_GO_ON = datetime.timedelta(hours=24)

Spans = list[tuple[int, int]]


def open_way(run: BackupRun, account: str) -> OneTimeDownload:
    """Let an account download a backup once; an earlier way of theirs to it is closed."""
    now = timezone.now()
    OneTimeDownload.objects.filter(ends_at__lt=now - TO_GO_ON).delete()
    OneTimeDownload.objects.filter(run=run.pk, account=account, done_at=None).update(ends_at=now)
    return OneTimeDownload.objects.create(run=run.pk, account=account, ends_at=now + TO_BEGIN)


def open_ways(run: BackupRun, account: str) -> list[OneTimeDownload]:
    """What an account may still download of a backup."""
    ways = OneTimeDownload.objects.filter(run=run.pk, account=account, done_at=None)
    return list(ways.filter(ends_at__gt=timezone.now()))


def begin(way: OneTimeDownload) -> None:
    """The first byte is asked for: from now on it may take a while."""
    OneTimeDownload.objects.filter(pk=way.pk, is_begun=False).update(
        is_begun=True, ends_at=timezone.now() + TO_GO_ON
    )


def counted(
    way: OneTimeDownload,
    form: str,
    first: int,
    size_bytes: int,
    blocks: Iterable[bytes],
    done: Callable[[], object],
) -> Iterator[bytes]:
    """``blocks`` of a file of ``size_bytes``, from the byte ``first`` on; what went out is written down, also
    where whoever takes them stops half way. ``done`` is called when that closes the way."""
    end, to_the_end = first, False
    try:
        for block in blocks:
            # Before it is handed over: whoever resumes may have all of it.
            end += len(block)
            yield block
        to_the_end = True
    finally:
        if note_sent(way, form, (first, end), size_bytes, may_close=to_the_end):
            done()


def note_sent(
    way: OneTimeDownload, form: str, sent: tuple[int, int], size_bytes: int, *, may_close: bool
) -> bool:
    """These bytes of a form went out, from the first up to the second. Whether that closes the way: all have.
    ``may_close``: nobody stopped half way, with a block on its way to them."""
    first, end = sent
    if end <= first:
        return False
    with transaction.atomic():
        kept = OneTimeDownload.objects.select_for_update().filter(pk=way.pk).first()
        if kept is None or kept.done_at is not None:
            return False
        spans = joined([*kept.sent.get(form, []), (first, end)])
        kept.sent = {**kept.sent, form: spans}
        if may_close and spans == [(0, size_bytes)]:
            kept.done_at = timezone.now()
        kept.save(update_fields=["sent", "done_at"])
        return kept.done_at is not None


def joined(spans: Iterable[tuple[int, int]]) -> Spans:
    """The same bytes in as few spans as will do, in order."""
    found: Spans = []
    for first, end in sorted((first, end) for first, end in spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return found
