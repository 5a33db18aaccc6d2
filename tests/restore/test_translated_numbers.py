"""Numbers that mean something else elsewhere: content types and permissions of a database that counts
them otherwise."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from backups.registry import COMPLETE, SAFE, Registry, Section, registry
from backupsvc.studio.models import Project, User
from restore.database import numbers as numbers_sql
from restore.services.applying import made_again
from restore.services.asking.remembered import Remembered
from tests.restore.counting import count_otherwise, numbers
from tests.restore.forging import foreign, ours
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import rows_of_database
from tests.roundtrip.engine import back_up, stored, writing
from tests.zoo.models import Licence, Pointer, Sticker, Target

EDITS = ("change_project", "view_project")
KEPT = {"auth_group", "auth_group_permissions", "zoo_licence", "zoo_sticker"}


@pytest.fixture
def groups(studio, monkeypatch):
    """A project that has groups and generic relations, all in Safe too."""
    ContentType.objects.clear_cache()  # of another test's database
    both = frozenset({SAFE, COMPLETE})
    through = Group.permissions.through
    sections = [
        replace(s, scopes=both, safe_columns=tuple(f.name for f in s.model._meta.local_fields))
        if s.model in (Licence, Sticker)
        else s
        for s in registry.sections
    ]
    sections += [
        Section(Group, "groups", "Groups", both, safe_columns=("id", "name")),
        Section(
            through, "groupPermissions", "Groups", both, safe_columns=("id", "group", "permission")
        ),
    ]
    exclusions = [e for e in registry.exclusions if not e.table.startswith("auth_group")]
    monkeypatch.setattr(registry, "_sections", sections)
    monkeypatch.setattr(registry, "_exclusions", exclusions)
    editors = Group.objects.create(name="Editors")
    editors.permissions.set(Permission.objects.filter(codename__in=EDITS))
    kind = ContentType.objects.get_for_model(Project)
    licence = Licence.objects.create(permission=editors.permissions.get(codename=EDITS[0]))
    for project in Project.objects.order_by("pk")[:2]:
        Sticker.objects.create(on=project, kind=kind.pk, licence=licence)
    _log(User.objects.first(), kind)
    yield
    ContentType.objects.clear_cache()


def _log(user: User, kind: ContentType) -> None:
    LogEntry.objects.create(
        user=user, content_type=kind, object_id="1", object_repr="it", action_flag=ADDITION
    )


def _seen() -> dict[str, list]:
    """What the rows mean, whatever numbers they hold."""
    ContentType.objects.clear_cache()
    return {
        "editors": sorted(
            Group.objects.values_list("permissions__codename", "permissions__content_type__model")
        ),
        "stickers": [
            (type(s.on).__name__, s.object_id, _model(s.kind), s.licence.permission.codename)
            for s in Sticker.objects.order_by("object_id")
        ],
        "log": [
            entry.content_type and entry.content_type.model for entry in LogEntry.objects.all()
        ],
    }


def _model(number: int) -> str:
    return ContentType.objects.get(pk=number).model


MEANT = {
    "editors": [("change_project", "project"), ("view_project", "project")],
    "log": ["project"],
}


@pytest.mark.parametrize("scope", [SAFE, COMPLETE])
def test_rows_mean_the_same_in_a_database_that_counts_otherwise(groups, scope) -> None:
    before = _seen()
    assert before | MEANT == before and {s[0] for s in before["stickers"]} == {"Project"}
    file = stored(back_up(scope))
    count_otherwise()
    assert _seen() | MEANT == _seen()
    Group.objects.all().delete()
    Sticker.objects.all().delete()
    plan = plan_as(file)
    assert not plan.blocking
    restore_as(file, confirmed=plan)
    assert _seen() == before


def test_a_complete_file_brings_its_numbers_along(groups) -> None:
    """So numbers that stand in documents are right too."""
    before, rows = numbers(), rows_of_database()
    file = stored(back_up(COMPLETE))
    count_otherwise()
    assert numbers() != before
    restore_as(file)
    assert numbers() == before
    after = rows_of_database()
    for table in ("django_content_type", "auth_permission", "django_admin_log", *KEPT):
        assert after[table] == rows[table]


def test_a_safe_file_leaves_the_numbers_of_this_database_as_they_are(groups) -> None:
    file = stored(back_up(SAFE))
    count_otherwise()
    before = rows_of_database()
    plan = plan_as(file)
    assert codes(plan)["restore.numbers_translated"] == "notice"
    assert not {"django_content_type", "auth_permission"} & {t.table for t in plan.tables}
    restore_as(file, confirmed=plan)
    after = rows_of_database()
    for table in ("django_content_type", "auth_permission", "django_admin_log", *KEPT):
        assert after[table] == before[table]


def test_a_foreign_safe_file_is_translated_too(groups, tmp_path) -> None:
    file = foreign(stored(back_up(SAFE)), tmp_path / "f.json")
    before = _seen()
    count_otherwise()
    restore_as(file, accept_foreign=True)
    assert _seen() == before


@pytest.mark.parametrize(
    ("take_away", "scope"),
    [("translate_cells", SAFE), ("renumber_live", COMPLETE)],
)
def test_without_the_translation_things_are_swapped(groups, monkeypatch, take_away, scope) -> None:
    """The twin of the above: each of the two ways is what keeps the meaning."""
    before = _seen()
    file = stored(back_up(scope))
    count_otherwise()
    monkeypatch.setattr(numbers_sql, take_away, lambda *_, **__: 0)
    restore_as(file)
    assert _seen() != before


def test_what_has_no_translation_is_refused_by_name(groups) -> None:
    file = stored(back_up(SAFE))
    ContentType.objects.filter(app_label="studio", model="project").update(model="renamed")
    found = [f for f in plan_as(file).findings if f.code == "restore.no_translation"]
    assert {(f.table, str(f.severity)) for f in found} == {
        ("zoo_sticker", "error"),
        ("zoo_licence", "error"),
        ("auth_group_permissions", "error"),
    }
    said = " ".join(str(f.message) for f in found)
    assert "studio.project.change_project" in said and "django_content_type" in said
    before = rows_of_database()
    assert refusal(file) == "restore.no_translation"
    assert rows_of_database() == before


def test_a_number_that_the_list_does_not_explain_is_refused(groups, tmp_path) -> None:
    number = numbers()["studio", "project"]

    def forget(document) -> None:
        document.rows["contentTypes"] = [
            line for line in document.rows["contentTypes"] if f'"id":{number},'.encode() not in line
        ]

    file = ours(stored(back_up(SAFE)), tmp_path / "f.json", forget)
    assert codes(plan_as(file))["restore.no_translation"] == "error"


@pytest.mark.parametrize(("make", "severity"), [(ours, "warning"), (foreign, "error")])
@pytest.mark.parametrize("scope", [SAFE, COMPLETE])
def test_a_file_of_before_says_that_its_numbers_are_taken_as_they_are_or_is_refused(
    groups, tmp_path, make, severity, scope
) -> None:
    def as_of_before(document) -> None:
        for key in ("contentTypes", "permissions"):
            document.remove_section(key)

    file = make(stored(back_up(scope)), tmp_path / "f.json", as_of_before)
    before = numbers()
    plan = plan_as(file, accept_foreign=True)
    found = [f for f in plan.findings if f.code == "restore.numbers_unlisted"]
    assert {str(f.severity) for f in found} == {severity}
    assert {f.table for f in found} == KEPT - {"auth_group"}
    assert not {"django_content_type", "auth_permission"} & {t.table for t in plan.tables}
    if make is ours:
        restore_as(file)
        assert numbers() == before


def test_a_file_of_before_without_such_rows_says_nothing(studio, tmp_path) -> None:
    def as_of_before(document) -> None:
        for key in ("contentTypes", "permissions"):
            document.remove_section(key)

    file = foreign(studio.complete, tmp_path / "f.json", as_of_before)
    assert not {c for c in codes(plan_as(file, accept_foreign=True)) if "numbers" in c}


def test_the_log_follows_its_rule_where_the_model_has_gone(groups) -> None:
    """Its number is another model's after the restore, and must not come to mean that one."""
    file = stored(back_up(COMPLETE))
    count_otherwise()
    newer = ContentType.objects.create(app_label="newer", model="thing")
    _log(User.objects.first(), newer)
    plan = plan_as(file)
    log = next(t for t in plan.tables if t.table == "django_admin_log")
    assert (log.set_null, log.removed) == (1, 0)
    restore_as(file, confirmed=plan)
    assert sorted(map(str, _seen()["log"])) == ["None", "project"]


