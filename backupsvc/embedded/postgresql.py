"""The private PostgreSQL: one cluster, made, started, recognised and stopped.

Everything here that starts or stops runs under the pair's lock. The application logs in as
``studio``, which owns the database ``studio`` and may create others, for rehearsals and tests; it
is no superuser. ``postgres`` is, and is used here alone.
"""

import shlex
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql

from backupsvc.embedded import processes
from backupsvc.embedded.account import Account, for_postgresql
from backupsvc.embedded.errors import EmbeddedError
from backupsvc.embedded.layout import Layout
from backupsvc.embedded.programs import Postgresql
from backupsvc.embedded.record import Reply, Server

NAME = "postgresql"
SUPERUSER = "postgres"
APPLICATION = "studio"
_START_SECONDS = 120
_LOGIN_SECONDS = 5

_HBA = "host all all 127.0.0.1/32 scram-sha-256\n"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # TCP alone: a socket's path has a length limit, and its lock file may outlive the server.
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
if sys.platform == "linux":
    # A killed client's query stops within seconds instead of running to its end with its locks.
    _SETTINGS["client_connection_check_interval"] = "2s"
# Survives a killed server but not a lost computer, which test data may.
_FAST = {
    **{"fsync": "off", "full_page_writes": "off", "max_wal_size": "256MB"},
    # Tests hold one now and then.
    "max_prepared_transactions": "2",
}
# Tests log in thousands of times, with random passwords that nobody could guess either way.
_FAST_SINCE_16 = {"scram_iterations": "1"}


@dataclass(frozen=True)
class Cluster:
    """A data directory with the programs and the account that may serve it."""

    layout: Layout
    programs: Postgresql
    account: Account

    @classmethod
    def below(cls, layout: Layout, programs: Postgresql) -> "Cluster":
        directory = layout.cluster(programs.major)
        existing = directory if directory.exists() else None
        account = for_postgresql(programs.path("postgres"), layout.root, existing)
        return cls(layout, programs, account)

    @property
    def directory(self) -> Path:
        return self.layout.cluster(self.programs.major)

    def create(self, *, durable: bool) -> None:
        """Make the data directory if it is not there; it appears complete or not at all."""
        for abandoned in self.layout.root.glob(".new-pg-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        if self.directory.exists():
            return
        draft = Path(tempfile.mkdtemp(prefix=".new-pg-", dir=self.layout.root))
        try:
            self.account.give(draft)
            command = [self.programs.path("initdb"), "-D", str(draft), "-U", SUPERUSER]
            command += ["--encoding=UTF8", "--no-locale", "--auth=reject", "--no-instructions"]
            outcome = self.account.run(command + ([] if durable else ["--no-sync"]), cwd=draft)
            if outcome.returncode != 0:
                raise _failure("initdb", "could not make a database cluster", outcome.stdout)
            (draft / "pg_hba.conf").write_text(_HBA)
            draft.rename(self.directory)
            processes.sync_directory(self.layout.root)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def set_password(self, password: str) -> None:
        """Give the superuser a password while the server is down.

        Single-user mode asks for none, so this also mends a lost or damaged services.json.
        """
        command = [self.programs.path("postgres"), "--single", "-D", str(self.directory)]
        statement = f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'\n"
        outcome = self.account.run([*command, SUPERUSER], cwd=self.layout.root, stdin=statement)
        if outcome.returncode != 0:
            raise _failure("password", "could not set the superuser's password", outcome.stdout)

    def start(self, port: int, *, durable: bool) -> bool:
        """Start the server, detached; whether it accepts connections on ``port`` now."""
        settings = {**_SETTINGS, **({} if durable else self._fast()), "port": str(port)}
        options = shlex.join(
            part for name, value in settings.items() for part in ("-c", f"{name}={value}")
        )
        command = [self.programs.path("pg_ctl"), "start", "-s", "-w", "-t", str(_START_SECONDS)]
        command += ["-D", str(self.directory), "-o", options]
        log = self.layout.log(NAME)
        processes.start_log(log)
        # The server inherits the open log, so that its account needs no right to the directory.
        with log.open("a") as output:
            outcome = self.account.run(command, cwd=self.layout.root, output=output)
        return outcome.returncode == 0

    def _fast(self) -> dict[str, str]:
        return _FAST | (_FAST_SINCE_16 if self.programs.major >= 16 else {})

    def clear_stale_pid(self) -> None:
        """Remove the pid file of a server that was killed.

        PostgreSQL refuses to start while the number in it exists, even as a zombie that nobody
        reaps or as another program after a reboot.
        """
        if pid(self.directory) is None:
            (self.directory / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the server, rolling back what is open; idempotent."""
        if (number := pid(self.directory)) is None:
            return
        command = [self.programs.path("pg_ctl"), "stop", "-s", "-w", "-t", "30", "-m", "fast"]
        self.account.run([*command, "-D", str(self.directory)], cwd=self.layout.root)
        if pid(self.directory) is not None:
            # SIGQUIT is PostgreSQL's immediate shutdown; the next start recovers from its log.
            processes.stop(number, (signal.SIGQUIT, signal.SIGKILL), timeout_seconds=10)


def pid(directory: Path) -> int | None:
    """The server's process, if one serves ``directory``; answered without logging in."""
    number = processes.pid_in(directory / "postmaster.pid")
    return number if processes.serves(number, directory, "postgres") else None


def ask(server: Server, layout: Layout) -> Reply:
    """Log in, and see whether ``server`` serves a directory of this layout."""
    try:
        connection = _connect(server, SUPERUSER)
    except psycopg2.OperationalError as error:
        # libpq gives a failed login no code; the text is English, see account.py.
        refused = "authentication failed" in str(error)
        return Reply.REFUSED if refused else Reply.SILENT
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW data_directory")
            (directory,) = cursor.fetchone() or ("",)
    except psycopg2.Error:
        return Reply.SILENT
    finally:
        connection.close()
    ours = Path(directory).resolve().parent == layout.root.resolve()
    return Reply.OURS if ours else Reply.REFUSED


def provide_application(server: Server) -> None:
    """Make the application's role and database, or set the role's password; idempotent."""
    role = sql.Identifier(APPLICATION)
    connection = _connect(server, SUPERUSER)
    connection.autocommit = True  # CREATE DATABASE accepts no transaction
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION])
            verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
            cursor.execute(
                sql.SQL("{} ROLE {} LOGIN CREATEDB PASSWORD %s").format(verb, role),
                [server.passwords[APPLICATION]],
            )
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [APPLICATION])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(role))
    finally:
        connection.close()


def url(server: Server) -> str:
    password = server.passwords[APPLICATION]
    return f"postgresql://{APPLICATION}:{password}@127.0.0.1:{server.port}/{APPLICATION}"


def _connect(server: Server, role: str) -> "psycopg2.extensions.connection":
    return psycopg2.connect(
        host="127.0.0.1",
        port=server.port,
        user=role,
        password=server.passwords.get(role, ""),
        dbname="postgres",
        connect_timeout=_LOGIN_SECONDS,
        application_name="backupsvc-embedded",
    )


def _failure(code: str, message: str, output: str | None) -> EmbeddedError:
    last_lines = "\n".join((output or "").strip().splitlines()[-5:])
    return EmbeddedError(
        code,
        f"{message}:\n{last_lines}",
        hint="mend what PostgreSQL says, or set DATABASE_URL to a server of your own",
    )
