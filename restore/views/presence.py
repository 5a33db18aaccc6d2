"""Whether anybody is there to do the work, in what pages can show."""

from backups import jobs
from backups.errors import WorkerFailure

LISTENING = "listening"
NOBODY = "nobody"
REDIS_AWAY = "redis-away"
NO_QUEUE = "no-queue"
_NAMED = {"worker.no_queue": NO_QUEUE, "worker.redis_away": REDIS_AWAY}


def presence() -> str | WorkerFailure:
    """``LISTENING``, ``NOBODY``, ``REDIS_AWAY`` or ``NO_QUEUE``, else how Redis refuses. Asks Redis, never
    the database."""
    try:
        return LISTENING if jobs.workers_listening() else NOBODY
    except WorkerFailure as error:
        return _NAMED.get(error.code, error)
