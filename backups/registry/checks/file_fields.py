"""Fields that Django itself keeps files behind: none is forgotten, each is read from its own storage.

A FileField without a locator would be backed up as a name only, and its files would be lost in silence.
"""

from collections.abc import Iterator
from typing import Any

from django.db.models import FileField, FilePathField

from backups.findings import Finding, Severity
from backups.registry.files import Address, FileLocator, StoragePath
from backups.registry.named_storages import are_one, name_of, storage_of, storages
from backups.registry.sections import Section
from backups.wording import Sentence, _


def file_fields(section: Section) -> Iterator[Finding]:
    """Each file field of the section's own table is located or left out with a reason, and each is looked
    for in its own storage. Those that a table inherits are columns, and the business, of its parent."""
    for field in section.model._meta.local_concrete_fields:
        if isinstance(field, FileField | FilePathField):
            locators = [one for one in section.files if _is_located(field, one)]
            yield from _decided(section, field, locators)
            if isinstance(field, FileField):
                yield from _in_its_storage(section, field, locators)
    for name, because in section.no_files.items():
        if not because.strip():
            yield _finding(
                section,
                "backups.E020",
                _(
                    "{model} leaves out the files of {field!r} without a reason.",
                    model=section.model._meta.label,
                    field=name,
                ),
                _("Say in no_files why losing them harms nobody."),
            )


def _is_located(field: Any, locator: FileLocator) -> bool:
    return locator.field == field.name and isinstance(locator, StoragePath | Address)


def _decided(section: Section, field: Any, locators: list[FileLocator]) -> Iterator[Finding]:
    named = {"model": section.model._meta.label, "field": field.name}
    if not locators and field.name not in section.no_files:
        yield _finding(
            section,
            "backups.E020",
            _("The files of {field!r} of {model} are in no backup.", **named),
            _(
                "Add StoragePath({field!r}) to files, or say in no_files why losing them harms nobody.",
                field=field.name,
            ),
        )
    elif locators and field.name in section.no_files:
        yield _finding(
            section,
            "backups.E020",
            _("The files of {field!r} of {model} are both located and left out.", **named),
            _("Decide for files or for no_files."),
        )


def _in_its_storage(section: Section, field: Any, locators: list[FileLocator]) -> Iterator[Finding]:
    for locator in locators:
        # An unknown name is another rule's finding.
        if locator.storage in storages and not are_one(
            storages[locator.storage], storage_of(field)
        ):
            yield _finding(
                section,
                "backups.E021",
                _(
                    "{model} keeps the files of {field!r} in another storage than {storage!r},"
                    " where they are declared to be.",
                    model=section.model._meta.label,
                    field=field.name,
                    storage=locator.storage,
                ),
                _(
                    "Name the alias of its storage, or where it has none: storage={name!r}.",
                    name=name_of(field),
                ),
            )


def _finding(section: Section, code: str, message: Sentence, hint: Sentence) -> Finding:
    return Finding(code, Severity.ERROR, message, hint, table=section.table)
