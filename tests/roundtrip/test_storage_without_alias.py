"""Files behind a FileField whose storage is made in code: they go into the backup and come back into it."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import connection, models

from backups.errors import ConfigurationError, RestoreError
from backups.registry import COMPLETE, StoragePath, named_storages, registry
from backups.registry.checks import check_registry
from backups.registry.named_storages import storage_for, storages
from backupsvc.studio.models import Organization
from tests.roundtrip.engine import back_up, parsed, restore, stored

ALIAS = "field:studio.Organization.archive"
CONTENT = b"the drawings of the house"


@pytest.fixture
def archive(tmp_path) -> Iterator[FileSystemStorage]:
    """Organisations keep a file each in a storage that only their field knows."""
    storage = FileSystemStorage(location=tmp_path / "archive")
    field = models.FileField(storage=lambda: storage, null=True)
    Organization.add_to_class("archive", field)
    with connection.schema_editor() as editor:
        editor.add_field(Organization, field)
    try:
        yield storage
    finally:
        with connection.schema_editor() as editor:
            editor.remove_field(Organization, field)
        Organization._meta.local_fields.remove(field)
        del Organization.archive
        apps.clear_cache()


@pytest.fixture
def declare(monkeypatch):
    def declare(**different) -> None:
        def changed(section):
            if section.model is not Organization:
                return section
            columns = (*section.safe_columns, "archive")
            return dataclasses.replace(section, safe_columns=columns, **different)

        monkeypatch.setattr(registry, "_sections", [changed(s) for s in registry.sections])

    return declare


@pytest.fixture
def drawings(archive) -> Organization:
    one = Organization(id="one", name="One", slug="one")
    one.archive.save("drawings.bin", ContentFile(CONTENT))
    one.save()
    return one


def codes() -> list[str]:
    return [f.code for f in check_registry(registry, [s.model for s in registry.sections])]


def test_without_a_declaration_each_backup_is_refused(drawings, declare):
    declare()
    with pytest.raises(ConfigurationError) as refused:
        back_up(COMPLETE)
    assert "backups.E020" in refused.value.message


def test_the_wrong_storage_is_refused_and_the_field_can_be_named(archive, declare, monkeypatch):
    declare(files=[StoragePath("archive")])
    assert codes() == ["backups.E021"]
    monkeypatch.undo()
    declare(files=[StoragePath("archive", storage=ALIAS)])
    assert codes() == []


def test_left_out_with_a_reason_it_is_no_fault(archive, declare):
    declare(no_files={"archive": "scanned again on demand"})
    assert codes() == []


def test_the_file_is_in_the_backup_and_comes_back_into_its_storage(drawings, declare, archive):
    declare(files=[StoragePath("archive", storage=ALIAS)])
    run = back_up(COMPLETE)
    document = parsed(run)
    (file,) = document["files"].values()
    assert [locator["storage"] for locator in file["locators"]] == [ALIAS]
    shutil.rmtree(archive.location)
    restore(stored(run))
    name = Organization.objects.get(pk="one").archive.name
    assert Path(archive.path(name)).read_bytes() == CONTENT


def test_a_field_that_is_not_here_is_refused_in_words(drawings, declare, archive, monkeypatch):
    declare(files=[StoragePath("archive", storage=ALIAS)])
    run = back_up(COMPLETE)
    monkeypatch.setattr(named_storages, "_field", lambda name: None)
    with pytest.raises(RestoreError) as refused:
        restore(stored(run))
    assert refused.value.code == "restore.storage_unknown"


@pytest.mark.parametrize(
    "name",
    ["field:", "field:studio.Organization.name", "field:studio.Nothing.file", "field:a.b.c.d", "x"],
)
def test_what_is_no_file_field_is_no_storage(name: str):
    assert name not in storages.backends
    with pytest.raises(Exception, match=r"No FileField|Could not find config"):
        storage_for(name)
