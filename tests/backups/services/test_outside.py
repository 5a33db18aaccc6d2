"""What lies beside the tables that models find by name: each kind is listed with its schema, and can be
excluded by schema and name."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from django.db import connection, models

from backups.database import introspection
from backups.errors import ConfigurationError
from backups.findings import Finding
from backups.registry import COMPLETE, Registry, exclude, registry, section
from backups.services import coverage
from tests.databases import superuser
from tests.roundtrip.engine import back_up

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders")]

OUTSIDE = """
CREATE SCHEMA drill_archive;
CREATE TABLE drill_archive.orders (id int);
CREATE UNLOGGED TABLE drill_archive.fast (id int);
CREATE TABLE drill_archive.child () INHERITS (public.studio_tag);
CREATE TABLE drill_archive."Odd "".name" (id int);
CREATE SEQUENCE drill_archive.invoices;
CREATE MATERIALIZED VIEW drill_archive.derived AS SELECT 1;
CREATE TABLE drill_archive.owner (id serial);
SELECT lo_create(4711);
"""
GONE = "DROP SCHEMA drill_archive CASCADE; SELECT lo_unlink(4711);"
NAMES = ['Odd ".name', "child", "fast", "orders", "owner"]


@pytest.fixture
def outside() -> Iterator[None]:
    with _made(OUTSIDE, GONE):
        yield


@contextmanager
def _made(there: str, gone: str, *, by: Callable[[str], None] | None = None) -> Iterator[None]:
    run = by or _run
    run(there)
    try:
        yield
    finally:
        run(gone)


def _run(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)


def _run_as_superuser(statements: str) -> None:
    with closing(superuser()) as session, session, session.cursor() as cursor:
        cursor.execute(statements)


def _also(*exclusions: tuple[str, str]) -> Registry:
    """The project's declarations, and these exclusions of (schema, name)."""
    own = Registry()
    for known in registry.sections:
        own.add_section(known)
    for one in registry.exclusions:
        own.add_exclusion(one)
    for schema, name in exclusions:
        exclude(name, schema=schema, because="somebody else's", to=own)
    return own


def found(declared: Registry = registry) -> list[Finding]:
    return list(coverage.report(declared).findings)


def said(declared: Registry = registry) -> dict[str, list[str]]:
    codes: dict[str, list[str]] = {}
    for finding in found(declared):
        codes.setdefault(finding.code, []).append(finding.table)
    return codes


@pytest.mark.usefixtures("outside")
def test_tables_of_other_schemas_are_listed_with_their_schema():
    assert said() == {
        "backups.E104": [f"drill_archive.{name}" for name in NAMES],
        "backups.E107": ["pg_catalog.pg_largeobject"],
        "backups.W008": ["drill_archive.invoices"],
    }


@pytest.mark.usefixtures("outside")
def test_each_is_excluded_by_schema_and_name_as_the_hint_says():
    objections = found()
    assert all('schema="' in finding.hint for finding in objections)
    names = [finding.table.split(".", 1) for finding in objections]
    assert said(_also(*((schema, name) for schema, name in names))) == {}


@pytest.mark.usefixtures("outside")
def test_a_whole_schema_can_be_excluded():
    own = _also(("drill_archive", "*"), ("pg_catalog", "pg_largeobject"))
    assert said(own) == {}


@pytest.mark.usefixtures("outside")
def test_a_bare_name_excludes_nothing_in_another_schema():
    own = Registry()
    for one in registry.sections:
        own.add_section(one)
    for known in registry.exclusions:
        own.add_exclusion(known)
    exclude("orders", because="another table of this name", to=own)
    assert "drill_archive.orders" in said(own)["backups.E104"]


def test_large_objects_are_counted():
    with _made(
        "SELECT lo_create(1), lo_create(2), lo_create(3)",
        "SELECT lo_unlink(1), lo_unlink(2), lo_unlink(3)",
    ):
        (finding,) = found()
    assert (finding.code, finding.count) == ("backups.E107", 3)


