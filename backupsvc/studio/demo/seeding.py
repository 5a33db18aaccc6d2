"""Filling an empty studio: the files first, then every row in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from tempfile import TemporaryFile

from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import DateTimeField, Model

from backupsvc.studio.demo.documents import large_pdf
from backupsvc.studio.demo.files import BIG_FILE, BIG_FILE_BYTES, Catalogue, content_of
from backupsvc.studio.demo.rows.assets import big_asset
from backupsvc.studio.demo.source import Source
from backupsvc.studio.demo.tables import TABLES, Table
from backupsvc.studio.models import Asset

DEMO_PASSWORD = "studio-demo-2024"  # noqa: S105 - meant to be known
# Fixed, or equal seeds would not give equal rows; long enough for sign-in not to renew the hash.
DEMO_SALT = "TheDemoStudioKeepsNoSecrets"
BATCH_ROWS = 1000

# Called with what is under way, and how many rows or files were added just now.
Report = Callable[[str, int], None]


def is_empty() -> bool:
    """Whether no table of the studio has a row."""
    tables = apps.get_app_config("studio").get_models()
    return not any(model._default_manager.exists() for model in tables)


def steps_at(scale: int) -> int:
    """How many rows and files are reported on the way."""
    return scale * sum(table.rows_per_scale for table in TABLES) + len(Catalogue(scale).stored)


def seed_studio(scale: int, seed: int, report: Report, *, big_file: bool = False) -> int:
    """Fill the studio, which must be empty. Returns the number of rows.

    Equal arguments give equal rows and files. Either every row is there afterwards or none; files
    may stay behind a failure, and the next attempt takes them over.
    """
    files = Catalogue(scale)
    _save_files(files, report)
    if big_file:
        _save_big_file()
    counts = {table.model: table.rows_per_scale * scale for table in TABLES}
    password = make_password(DEMO_PASSWORD, salt=DEMO_SALT)
    with transaction.atomic(), _timestamps_as_given(list(counts)):
        for table in TABLES:
            source = Source(table.model, seed=seed, counts=counts, files=files, password=password)
            _insert(table, source, report)
            if big_file and table.model is Asset:
                Asset.objects.bulk_create([big_asset(source)])
    return sum(counts.values()) + int(big_file)


def _insert(table: Table, source: Source, report: Report) -> None:
    count = source.counts[table.model]
    rows = (table.make(source, n) for n in range(count))
    for batch in _batches(rows, BATCH_ROWS):
        table.model._default_manager.bulk_create(batch)
        report(str(table.model._meta.verbose_name_plural), len(batch))


def _batches(rows: Iterable[Model], size: int) -> Iterator[list[Model]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


@contextmanager
def _timestamps_as_given(models: Sequence[type[Model]]) -> Iterator[None]:
    """Write ``auto_now`` columns as the rows have them.

    Django overwrites these even in ``bulk_create``, and the clock is the one thing that a seed
    cannot repeat.
    """
    stamps = (f for m in models for f in m._meta.local_fields if isinstance(f, DateTimeField))
    fields = [f for f in stamps if f.auto_now]
    for field in fields:
        field.auto_now = False
    try:
        yield
    finally:
        for field in fields:
            field.auto_now = True


def _save_files(files: Catalogue, report: Report) -> None:
    for name in files.stored:
        _save(name, ContentFile(content_of(name)))
        report("files", 1)


def _save_big_file() -> None:
    with TemporaryFile() as draft:
        for part in large_pdf(BIG_FILE, BIG_FILE_BYTES):
            draft.write(part)
        _save(BIG_FILE, File(draft))


def _save(name: str, content: File) -> None:
    """Keep a file under exactly this name. It is the demo's own, so what was there gives way."""
    if default_storage.exists(name):
        default_storage.delete(name)
    saved = default_storage.save(name, content)
    if saved != name:
        raise FileExistsError(f"{name} was taken while the demo studio was being made.")
