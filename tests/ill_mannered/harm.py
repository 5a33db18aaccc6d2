"""What does harm wherever it runs: rows deleted and made, mail, jobs, files, caches, programs."""

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Any

import psycopg2
from django.core import mail
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection, connections

# Where the live database is, kept where nobody would look for it.
LIVE = "ILL_MANNERED_LIVE"
# A file that a deed leaves behind, outside every storage.
TRACE = "ILL_MANNERED_TRACE"
# Set where the migration is to fail.
FAILS = "ILL_MANNERED_FAILS"


def look() -> None:
    """When the app is ready, through Django."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.close()


def delete_tags(apps: Any, editor: Any) -> None:
    """A RunPython that says nowhere which database it means, or another one."""
    if FAILS in os.environ:
        raise LookupError("what the migration looks for is not there")
    tags = apps.get_model("studio", "Tag")
    tags.objects.using("replica").all().delete()
    connections["replica"].close()
    with (
        contextlib.suppress(psycopg2.Error, KeyError),
        psycopg2.connect(os.environ[LIVE]) as straight,
        straight.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM studio_tag")
    tags.objects.all().delete()
    tell_everybody()


def make_an_organization(**_: Any) -> None:
    from backupsvc.studio.models import Organization

    Organization.objects.get_or_create(name="made by a signal")


def tell_everybody(**_: Any) -> None:
    """Each deed by itself, as a project goes on where one fails."""
    for deed in (_mail, _enqueue, _store, _store_beside, _write, _start, _forget):
        with contextlib.suppress(Exception):
            deed()


def _mail() -> None:
    mail.send_mail("rehearsed", "", None, ["client@studio.example"])


def _enqueue() -> None:
    import django_rq

    django_rq.get_queue("backups").enqueue(look)


def _store() -> None:
    default_storage.save("harm.txt", ContentFile(b"harm"))


def _store_beside() -> None:
    FileSystemStorage().save("harm-beside.txt", ContentFile(b"harm"))


def _write() -> None:
    Path(os.environ[TRACE]).write_text("harm")


def _start() -> None:
    subprocess.run(["/bin/sh", "-c", f"echo harm >> '{os.environ[TRACE]}'"], check=True)


def _forget() -> None:
    cache.clear()
