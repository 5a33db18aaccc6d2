"""Bringing the database to where the application can start: tables, and a studio to try."""

import os
from io import StringIO
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections

from backupsvc.embedded.locks import exclusive
from backupsvc.environment import var_dir

_LOCK_SECONDS = 600.0


def prepare(*, demo_data: bool) -> list[str]:
    """Migrate, and fill an empty studio if asked; how to get in, as lines: the demo accounts that are
    there, else the one-time code of the first start while there is no account at all.

    Idempotent. Two foreground commands that start at once do it one after the other.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backupsvc.settings")
    django.setup()
    from backupsvc.studio.demo.seeding import is_empty

    # WhiteNoise complains of a missing one, though it finds the files where the apps keep them.
    Path(settings.STATIC_ROOT).mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        with exclusive(var_dir() / ".prepare", timeout_seconds=_LOCK_SECONDS):
            call_command("migrate", interactive=False, verbosity=0)
            if demo_data and is_empty():
                call_command("seed_studio", stdout=StringIO())
        return _accounts() or _first_start()
    finally:
        connections.close_all()


def _first_start() -> list[str]:
    from restore.services.asking import first_start

    if not first_start.is_open():
        return []
    return [
        "Nobody has an account yet. Open the address and type this one-time code:",
        f"  {first_start.code()}",
        f"It also lies in the folder of the backups, in {first_start.FILE_NAME}.",
    ]


def _accounts() -> list[str]:
    from backupsvc.studio.demo.rows.people import DEMO_ACCOUNTS
    from backupsvc.studio.demo.seeding import DEMO_PASSWORD

    emails = [email for email, _role in DEMO_ACCOUNTS]
    present = set(
        get_user_model()._default_manager.filter(email__in=emails).values_list("email", flat=True)
    )
    lines = [f"  {email}  ({role})" for email, role in DEMO_ACCOUNTS if email in present]
    return [f"Sign in with the password {DEMO_PASSWORD} as", *lines] if lines else []
