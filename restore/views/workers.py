"""Whether anybody is there to do the work, in a word that pages can show."""

from backups import jobs
from backups.errors import WorkerFailure

LISTENING = "listening"
NOBODY = "nobody"
REDIS_AWAY = "redis-away"
NO_QUEUE = "no-queue"


def presence() -> str:
    """``LISTENING``, ``NOBODY``, ``REDIS_AWAY`` or ``NO_QUEUE``. Asks Redis, never the database."""
    try:
        return LISTENING if jobs.workers_listening() else NOBODY
    except WorkerFailure as error:
        return NO_QUEUE if error.code == "worker.no_queue" else REDIS_AWAY
