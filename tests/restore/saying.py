"""What is said where people and programs may read it later: the log, and Redis."""

import base64
import contextlib
import logging
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import django_rq
import pytest

from backups import conf
from backups.jobs import queue as queues
from backups.jobs.worker import LookingWorker


@pytest.fixture
def log(caplog, capfd) -> Callable[[], str]:
    """All that was logged, on whatever level, and all that was printed."""
    caplog.set_level(logging.DEBUG)
    printed: list[str] = []

    def said() -> str:
        printed.extend(capfd.readouterr())
        return caplog.text + "".join(printed)

    return said


@pytest.fixture
def redis() -> Iterator[Any]:
    connection = django_rq.get_queue(conf.queue()).connection
    connection.flushdb()
    yield connection
    connection.flushdb()


def held_by(redis: Any) -> str:
    """Every key and value that Redis has."""
    parts: list[bytes] = []
    for key in redis.keys("*"):
        parts.append(key)
        kind = redis.type(key)
        if kind == b"hash":
            parts += [part for pair in redis.hgetall(key).items() for part in pair]
        elif kind == b"stream":
            parts += [p for _id, entry in redis.xrange(key) for pair in entry.items() for p in pair]
        elif kind == b"string":
            parts.append(redis.get(key))
        elif kind == b"zset":
            parts += redis.zrange(key, 0, -1)
        elif kind == b"list":
            parts += redis.lrange(key, 0, -1)
        elif kind == b"set":
            parts += redis.smembers(key)
    return "\n".join(_plain(part) for part in parts)


def _plain(part: bytes) -> str:
    """As it is, and what is packed in it: RQ compresses, and may write that as base64."""
    found = [part]
    for unpack in (bytes, base64.b64decode):
        with contextlib.suppress(zlib.error, ValueError):
            found.append(zlib.decompress(unpack(part)))
    return "\n".join(each.decode(errors="replace") for each in found)


def work_off() -> None:
    """What a worker does with what waits, in this process."""
    queue = queues.ours()
    worker = LookingWorker([queue], connection=queue.connection, serializer=queue.serializer)
    for job in queue.jobs:
        queue.remove(job)
        worker.perform_job(job, queue, worker.prepare_execution(job))
