"""The declarations are what tables.csv and columns.csv say."""

import dataclasses

import pytest
from django.apps import apps

from backups.registry import NULL, Address, JsonAddress, StoragePath, random_token, registry
from backupsvc.studio import sections
from tests.studio import facts

TABLES = {row["model"]: row for row in facts.tables()}
COLUMNS = facts.columns()
# What a table is located by, where that is not simply an address.
LOCATORS = {
    ("Asset", "url"): Address("url", unless={"type": "LINK"}),
    ("Project", "cover_images"): JsonAddress("cover_images", path="$[*]", ids_of="studio.Asset"),
    ("ProjectUpdateMessage", "attachments"): JsonAddress("attachments", path="$[*].url"),
    ("RoomFFEItem", "attachments"): JsonAddress("attachments", path="$[*].url"),
    ("DropboxFileLink", "dropbox_path"): StoragePath("dropbox_path"),
    ("CadPreferences", "ctb_dropbox_path"): StoragePath("ctb_dropbox_path"),
    ("ProjectCadDefaults", "ctb_dropbox_path"): StoragePath("ctb_dropbox_path"),
}


def studio_sections():
    return [s for s in registry.sections if s.model._meta.app_label == "studio"]


def names(model_name, key, value):
    """Fields whose column has this value for a fact."""
    return {facts.field_name(c) for c in COLUMNS[model_name] if c[key] == value}


def expected_locators(model_name):
    located = [c["column"] for c in COLUMNS[model_name] if c["file_locator"] == "yes"]
    return [LOCATORS.get((model_name, name), Address(name)) for name in located]


def differences(section):
    """Which parts of a section disagree with the facts."""
    name = section.model.__name__
    row = TABLES[name]
    scopes = {scope for scope in ("safe", "complete") if row[scope] == "yes"}
    parts = {
        "key": section.key == row["section"],
        "group": section.group == row["group"],
        "scopes": section.scopes == scopes,
        "safe_columns": set(section.safe_columns) == names(name, "in_safe", "kept"),
        "redact": set(section.redact) == names(name, "in_safe", "omitted"),
        "secret": set(section.secret) == names(name, "secret", "yes"),
        "files": list(section.files) == expected_locators(name),
        "natural_key": section.natural_key == (("email",) if name == "User" else ()),
    }
    return [part for part, agrees in parts.items() if not agrees]


def test_sections_come_in_the_order_of_the_facts():
    assert [s.model.__name__ for s in studio_sections()] == list(TABLES)


@pytest.mark.parametrize("section", studio_sections(), ids=lambda s: s.key)
def test_a_section_is_as_the_facts_say(section):
    assert differences(section) == []


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("rooms", {"key": "room"}),
        ("rooms", {"group": "Other"}),
        ("rooms", {"scopes": frozenset({"complete"})}),
        ("rooms", {"redact": {}}),
        ("rooms", {"safe_columns": ("id",)}),
        ("users", {"secret": ()}),
        ("users", {"natural_key": ()}),
        ("assets", {"files": (Address("url"),)}),
    ],
)
def test_a_changed_section_is_noticed(key, change):
    section = dataclasses.replace(registry.by_key()[key], **change)
    assert differences(section) == list(change)


@pytest.mark.parametrize("section", studio_sections(), ids=lambda s: s.key)
def test_a_safe_section_names_each_of_its_fields_once(section):
    named = [*section.safe_columns, *section.redact]
    if section.in_safe:
        assert sorted(named) == sorted(f.name for f in section.model._meta.local_fields)
    else:
        assert named == []


@pytest.mark.parametrize("section", studio_sections(), ids=lambda s: s.key)
def test_what_is_omitted_is_refilled_with_what_the_column_takes(section):
    for name, omit in section.redact.items():
        nullable = section.model._meta.get_field(name).null
        assert omit.rule == NULL if nullable else omit.rule.make is random_token


def test_no_safe_section_points_at_a_table_outside_without_omitting_it():
    safe = {s.model for s in studio_sections() if s.in_safe}
    for section in studio_sections():
        for field in section.model._meta.local_fields:
            if section.in_safe and field.is_relation and field.related_model not in safe:
                assert field.name in section.redact
                assert field.null


def test_every_subject_of_the_models_has_its_sections():
    from backupsvc.studio import models

    defining = {
        model.__module__.removeprefix(f"{models.__name__}.")
        for model in apps.get_app_config("studio").get_models()
    }
    assert set(sections.SUBJECTS) == defining | {"django"}


def test_groups_are_excluded_with_a_reason():
    reasons = {e.table: e.because for e in registry.exclusions}
    assert "role" in reasons["auth_group"]
    assert "role" in reasons["auth_group_permissions"]
