"""Locators name storages, models and paths that are there."""

from collections.abc import Iterator

from django.apps import apps

from backups.findings import Finding
from backups.registry.checks.saying import finding, label
from backups.registry.files import FileLocator, JsonAddress
from backups.registry.json_path import parse
from backups.registry.named_storages import storages
from backups.registry.sections import Section
from backups.wording import _


def locators(section: Section) -> Iterator[Finding]:
    for locator in section.files:
        if locator.storage not in storages:
            yield finding(
                "backups.E015",
                section,
                _(
                    "{model} looks for the files of {field!r} in the storage"
                    " {storage!r}, which is not there.",
                    model=label(section),
                    field=locator.field,
                    storage=locator.storage,
                ),
                _("Name an alias of STORAGES, or a FileField as field:app.Model.field."),
            )
        if not _names_a_model(locator):
            yield finding(
                "backups.E015",
                section,
                _(
                    "{model} takes strings in {field!r} for ids of a model that is not"
                    " there, or whose primary key is not one column.",
                    model=label(section),
                    field=locator.field,
                ),
                _("Give ids_of the label of an installed model, such as app.Model."),
            )
        if isinstance(locator, JsonAddress) and not _is_followed(locator.path):
            yield finding(
                "backups.E016",
                section,
                _(
                    "{model} looks for files in {field!r} at {path!r}, a path that"
                    " a restore cannot write to.",
                    model=label(section),
                    field=locator.field,
                    path=locator.path,
                ),
                _("Use members and all elements only, such as $[*].url or $.cover."),
            )


def _is_followed(path: str) -> bool:
    try:
        parse(path)
    except ValueError:
        return False
    return True


def _names_a_model(locator: FileLocator) -> bool:
    if not isinstance(locator, JsonAddress) or not locator.ids_of:
        return True
    try:
        return len(apps.get_model(locator.ids_of)._meta.pk_fields) == 1
    except (LookupError, ValueError):
        return False
