"""The whole application, running: servers, worker, a seeded studio, and people at browsers.

Not pytest-django's live server: these are the processes that ``make run`` starts, on the test run's own
database, so rows are committed, and removed when the last of these tests has ended.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from backups.models import AuditEvent, BackupRun
from backups.services import auditing, creating, vault
from backupsvc.serve.supervisor import Child, Supervisor
from backupsvc.studio.demo.seeding import seed_studio
from restore.models import OutgoingHold, PlanRun, Rehearsal, RestoreRun, Upload
from tests import audit_door
from tests.browser import finding
from tests.browser.visitor import Visitor, chromium

# Playwright's own event loop runs in this thread; what is asked of the database here waits for nobody.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the servers are started in vain."""
    if "browser" in item.fixturenames and _browser() is None:
        if finding.is_ci():
            pytest.fail(
                f"No browser, and in CI nothing is left out: {finding.ADVICE}", pytrace=False
            )
        pytest.skip(f"needs a browser, and none was found: {finding.ADVICE}")


@cache
def _browser() -> str | None:
    return finding.find()


@pytest.fixture(scope="package")
def studio(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        seed_studio(1, 1, lambda what, done: None)
        yield
        with audit_door.open_for_all():
            call_command("flush", interactive=False, verbosity=0)
        connections.close_all()


@pytest.fixture(scope="package")
def address(studio) -> Iterator[str]:
    """The web server's."""
    listener = socket.create_server(("127.0.0.1", 0))
    descriptor = listener.fileno()
    web = Child("The web server", "web", ["--socket", str(descriptor)], sockets=[descriptor])
    with _running(web):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


@pytest.fixture(scope="package")
def worker(studio):
    with _running(Child("The worker", "worker", grace_seconds=1.0)):
        yield


@contextmanager
def _running(child: Child) -> Iterator[None]:
    children = Supervisor([child])
    with pytest.MonkeyPatch.context() as environment:
        # The tests' own tables are in the database, so a worker must know them.
        environment.setenv("DJANGO_SETTINGS_MODULE", settings.SETTINGS_MODULE)
        children.start()
    try:
        yield
    finally:
        children.stop()


@pytest.fixture(scope="package")
def browser():
    with chromium() as found:
        yield found
        # That of the loop: a test that failed on its way in has not closed it.
        connections.close_all()


@pytest.fixture
def transactional_db(studio, django_db_blocker):
    """In place of pytest-django's, which would empty every table after each test.

    Its name is what makes pytest-django create the database."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def visitor(browser, address, transactional_db):
    """Brings somebody to the sign-in page and through it."""
    came: list[Visitor] = []

    def bring(role: str, **context) -> Visitor:
        came.append(Visitor(browser, address, **context))
        return came[-1].sign_in(f"{role}@studio.example")

    BackupRun.objects.all().delete()
    with audit_door.opened():
        AuditEvent.objects.all().delete()
    audit_door.forget_the_head()
    yield bring
    for someone in came:
        someone.leave()
    # While Playwright's loop runs, Django keeps a connection of its own for it.
    connections.close_all()


@pytest.fixture
def nothing_restored(transactional_db):
    """No restore, plan, upload, test restore or hold of another test."""
    for model in (RestoreRun, PlanRun, Upload, Rehearsal, OutgoingHold):
        model.objects.all().delete()


@pytest.fixture
def backup(transactional_db, tmp_path):
    """Makes a backup; its file as it is downloaded. No run of it is left."""

    def make(scope) -> Path:
        run = creating.carry_out(creating.request(scope, auditing.COMMAND_LINE))
        path = tmp_path / f"{scope.value}-backup.json.zst"
        path.write_bytes(vault.path_of(run.artifact).read_bytes())
        BackupRun.objects.all().delete()
        return path

    return make


@pytest.fixture
def held_up(transactional_db):
    """Keeps backups waiting at one table, so that what happens meanwhile can be looked at."""

    @contextmanager
    def hold(model) -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            name = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")

    return hold
