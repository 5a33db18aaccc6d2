"""The drill: whatever is new and not declared is refused by check, by coverage and by each backup."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.checks import WARNING
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connection, models
from django.db.models.functions import Lower

from backups import checks
from backups.errors import ConfigurationError
from backups.registry import SAFE, registry
from backups.services import coverage
from backupsvc.studio.models import Organization, User
from restore import migrations
from tests.databases import superuser
from tests.roundtrip.engine import back_up

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders")]


def kinds() -> dict[str, models.Field]:
    """A column of each kind, which a Safe file would have to keep or to leave out."""
    return {
        "drill_text": models.TextField(default=""),
        "drill_char": models.CharField(max_length=9, default=""),
        "drill_integer": models.IntegerField(default=0),
        "drill_boolean": models.BooleanField(default=False),
        "drill_decimal": models.DecimalField(max_digits=9, decimal_places=2, default=0),
        "drill_moment": models.DateTimeField(null=True),
        "drill_duration": models.DurationField(null=True),
        "drill_json": models.JSONField(null=True),
        "drill_array": ArrayField(models.TextField(), null=True),
        "drill_uuid": models.UUIDField(null=True),
        "drill_bytes": models.BinaryField(null=True),
        "drill_file": models.FileField(),
        "drill_person": models.ForeignKey(User, models.SET_NULL, null=True, related_name="+"),
        "drill_single": models.OneToOneField(User, models.SET_NULL, null=True, related_name="+"),
        "drill_computed": models.GeneratedField(
            expression=Lower("name"), output_field=models.TextField(), db_persist=True
        ),
    }


@contextmanager
def new_columns() -> Iterator[None]:
    """The organisations' table and model get a column of each kind, and lose them again."""
    added = kinds()
    for name, field in added.items():
        Organization.add_to_class(name, field)
    with connection.schema_editor() as editor:
        for field in added.values():
            editor.add_field(Organization, field)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            for field in reversed(added.values()):
                editor.remove_field(Organization, field)
        for name, field in added.items():
            Organization._meta.local_fields.remove(field)
            delattr(Organization, name)
        apps.clear_cache()


@contextmanager
def new_model() -> Iterator[None]:
    meta = type("Meta", (), {"app_label": "studio"})
    model = type("Drilled", (models.Model,), {"__module__": __name__, "Meta": meta})
    with _of_the_studio(model):
        yield


@contextmanager
def new_relation_to_many() -> Iterator[None]:
    field = models.ManyToManyField(User, related_name="+")
    Organization.add_to_class("drill_people", field)
    try:
        with _of_the_studio(field.remote_field.through):
            yield
    finally:
        Organization._meta.local_many_to_many.remove(field)
        del Organization.drill_people
        apps.clear_cache()


@contextmanager
def _of_the_studio(model: Any) -> Iterator[None]:
    """A model's table while the block lasts; afterwards Django forgets the model."""
    with connection.schema_editor() as editor:
        editor.create_model(model)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(model)
        del apps.all_models["studio"][model._meta.model_name]
        apps.clear_cache()


@contextmanager
def _sql(there: str, gone: str, by: Any = connection.cursor) -> Iterator[None]:
    with by() as cursor:
        cursor.execute(there)
    try:
        yield
    finally:
        with by() as cursor:
            cursor.execute(gone)


@contextmanager
def _superuser() -> Iterator[Any]:
    with closing(superuser()) as session, session, session.cursor() as cursor:
        yield cursor


def bare_table():
    return _sql("CREATE TABLE drill_bare (id int)", "DROP TABLE drill_bare")


def bare_column():
    alter = "ALTER TABLE studio_organization"
    return _sql(f"{alter} ADD COLUMN drill text", f"{alter} DROP COLUMN drill")


def other_schema():
    return _sql(
        "CREATE SCHEMA drill_archive; CREATE TABLE drill_archive.orders (id int);"
        " CREATE VIEW drill_archive.seen AS SELECT 1;"
        " CREATE TABLE drill_archive.parts (id int) PARTITION BY RANGE (id);"
        " CREATE TABLE drill_archive.part PARTITION OF drill_archive.parts DEFAULT",
        "DROP SCHEMA drill_archive CASCADE",
    )


def hidden_table():
    """A second schema on the search path, as the account's own schema is by default."""
    own = connection.ops.quote_name(connection.settings_dict["USER"])
    return _sql(
        f"CREATE SCHEMA AUTHORIZATION CURRENT_USER; ALTER TABLE studio_tag SET SCHEMA {own};"
        " CREATE TABLE public.studio_tag (id int)",
        f"DROP TABLE public.studio_tag; ALTER TABLE {own}.studio_tag SET SCHEMA public;"
        f" DROP SCHEMA {own}",
    )


def rows_of_ours_in_an_extension():
    """As PostGIS has them: its own rows, and those that somebody added."""
    return _sql(
        "CREATE TABLE public.drill_known (id int, ours boolean);"
        " INSERT INTO public.drill_known VALUES (1, true), (2, false), (3, true);"
        " CREATE TABLE public.drill_still AS SELECT 1; GRANT SELECT ON public.drill_known TO public;"
        " ALTER EXTENSION plpgsql ADD TABLE public.drill_known;"
        " ALTER EXTENSION plpgsql ADD TABLE public.drill_still;"
        " UPDATE pg_extension SET extconfig = ARRAY['public.drill_known'::regclass::oid],"
        " extcondition = ARRAY['WHERE ours'] WHERE extname = 'plpgsql'",
        "UPDATE pg_extension SET extconfig = NULL, extcondition = NULL WHERE extname = 'plpgsql';"
        " ALTER EXTENSION plpgsql DROP TABLE public.drill_known;"
        " ALTER EXTENSION plpgsql DROP TABLE public.drill_still;"
        " DROP TABLE public.drill_known, public.drill_still",
        by=_superuser,
    )


