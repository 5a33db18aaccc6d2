"""A worker that outlives its Redis: what Redis refuses is said in words and tried again.

RQ's worker waits for a Redis that is away and ends with a traceback at anything else. What only tells
others of us may fail; what takes a job or begins one is tried until it can be done. With ``burst`` nothing
waits: the worker ends, and ``failure`` says why.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from redis.exceptions import RedisError
from rq import Worker
from rq.exceptions import StopRequested

from backups.errors import WorkerFailure
from backups.jobs.refusals import failure_of

logger = logging.getLogger("backups")
Answer = TypeVar("Answer")
RETRY_SECONDS = 2.0


def insist(work: Callable[[], Answer], *, is_over: Callable[[], bool] = lambda: False) -> Answer:
    """Do it again until Redis lets us. Raises WorkerFailure once ``is_over`` says so."""
    said = ""
    while True:
        try:
            return work()
        except RedisError as error:
            failure = failure_of(error)
            if is_over():
                raise failure from error
            said = _say(failure, said)
        time.sleep(RETRY_SECONDS)


def _say(failure: WorkerFailure, said: str) -> str:
    """Once for each cause: the log is not filled by a night without Redis."""
    if failure.code != said:
        logger.warning("%s %s (%s)", failure.message, failure.hint, failure.code)
    return failure.code


class PatientWorker(Worker):
    """``failure``: what ended a worker that does not wait."""

    waits = True
    failure: WorkerFailure | None = None
    _said = ""

    def register_birth(self) -> None:
        self._insist(super().register_birth)

    def check_for_suspension(self, burst: bool) -> None:
        self._insist(lambda: super(PatientWorker, self).check_for_suspension(burst))

    def dequeue_job_and_maintain_ttl(self, *args: Any, **kwargs: Any) -> Any:
        take = super().dequeue_job_and_maintain_ttl
        taken = self._insist(lambda: take(*args, **kwargs))
        self._said = ""
        return taken

    def prepare_execution(self, *args: Any, **kwargs: Any) -> Any:
        prepare = super().prepare_execution
        return self._insist(lambda: prepare(*args, **kwargs))

    def prepare_job_execution(self, *args: Any, **kwargs: Any) -> None:
        prepare = super().prepare_job_execution
        self._insist(lambda: prepare(*args, **kwargs))

    def set_state(self, *args: Any, **kwargs: Any) -> None:
        self._try(super().set_state, *args, **kwargs)

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        self._try(super().heartbeat, *args, **kwargs)

    def maintain_heartbeats(self, *args: Any, **kwargs: Any) -> None:
        self._try(super().maintain_heartbeats, *args, **kwargs)

    def monitor_work_horse(self, *args: Any, **kwargs: Any) -> None:
        self._try(super().monitor_work_horse, *args, **kwargs)

    def handle_job_success(self, *args: Any, **kwargs: Any) -> None:
        self._try(super().handle_job_success, *args, **kwargs)

    def handle_job_failure(self, *args: Any, **kwargs: Any) -> None:
        self._try(super().handle_job_failure, *args, **kwargs)

    def run_maintenance_tasks(self) -> None:
        self._try(super().run_maintenance_tasks)

    def set_shutdown_requested_date(self) -> None:
        self._try(super().set_shutdown_requested_date)

    def teardown(self) -> None:
        self._try(super().teardown)

    def _insist(self, work: Callable[[], Answer]) -> Answer:
        try:
            return insist(work, is_over=self._is_over)
        except WorkerFailure as failure:
            self.failure = failure
            raise StopRequested from failure

    def _is_over(self) -> bool:
        """A work horse has its job in hand, and the worker waits for it."""
        return not self.is_horse and (self._stop_requested or not self.waits)

    def _try(self, work: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        try:
            work(*args, **kwargs)
        except RedisError as error:
            self._said = _say(failure_of(error), self._said)
