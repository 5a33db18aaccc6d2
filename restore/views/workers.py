"""Whether anybody is there to do the work, in a word that pages can show."""

from backups import jobs
from backups.errors import WorkerFailure

LISTENING = "listening"
NOBODY = "nobody"
REDIS_AWAY = "redis-away"


def presence() -> str:
    """``LISTENING``, ``NOBODY`` or ``REDIS_AWAY``. Asks Redis, never the database."""
    try:
        return LISTENING if jobs.workers_listening() else NOBODY
    except WorkerFailure:
        return REDIS_AWAY