def test_what_django_makes_by_itself_is_made_again_after_an_older_file(groups, tmp_path) -> None:
    number = numbers()["zoo", "keeper"]

    def older(document) -> None:
        for key, name in (("contentTypes", "id"), ("permissions", "content_type_id")):
            document.rows[key] = [
                line for line in document.rows[key] if f'"{name}":{number},'.encode() not in line
            ]

    file = ours(stored(back_up(COMPLETE)), tmp_path / "f.json", older)
    run = restore_as(file)
    assert run.report["aftermath"]["problems"] == []
    assert ("zoo", "keeper") in numbers()
    assert Permission.objects.filter(content_type__model="keeper").count() == 4


def test_what_fails_of_that_is_on_the_report_and_undoes_nothing(groups, monkeypatch) -> None:
    def fail(*_, **__) -> None:
        raise RuntimeError

    monkeypatch.setattr(made_again, "_make", fail)
    run = restore_as(stored(back_up(COMPLETE)))
    assert run.state == "succeeded"
    assert any("Content types" in problem for problem in run.report["aftermath"]["problems"])


def test_sequences_go_on_behind_the_file_in_a_complete_restore_and_stay_in_a_safe_one(
    groups,
) -> None:
    files = {scope: stored(back_up(scope)) for scope in (SAFE, COMPLETE)}
    then = _next_number()
    for _ in range(3):
        _next_number()
    restore_as(files[SAFE])
    assert _next_number() == then + 4
    restore_as(files[COMPLETE])
    assert _next_number() == then


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('django_content_type', 'id'))")
        return int(cursor.fetchone()[0])


