"""Why nobody would do what a page asks for, as pages tell it. Asks Redis, never the database."""

from typing import Any

from backups import jobs
from backups.errors import WorkerFailure

_NAMED = {"worker.no_queue": "queue", "worker.redis_away": "redis"}


def trouble() -> dict[str, Any]:
    """``trouble`` is ``redis`` (away), ``refused`` (``refusal`` has its words), ``queue``, ``worker`` or
    nothing."""
    try:
        return {"trouble": "" if jobs.workers_listening() else "worker"}
    except WorkerFailure as error:
        return {"trouble": _NAMED.get(error.code, "refused"), "refusal": error}
