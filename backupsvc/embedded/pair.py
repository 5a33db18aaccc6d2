"""The pair of private servers below one directory: started when needed, stopped by the last user.

One rule covers every command: whoever calls ``ensure`` is a user until its process ends or it
leaves; the last one out stops both servers. A user that is killed cannot stop them, so that they
stay until the next user leaves or ``stop`` is called.
"""

import time
from collections.abc import Callable, MutableMapping
from pathlib import Path

from backupsvc.embedded import postgresql, processes, valkey
from backupsvc.embedded.errors import EmbeddedError
from backupsvc.embedded.layout import Layout
from backupsvc.embedded.locks import Membership, exclusive
from backupsvc.embedded.programs import find_postgresql, find_valkey
from backupsvc.embedded.record import Record, Reply, Server

LOCK_SECONDS = 180.0
_RECOVERY_SECONDS = 30.0
_ATTEMPTS = 4
Ask = Callable[[Server, Layout], Reply]
_DATABASE, _REDIS = "DATABASE_URL", "REDIS_URL"


class Pair:
    """PostgreSQL and Valkey below ``root``.

    Args:
        durable: whether data must survive a lost computer, as a person's must; without it only a
            killed server, which is faster and enough for tests.
    """

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self._layout = Layout(root)
        self._durable = durable
        self._membership = Membership(self._layout.users)
        self._provided: dict[str, str] = {}

    def ensure(self, environment: MutableMapping[str, str]) -> None:
        """Start what ``environment`` gives no address for, and put the addresses there.

        Idempotent, and safe to call from any number of processes at once. What an earlier call
        put there does not count as given: a server that has died since is started again.

        Raises:
            EmbeddedError: see ``code``.
        """
        wanted = [
            name
            for name in (_DATABASE, _REDIS)
            if environment.get(name, "") in {"", self._provided.get(name)}
        ]
        if wanted:
            try:
                self._provide(wanted)
            except PermissionError as error:
                raise EmbeddedError(
                    "not-owner",
                    f"{error.filename} belongs to another user",
                    hint="run as that user, or let BACKUPSVC_VAR name a directory of your own",
                ) from error
            environment.update({name: self._provided[name] for name in wanted})

    def leave(self) -> None:
        """Stop using the servers; stops them if nobody else uses them. Idempotent."""
        if not self._membership.joined:
            return
        with exclusive(self._layout.lock, timeout_seconds=LOCK_SECONDS):
            self._membership.leave()
            if not self._membership.others_remain():
                self._stop()

    def stop(self, *, force: bool = False) -> bool:
        """Stop what a killed user left running; whether anything was running.

        Raises:
            EmbeddedError: ``in-use``, when somebody uses the servers and ``force`` is not given.
        """
        if not self._layout.root.exists():
            return False
        with exclusive(self._layout.lock, timeout_seconds=LOCK_SECONDS):
            if not force and self._membership.others_remain():
                raise EmbeddedError(
                    "in-use",
                    "another command is using the servers",
                    hint="end that command; it stops them. Or force it: make stop FORCE=1",
                )
            return self._stop()

    def _provide(self, wanted: list[str]) -> None:
        self._layout.prepare()
        with exclusive(self._layout.lock, timeout_seconds=LOCK_SECONDS):
            record = Record(self._layout.services)
            self._membership.join()
            if _DATABASE in wanted:
                self._provided[_DATABASE] = postgresql.url(self._postgresql(record))
            if _REDIS in wanted:
                self._provided[_REDIS] = valkey.url(self._valkey(record))

    def _postgresql(self, record: Record) -> Server:
        known = record.get(postgresql.NAME)
        if known and postgresql.ask(known, self._layout) is Reply.OURS:
            return known
        programs = find_postgresql(self._layout.majors())
        cluster = postgresql.Cluster.below(self._layout, programs)
        cluster.create(durable=self._durable)
        if postgresql.pid(cluster.directory) is not None:
            if known and self._comes_round(postgresql.ask, known, "PostgreSQL"):
                return known
            cluster.stop()
            known = None
        return self._start_postgresql(cluster, record, known)

    def _start_postgresql(
        self, cluster: postgresql.Cluster, record: Record, known: Server | None
    ) -> Server:
        server = known or Server()
        for attempt in range(_ATTEMPTS):
            # A killed server's last sessions may take a moment to notice and let go of its memory.
            time.sleep(0.5 * attempt)
            cluster.clear_stale_pid()
            if postgresql.SUPERUSER not in server.passwords:
                server = server.with_password(postgresql.SUPERUSER)
                cluster.set_password(server.passwords[postgresql.SUPERUSER])
            server = server.with_password(postgresql.APPLICATION).at(processes.free_port())
            record.put(postgresql.NAME, server)
            if not cluster.start(server.port, durable=self._durable):
                if postgresql.pid(cluster.directory) is None:
                    continue
                break  # still recovering after all this time; the next call will find it
            if postgresql.ask(server, self._layout) is Reply.OURS:
                server = server.at(server.port, postgresql.pid(cluster.directory) or 0)
                postgresql.provide_application(server)
                record.put(postgresql.NAME, server)
                return server
            # The recorded password is not this data's.
            cluster.stop()
            server = Server()
        raise self._not_started(postgresql.NAME, "PostgreSQL")

    def _valkey(self, record: Record) -> Server:
        known = record.get(valkey.NAME)
        if known and valkey.ask(known, self._layout) is Reply.OURS:
            return known
        if known and valkey.pid(self._layout) and self._comes_round(valkey.ask, known, "Valkey"):
            return known
        store = valkey.Store(self._layout, find_valkey())
        for _attempt in range(_ATTEMPTS):
            # Never two on one directory: one whose password is lost goes first.
            valkey.stop(known, self._layout)
            server = Server(port=processes.free_port()).with_password(valkey.ACCOUNT)
            record.put(valkey.NAME, server)
            if store.start(server) or self._is_reading(server):
                server = server.at(server.port, valkey.pid(self._layout) or 0)
                record.put(valkey.NAME, server)
                return server
            known = server
        raise self._not_started(valkey.NAME, "Valkey")

    def _is_reading(self, server: Server) -> bool:
        """Whether a store with much to read was only slow to start."""
        alive = valkey.pid(self._layout) is not None
        return alive and self._comes_round(valkey.ask, server, "Valkey")

    def _comes_round(self, ask: Ask, known: Server, title: str) -> bool:
        """Wait for a server whose process is there; whether it is ours, not one we lost.

        Raises:
            EmbeddedError: ``no-answer``. Nothing is stopped on mere silence: it may be at work.
        """
        replies: list[Reply] = []

        def answered() -> bool:
            replies.append(ask(known, self._layout))
            return replies[-1] is not Reply.SILENT

        if processes.wait_until(answered, timeout_seconds=_RECOVERY_SECONDS):
            return replies[-1] is Reply.OURS
        raise EmbeddedError(
            "no-answer",
            f"{title} is running but does not answer",
            hint="try again in a while, or stop it: make stop FORCE=1",
        )

    def _stop(self) -> bool:
        record = Record(self._layout.services)
        running = valkey.pid(self._layout) is not None
        valkey.stop(record.get(valkey.NAME), self._layout)
        for major in self._layout.majors():
            if postgresql.pid(self._layout.cluster(major)) is not None:
                running = True
                postgresql.Cluster.below(self._layout, find_postgresql([major])).stop()
        return running

    def _not_started(self, name: str, title: str) -> EmbeddedError:
        log = self._layout.log(name)
        return EmbeddedError(
            "not-started",
            f"{title} does not start:\n{processes.log_tail(log)}",
            hint=f"see {log}",
        )