def test_excluded_large_objects_let_a_backup_be_made(monkeypatch):
    own = _also(("pg_catalog", "pg_largeobject"))
    with _made("SELECT lo_create(4711)", "SELECT lo_unlink(4711)"):
        monkeypatch.setattr("backups.services.composing.registry", own)
        assert back_up(COMPLETE).artifact


FOREIGN = """
CREATE FOREIGN DATA WRAPPER drill_wrapper; CREATE SERVER drill_server FOREIGN DATA WRAPPER drill_wrapper;
CREATE FOREIGN TABLE public.drill_far (id int) SERVER drill_server;
CREATE FOREIGN TABLE public.studio_gat (id int) SERVER drill_server
"""


def test_rows_on_another_server_are_a_warning():
    with _made(FOREIGN, "DROP FOREIGN DATA WRAPPER drill_wrapper CASCADE", by=_run_as_superuser):
        assert said() == {"backups.W007": ["public.drill_far", "public.studio_gat"]}
        own = _also(("public", "drill_far"), ("public", "*"))
        assert said(own) == {}
        assert coverage.report().is_covered


def test_a_view_in_place_of_a_model_s_table_is_told_as_that():
    there = "ALTER TABLE studio_tag RENAME TO studio_gat; CREATE VIEW studio_tag AS SELECT * FROM studio_gat"
    gone = "DROP VIEW studio_tag; ALTER TABLE studio_gat RENAME TO studio_tag"
    with _made(there, gone):
        codes = said()
    assert codes == {"backups.E101": ["studio_gat"], "backups.E109": ["studio_tag"]}


def test_a_table_that_the_account_may_not_read_is_named():
    account = connection.ops.quote_name(connection.settings_dict["USER"])
    there = f"REVOKE SELECT ON studio_tag FROM {account}"
    with _made(there, f"GRANT SELECT ON studio_tag TO {account}"):
        assert said() == {"backups.E108": ["public.studio_tag"]}
        with pytest.raises(ConfigurationError, match=r"may not read the table public\.studio_tag"):
            back_up(COMPLETE)


@pytest.fixture
def elsewhere_only() -> Iterator[Registry]:
    """A model of a table that only another kind of database has."""
    meta = {"app_label": "studio", "required_db_vendor": "oracle", "db_table": "drill_oracle"}
    model = type(
        "DrillOracle",
        (models.Model,),
        {"__module__": __name__, "Meta": type("Meta", (), meta)},
    )
    own = _also()
    section(model, key="drillOracle", group="Other", scopes={COMPLETE}, to=own)
    yield own
    del model._meta.apps.all_models["studio"]["drilloracle"]
    model._meta.apps.clear_cache()


def test_a_model_that_this_server_cannot_have_needs_no_table(elsewhere_only, monkeypatch):
    (finding,) = found(elsewhere_only)
    assert (finding.code, finding.table) == ("backups.W009", "drill_oracle")
    assert not finding.blocking and "migrate" not in finding.hint
    monkeypatch.setattr("backups.services.composing.registry", elsewhere_only)
    run = back_up(COMPLETE)
    assert "drillOracle" not in run.statistics["sections"]


def test_features_are_asked_of_this_server(elsewhere_only):
    meta = elsewhere_only.by_key()["drillOracle"].model._meta
    meta.required_db_vendor, meta.required_db_features = "postgresql", {"supports_oracle_magic"}
    assert [finding.code for finding in found(elsewhere_only)] == ["backups.W009"]
    meta.required_db_features = {"supports_transactions"}
    assert [finding.code for finding in found(elsewhere_only)] == ["backups.E103"]


def test_the_server_s_own_schema_holds_no_tables_of_ours_where_the_search_path_names_it(
    monkeypatch,
):
    with _made(
        "ALTER ROLE CURRENT_USER SET search_path = pg_catalog, public",
        "ALTER ROLE CURRENT_USER RESET search_path",
    ):
        assert said() == {}
        without = introspection._TABLES.replace(
            "array_remove(current_schemas(false), 'pg_catalog')", "current_schemas(false)"
        )
        monkeypatch.setattr(introspection, "_TABLES", without)
        assert "pg_class" in said()["backups.E101"]
