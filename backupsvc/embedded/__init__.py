"""A private PostgreSQL and Valkey out of wheels, for whoever sets no addresses of their own.

``ensure()`` makes sure that ``DATABASE_URL`` and ``REDIS_URL`` lead somewhere. What is set is used
as it is and nothing is started for it. What is not set is served by a private server below
``var/`` (or ``BACKUPSVC_VAR``), on a free port of 127.0.0.1, under random passwords. Every process
that called ``ensure()`` is a user of the pair until it ends; the last one stops the servers.

This package knows nothing of Django, and it guarantees nothing to a production: there, set the
addresses.
"""

import atexit
import os

from backupsvc.embedded.errors import EmbeddedError
from backupsvc.embedded.pair import Pair
from backupsvc.environment import var_dir

__all__ = ["EmbeddedError", "ensure", "leave", "stop"]

# Pairs of other commands, and of tests: one a slot, those of `make compat` one level deeper.
_BELOW = ("*/services.json", "test/*/services.json", "*/test/*/services.json")
_pairs: dict[str, Pair] = {}


def ensure(*, durable: bool = True) -> None:
    """Set ``DATABASE_URL`` and ``REDIS_URL`` where they are missing, starting what that takes.

    Idempotent; call it before the settings are read. ``durable=False`` is for tests: their data
    survives a killed server, not a lost computer.

    Raises:
        EmbeddedError: with a code and a hint.
    """
    root = var_dir()
    pair = _pairs.get(str(root))
    if pair is None:
        pair = _pairs[str(root)] = Pair(root, durable=durable)
        atexit.register(_leave_in, os.getpid(), pair)
    pair.ensure(os.environ)


def leave() -> None:
    """Stop using the servers now rather than at the end of the process; the last user stops them.

    Idempotent. The addresses stay in the environment until the next ``ensure``.
    """
    for pair in _pairs.values():
        pair.leave()


def stop(*, force: bool = False) -> bool:
    """Stop servers that a killed process left running, those of tests included; whether any were.

    Raises:
        EmbeddedError: ``in-use``, when somebody uses some and ``force`` is not given. The others
            are stopped all the same.
    """
    root = var_dir()
    refusal: EmbeddedError | None = None
    stopped = False
    records = (record for pattern in _BELOW for record in sorted(root.glob(pattern)))
    for place in (root, *(record.parent for record in records)):
        try:
            stopped = Pair(place).stop(force=force) or stopped
        except EmbeddedError as error:
            refusal = error
    if refusal:
        raise refusal
    return stopped


def _leave_in(pid: int, pair: Pair) -> None:
    # A forked child ends with its parent's handlers, but the parent is the user.
    if os.getpid() == pid:
        pair.leave()