def large_objects():
    return _sql(
        "SELECT lo_from_bytea(4711, 'content'); SELECT lo_create(4712)",
        "SELECT lo_unlink(4711), lo_unlink(4712)",
    )


News = Callable[[], Any]
DRILLS: list[tuple[News, str, int]] = [
    (new_model, "backups.E001", 1),
    (new_relation_to_many, "backups.E001", 1),
    (new_columns, "backups.E002", len(kinds())),
    (bare_table, "backups.E101", 1),
    (bare_column, "backups.E102", 1),
    (other_schema, "backups.E104", 2),
    (hidden_table, "backups.E105", 1),
    (rows_of_ours_in_an_extension, "backups.E106", 1),
    (large_objects, "backups.E107", 1),
]
# A new file field is a column that nobody decided on, and files that nobody did.
ALSO: dict[News, list[str]] = {new_columns: ["backups.E020"]}
drilled = pytest.mark.parametrize(
    ("news", "code", "count"), DRILLS, ids=lambda v: getattr(v, "__name__", v)
)


def check() -> list[str]:
    """The ids of the errors that ``manage.py check --database default`` ends with."""
    try:
        call_command("check", databases=["default"], stderr=StringIO())
    except SystemCheckError as refused:
        return re.findall(r"\((backups\.E\d+)\)", str(refused))
    return []


@drilled
def test_check_refuses_what_nobody_declared(news: News, code: str, count: int):
    with news():
        assert sorted(check()) == sorted([code] * count + ALSO.get(news, []))
    assert check() == []


@drilled
def test_coverage_says_so_and_exits_with_1(news: News, code: str, count: int):
    said = StringIO()
    with news(), pytest.raises(SystemExit) as ended:
        call_command("backup_coverage", "--check", "--format=json", stdout=said)
    assert ended.value.code == 1
    assert said.getvalue().count(f'"code": "{code}"') == count
    call_command("backup_coverage", "--check", stdout=StringIO())


@drilled
def test_each_backup_is_refused(news: News, code: str, count: int):
    with news(), pytest.raises(ConfigurationError) as refused:
        back_up(SAFE)
    assert refused.value.code == "coverage.uncovered"
    assert code in refused.value.message


def migrated() -> str:
    """What ``manage.py migrate`` says on its way."""
    told = StringIO()
    call_command("migrate", stdout=StringIO(), stderr=told, skip_checks=False)
    return told.getvalue()


@pytest.mark.parametrize("news", [bare_table, bare_column, other_schema, large_objects])
def test_migrate_only_warns_of_what_a_migration_may_mend(news: News):
    with news():
        told = migrated()
    assert "WARNINGS" in told
    assert re.search(r"backups\.E10[1247]", told)


def test_without_that_softness_the_migration_could_not_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks, "is_migrating", lambda: False)
    with bare_table(), pytest.raises(SystemCheckError):
        migrated()


def test_another_app_s_version_of_migrate_is_told_apart_from_other_commands():
    class Theirs(MigrateCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            told.append(checks.is_migrating())

    told: list[bool] = []
    call_command(Theirs())
    assert told == [True]
    assert not checks.is_migrating()


def test_where_migrations_wait_the_database_s_findings_are_warnings():
    newest = max(path.stem for path in Path(migrations.__path__[0]).glob("0*.py"))
    last = f"DELETE FROM django_migrations WHERE app = 'restore' AND name = '{newest}'"
    again = (
        f"INSERT INTO django_migrations (app, name, applied) VALUES ('restore', '{newest}', now())"
    )
    with bare_table():
        assert check() == ["backups.E101"]
        with _sql(last, again):
            assert check() == []
            (message,) = checks.check_database(databases=["default"])
            assert (message.id, message.level) == ("backups.E101", WARNING)


def test_migrate_says_nothing_of_the_tables_that_it_is_about_to_make():
    rename = "ALTER TABLE {} RENAME TO {}"
    there, gone = ("studio_tag", "studio_gat"), ("studio_gat", "studio_tag")
    with _sql(rename.format(*there), rename.format(*gone)):
        assert "backups.E103" not in migrated()


@drilled
def test_without_the_rules_nobody_would_have_noticed(
    news: News, code: str, count: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checks, "check_registry", lambda *_: [])
    monkeypatch.setattr(coverage, "check_registry", lambda *_: [])
    monkeypatch.setattr(coverage, "drift", lambda *_: [])
    with news():
        assert check() == []
        call_command("backup_coverage", "--check", stdout=StringIO())


def test_a_table_that_is_excluded_by_name_may_be_there(monkeypatch: pytest.MonkeyPatch):
    excluded = registry.excluded_tables() | {"drill_bare"}
    monkeypatch.setattr(type(registry), "excluded_tables", lambda _: excluded)
    with bare_table():
        assert check() == []


def test_without_a_database_only_the_declarations_are_asked():
    with bare_table():
        call_command("check", stderr=StringIO())


def test_every_finding_stands_beside_the_table_that_it_is_about():
    with bare_table():
        (message,) = checks.check_database(databases=["default"])
    assert (message.obj, message.id) == ("drill_bare", "backups.E101")
    assert message.hint
