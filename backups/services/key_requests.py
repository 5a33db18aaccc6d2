"""How a private key reaches the worker that needs it: sealed to a key which that worker made for this, in its
memory.

What stands in the database is of no use to anybody else, and nothing of it goes through the queue or a log.
When the worker has it, or ends, the row is gone; one that is started again asks again.
"""

import contextlib
import contextvars
import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from django.utils import timezone

from backups import conf
from backups.artifact import age_keys, passphrase
from backups.artifact.age_keys import Identity
from backups.artifact.passphrase import Passphrase
from backups.errors import ArtifactError
from backups.models import KeyRequest
from backups.services import keyring
from backups.services.keyring import Key
from backups.wording import _

LOOK_SECONDS = 0.5
_FOR: contextvars.ContextVar[str] = contextvars.ContextVar("for", default="")


@contextlib.contextmanager
def asking_for(run_id: str) -> Iterator[None]:
    """Let what needs a key within the block ask for it, in the name of this run: a worker's work."""
    before = _FOR.set(run_id)
    try:
        yield
    finally:
        _FOR.reset(before)


@contextlib.contextmanager
def unlocked(path: Path, check: Callable[[], None], waiting: Callable[[], None]) -> Iterator[None]:
    """Let the file be opened within the block, if need be by asking for its key. ``waiting`` is told when
    that begins, and ``check`` is called meanwhile.

    Raises ArtifactError: one of ``keyring.CLOSED`` where nobody can be asked, ``key.not_given`` where nobody
    answered.
    """
    closed = keyring.obstacle(path)
    if closed is None:
        yield
        return
    if not _FOR.get():
        raise closed

    def fits(keys: Sequence[Key]) -> bool:
        with keyring.held(keys):
            return keyring.opens(path)

    waiting()
    with keyring.held(_asked(_FOR.get(), check, fits)):
        yield


def new_passphrase(check: Callable[[], None], waiting: Callable[[], None]) -> Passphrase:
    """The passphrase that a backup is to be made with: the one that is held, else it is asked for.

    Raises ArtifactError: ``passphrase.needed``, ``passphrase.short``, ``key.not_given``.
    """
    for known in keyring.passphrases():
        return passphrase.new(known.text)
    if not _FOR.get():
        raise passphrase.needed()

    def fits(keys: Sequence[Key]) -> bool:
        return any(isinstance(key, Passphrase) for key in keys)

    waiting()
    keys = _asked(_FOR.get(), check, fits, to_make=True)
    return next(key for key in keys if isinstance(key, Passphrase))


def _asked(
    run_id: str,
    check: Callable[[], None],
    fits: Callable[[Sequence[Key]], bool],
    *,
    to_make: bool = False,
) -> list[Key]:
    passing = age_keys.new_identity()
    KeyRequest.objects.update_or_create(
        run=run_id,
        defaults={
            "public_key": passing.recipient,
            "sealed": "",
            "refused": False,
            "to_make": to_make,
            "asked_at": timezone.now(),
        },
    )
    end = time.monotonic() + conf.key_wait_seconds()
    try:
        while time.monotonic() < end:
            check()
            if keys := _answered(run_id, passing, fits):
                return keys
            time.sleep(LOOK_SECONDS)
    finally:
        KeyRequest.objects.filter(run=run_id).delete()
    raise ArtifactError(
        "key.not_given",
        _("Nobody gave the private key or the passphrase, so the work was ended."),
        hint=_("Start it again and give it when its page asks for it."),
    )


def _answered(run_id: str, passing: Identity, fits: Callable[[Sequence[Key]], bool]) -> list[Key]:
    """The keys that somebody gave, if they fit; else none."""
    sealed = KeyRequest.objects.filter(run=run_id).values_list("sealed", flat=True).first()
    if not sealed:
        return []
    with contextlib.suppress(ArtifactError):
        keys = keyring.heard(age_keys.unsealed(sealed, passing))
        if fits(keys):
            return keys
    KeyRequest.objects.filter(run=run_id, sealed=sealed).update(sealed="", refused=True)
    return []


# For who is asked


def pending(run_id: str) -> KeyRequest | None:
    """Whether a key is asked for now, and none was given yet."""
    return KeyRequest.objects.filter(run=run_id, sealed="").first()


def give(request: KeyRequest, keys: Sequence[Key]) -> bool:
    """Seal the keys to the worker that waits. Returns whether it still does."""
    sealed = age_keys.sealed(keyring.told(keys), request.public_key)
    # Another worker, which began anew, would have another key.
    waiting = KeyRequest.objects.filter(run=request.run, public_key=request.public_key)
    return bool(waiting.update(sealed=sealed, refused=False))


def drop_forgotten() -> int:
    """Remove the questions of workers that died. Returns how many."""
    long_ago = timezone.now() - datetime.timedelta(seconds=2 * conf.key_wait_seconds())
    return KeyRequest.objects.filter(asked_at__lt=long_ago).delete()[0]
