"""The restore that is tried: into the database of this process, whichever that is, and compared.

Runs in the process of ``restore.services.applying.isolated``, where "default" is a throwaway database.
"""

from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection as django_connection

from backups import errors
from backups.database.connection import connected, database_errors
from backups.errors import BackupSystemError, RestoreError
from backups.registry import registry
from backups.services import keyring, runs
from backups.services.progress import Progress
from backups.stages import Stage
from backups.wording import _, words_of
from restore.database.failures import restore_failure
from restore.database.live_schema import Key, ask_waiting
from restore.database.transaction import restore_transaction
from restore.models import Rehearsal
from restore.plan import Choices, FilesPlan
from restore.services.applying.file_content import FilesCompared
from restore.services.applying.writing import Writer
from restore.services.planning.access import EVERYTHING
from restore.services.planning.counting import make_plan
from restore.services.planning.following import tables_held
from restore.services.planning.locating import places
from restore.services.planning.proving import prove
from restore.services.planning.staging import prepare

ACTING = "rehearsal@localhost.invalid"


class _Told(Progress):
    """Progress that is told to whoever started this process, who writes it down."""

    def _write(self) -> None:
        self._tell_listener()


def outcome(order: dict[str, Any], say: Any) -> dict[str, Any]:
    """Do it. Returns ``report`` or ``error`` in plain values."""
    try:
        told = _Told(Rehearsal(pk=order["run"]), lambda values: say({"progress": values}))
        with told as progress:
            if order["by_migrations"]:
                _migrate(progress)
            waiting = [Key(*key) for key in order["waiting"]]
            with keyring.held(keyring.heard(order["keys"].encode())):
                report = try_restore(Path(order["file"]), order["run"], progress, waiting)
            return {"report": report}
    except BaseException as error:
        return {"error": plain(runs.explain(error))}


def try_restore(path: Path, run_id: str, progress: Progress, waiting: list[Key]) -> dict[str, Any]:
    """Restore the file at ``path`` and read it back. Returns what was compared.

    ``waiting``: keys that are validated only when the file's rows are there.
    """
    with connected(purpose="rehearsal") as connection, database_errors():
        connection.autocommit = True
        with progress.interruptible(connection):
            read = prepare(path, connection, registry, progress, let_in=EVERYTHING)
            prepared = prove(connection, read, progress)
            choices = _choices(prepared.manifest.type)
            with places(path, registry), restore_transaction(connection) as work:
                work.hold(tables_held(prepared), wait_seconds=1)
                with work.only_looking():
                    plan = make_plan(connection, prepared, choices, FilesPlan())
                if plan.blocking:
                    first = plan.blocking[0]
                    raise RestoreError(first.code, first.message, hint=first.hint)
                files = FilesCompared(progress.check)
                writer = Writer(work, prepared, plan, path, progress)
                report = writer.write(files, run_id)
                with restore_failure():
                    ask_waiting(connection, waiting)
    return report


def _migrate(progress: Progress) -> None:
    """The schema as a new server would get it: by the application's own migrations."""
    progress.stage(Stage.SCHEMA)
    try:
        call_command(
            "migrate", database="default", verbosity=0, interactive=False, skip_checks=True
        )
    except Exception as error:
        raise RestoreError(
            "rehearsal.migrations",
            _(
                "The application's migrations failed in an empty database ({type}).",
                type=type(error).__name__,
            ),
            hint=_(
                "Name a pg_dump that fits the server by BACKUPS_PG_DUMP: then the live schema is copied and"
                " no migration runs."
            ),
        ) from error
    finally:
        django_connection.close()


def _choices(kind: str) -> Choices:
    """A Safe restore needs an owner who acts; here one is made up. The file's roles are believed: it
    is tried, not trusted."""
    if kind == "safe":
        _make_owner()
    return Choices(acting=ACTING if kind == "safe" else "", accept_foreign=True)


def _make_owner() -> None:
    try:
        model = get_user_model()
        # One and the same field where people sign in with their address.
        names = dict.fromkeys([model.USERNAME_FIELD, model.get_email_field_name()], ACTING)
        model._default_manager.create_superuser(**names, password=None)
    except Exception as error:
        raise RestoreError(
            "rehearsal.no_owner",
            _(
                "No owner could be made up for the test restore of a Safe backup ({type}).",
                type=type(error).__name__,
            ),
            hint=_(
                "createsuperuser must work on this schema, without a mail server, a queue or anything else"
                " outside. A Complete backup can be tried without it."
            ),
        ) from error
    finally:
        django_connection.close()


def plain(error: BackupSystemError) -> dict[str, Any]:
    """The error in plain values; ``again`` makes it one again in another process."""
    kinds = [k.__name__ for k in type(error).__mro__ if getattr(errors, k.__name__, None) is k]
    said = words_of(message=error.message, hint=error.hint)
    text = {"message": str(error.message), "hint": str(error.hint)}
    return {
        "kind": kinds[0],
        "code": error.code,
        "words": said,
        "permanent": error.permanent,
    } | text