def test_another_process_forgets_what_it_remembers_once_a_restore_has_committed(groups) -> None:
    file = stored(back_up(COMPLETE))
    count_otherwise()
    other = Remembered()
    other.keep_up()
    kind = ContentType.objects.get_for_model(Project)
    restore_as(file)
    # As in a process that did not restore itself.
    ContentType.objects._add_to_cache(connection.alias, kind)
    assert ContentType.objects.get_for_model(Project).pk == kind.pk
    other.keep_up()
    assert (
        ContentType.objects.get_for_model(Project).pk == numbers()["studio", "project"] != kind.pk
    )


def test_tables_of_django_are_in_both_files_and_counted_apart(studio) -> None:
    for scope in (SAFE, COMPLETE):
        found = set(back_up(scope).statistics["sections"])
        assert found == {s.key for s in registry.in_scope(scope)}
        assert {s.key for s in registry.of_framework} == {"contentTypes", "permissions"} <= found
    report = restore_as(studio.complete).report
    assert set(report["framework"]) == {"contentTypes", "permissions"}
    assert set(report["sections"]) == {s.key for s in registry.of_project}


@pytest.fixture
def places(studio, monkeypatch):
    """A table as that of Django's sites: named by one column."""
    both = frozenset({SAFE, COMPLETE})
    changed: dict[type, dict[str, Any]] = {
        Target: {"natural_key": ("code",), "framework": True},
        Pointer: {"natural_key": ()},
    }
    sections = [
        replace(
            s,
            scopes=both,
            safe_columns=tuple(f.name for f in s.model._meta.local_fields),
            **changed[s.model],
        )
        if s.model in changed
        else s
        for s in registry.sections
    ]
    monkeypatch.setattr(registry, "_sections", sections)
    for code in ("north", "south"):
        Pointer.objects.create(deferred=Target.objects.create(code=code, part=1).pk)


def _pointed_to() -> list[str]:
    return [Target.objects.get(pk=p.deferred).code for p in Pointer.objects.order_by("pk")]


@pytest.mark.parametrize("scope", [SAFE, COMPLETE])
def test_a_table_with_a_name_of_one_column_is_translated_as_sites_are(places, scope) -> None:
    file = stored(back_up(scope))
    with writing() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("UPDATE zoo_target SET id = id + 1000")
        cursor.execute("UPDATE zoo_target SET id = 2001 + (SELECT min(id) FROM zoo_target) - id")
        cursor.execute("DELETE FROM zoo_pointer")
    restore_as(file)
    assert _pointed_to() == ["north", "south"]


def test_a_place_that_this_database_lacks_is_named(places) -> None:
    file = stored(back_up(SAFE))
    Target.objects.filter(code="south").update(code="west")
    (found,) = [f for f in plan_as(file).findings if f.code == "restore.no_translation"]
    assert (found.table, found.count) == ("zoo_pointer", 1)
    assert "south" in str(found.message)


def test_what_a_project_says_of_such_a_table_goes_before(studio) -> None:
    own = Registry()
    for made in (True, False):
        section = Section(ContentType, "kinds", "g", frozenset({COMPLETE}), framework=made)
        own.add_section(section)
        assert own.sections == (section,)
    assert own.of_framework == ()
