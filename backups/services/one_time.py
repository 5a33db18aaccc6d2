"""Downloads that work once: the password opens the way to one file, and the last byte closes it.

Who begins in time may go on where the connection broke, until all of it has gone out: by one connection at
a time, the newest. What has gone out is what the web server took; how much of that arrived nobody here can
know.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from backups.models import BackupRun, OneTimeDownload, new_id

TO_BEGIN = datetime.timedelta(minutes=15)
TO_GO_ON = datetime.timedelta(hours=24)
# After so many blocks a transfer looks whether another one has followed it.
_LOOK_EVERY = 16

Spans = list[tuple[int, int]]


def open_way(run: BackupRun, account: str) -> OneTimeDownload:
    """Let an account download a backup once; an earlier way of theirs to it is closed."""
    now = timezone.now()
    OneTimeDownload.objects.filter(ends_at__lt=now - TO_GO_ON).delete()
    with transaction.atomic():
        # Of two at once the second closes the way of the first: they follow one another here.
        BackupRun.objects.select_for_update().filter(pk=run.pk).first()
        OneTimeDownload.objects.filter(run=run.pk, account=account, done_at=None).update(
            ends_at=now
        )
        return OneTimeDownload.objects.create(run=run.pk, account=account, ends_at=now + TO_BEGIN)


def open_ways(run: BackupRun, account: str) -> list[OneTimeDownload]:
    """What an account may still download of a backup."""
    ways = OneTimeDownload.objects.filter(run=run.pk, account=account, done_at=None)
    return list(ways.filter(ends_at__gt=timezone.now()))


def begin(way: OneTimeDownload) -> str:
    """The first byte of a transfer is asked for: from now on it may take a while. Returns its turn, by which
    it alone goes on: whoever resumes may not have noticed that the former connection still stands. Empty
    where the way was closed meanwhile.
    """
    now, turn = timezone.now(), new_id()
    open_still = OneTimeDownload.objects.filter(pk=way.pk, done_at=None, ends_at__gt=now)
    ends_at = Case(When(is_begun=False, then=Value(now + TO_GO_ON)), default=F("ends_at"))
    return turn if open_still.update(turn=turn, is_begun=True, ends_at=ends_at) else ""


@dataclass(frozen=True)
class Transfer:
    """One answer on its way: of which form, with whose turn, and how large the whole is."""

    way: OneTimeDownload
    turn: str
    form: str
    size_bytes: int


def counted(
    transfer: Transfer, first: int, blocks: Iterable[bytes], done: Callable[[], object]
) -> Iterator[bytes]:
    """``blocks``, from the byte ``first`` on; what went out is written down, also where whoever takes them
    stops half way. ``done`` is called when all of it has gone out, which closes the way.

    The last block is handed over only after the way was closed for everybody else, so that of several
    transfers one becomes whole. One that another has followed ends short.
    """
    end, whole, closes = first, False, False
    try:
        for number, (block, is_last) in enumerate(_and_whether_last(blocks)):
            # Before it is handed over: whoever resumes may have all of it.
            end += len(block)
            if is_last:
                may_go_on, closes = close_if_whole(transfer, (first, end))
            else:
                may_go_on = number % _LOOK_EVERY > 0 or _has_turn(transfer)
            if not may_go_on:
                end -= len(block)
                return
            yield block
        whole = True
    finally:
        note_sent(transfer, (first, end), reopen=closes and not whole)
        if closes and whole:
            done()


def _and_whether_last(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block, and whether no other follows it."""
    remaining = iter(blocks)
    block = next(remaining, None)
    while block is not None:
        following = next(remaining, None)
        yield block, following is None
        block = following


def _has_turn(transfer: Transfer) -> bool:
    return OneTimeDownload.objects.filter(
        pk=transfer.way.pk, turn=transfer.turn, done_at=None
    ).exists()


def close_if_whole(transfer: Transfer, sent: tuple[int, int]) -> tuple[bool, bool]:
    """Whether the transfer may hand its last block over, and whether that closes the way, as with the span
    ``sent`` all bytes have gone out. Then it is closed for all others now."""
    with transaction.atomic():
        kept = OneTimeDownload.objects.select_for_update().filter(pk=transfer.way.pk).first()
        if kept is None or kept.done_at is not None or kept.turn != transfer.turn:
            return False, False
        spans = joined([*kept.sent.get(transfer.form, []), sent])
        closes = spans == [(0, transfer.size_bytes)]
        if closes:
            kept.done_at = timezone.now()
            kept.save(update_fields=["done_at"])
        return True, closes


def note_sent(transfer: Transfer, sent: tuple[int, int], *, reopen: bool) -> None:
    """These bytes went out, from the first up to the second. ``reopen``: the way was closed for the last
    block, and nobody knows whether that arrived."""
    first, end = sent
    with transaction.atomic():
        kept = OneTimeDownload.objects.select_for_update().filter(pk=transfer.way.pk).first()
        if kept is None:
            return
        if reopen:
            kept.done_at = None
        if end > first:
            spans = joined([*kept.sent.get(transfer.form, []), (first, end)])
            kept.sent = {**kept.sent, transfer.form: spans}
        kept.save(update_fields=["sent", "done_at"])


def joined(spans: Iterable[tuple[int, int]]) -> Spans:
    """The same bytes in as few spans as will do, in order."""
    found: Spans = []
    for first, end in sorted((first, end) for first, end in spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return found
