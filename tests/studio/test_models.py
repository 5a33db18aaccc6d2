"""Every one of the 933 columns is what columns.csv says, in the models and in the database."""

import pytest
from django.apps import apps
from django.db import connection

from tests.studio import facts
from tests.studio.description import described

TABLES = facts.tables()
COLUMNS = facts.columns()

DATABASE_TYPES = {
    "text": "text",
    "choice": "text",
    "reference": "text",
    "timestamp": "timestamp with time zone",
    "boolean": "boolean",
    "integer": "integer",
    "double": "double precision",
    "decimal": "numeric(65, 30)",
    "json": "jsonb",
    "array of text": "text[]",
    "array of choice": "text[]",
}


def expected(column):
    """A row of the file, as far as a model can know it."""
    facts_known = {key: column[key] for key in described_keys()}
    if column["kind"].startswith("array") and not facts_known["default"]:
        facts_known["default"] = "[]"  # an array that is never NULL starts empty
    return facts_known


def described_keys():
    return ("column", "kind", "null", "references", "on_delete", "unique", "default", "choices")


def differences(model_name, columns):
    """Sentences on where the model and the facts disagree."""
    model = apps.get_model("studio", model_name)
    actual = {field.column: described(field) for field in model._meta.local_fields}
    wanted = {column["column"]: expected(column) for column in columns}
    found = [f"{name} is missing" for name in wanted.keys() - actual.keys()]
    found += [f"{name} is not among the facts" for name in actual.keys() - wanted.keys()]
    for name in wanted.keys() & actual.keys():
        for key, value in wanted[name].items():
            if actual[name][key] != value:
                found.append(f"{name}: {key} is {actual[name][key]!r}, not {value!r}")
    return found


def test_the_facts_are_whole():
    assert len(TABLES) == 82
    assert sum(map(len, COLUMNS.values())) == 933
    assert [row["model"] for row in TABLES] == list(COLUMNS)


def test_the_studio_has_these_tables_and_no_other():
    models = apps.get_app_config("studio").get_models(include_auto_created=True)
    assert {model.__name__ for model in models} == set(COLUMNS)


@pytest.mark.parametrize("model_name", COLUMNS)
def test_columns_are_as_the_facts_say(model_name):
    assert differences(model_name, COLUMNS[model_name]) == []


@pytest.mark.parametrize("model_name", COLUMNS)
def test_columns_stand_in_the_order_of_the_facts(model_name):
    model = apps.get_model("studio", model_name)
    assert [f.column for f in model._meta.local_fields] == [
        column["column"] for column in COLUMNS[model_name]
    ]


@pytest.mark.parametrize(
    ("model_name", "column", "key", "value"),
    [
        ("User", "password", "null", "no"),
        ("User", "email", "unique", ""),
        ("User", "role", "choices", "OWNER ADMIN"),
        ("User", "role", "default", "VIEWER"),
        ("User", "approved_by", "kind", "reference"),
        ("Project", "client_id", "on_delete", "cascade"),
        ("Project", "client_id", "references", "User"),
        ("Stage", "assigned_to", "column", "assigned_to_id"),
        ("Asset", "comment_id", "kind", "reference"),
        ("CadPreferences", "margins", "default", "{}"),
        ("Room", "updated_at", "default", "now"),
        ("VerificationToken", "token", "default", "made by the application"),
        ("ProjectUpdate", "actual_cost", "kind", "double"),
        ("SpecBookSection", "rendering_urls", "kind", "array of choice"),
    ],
)
def test_a_changed_fact_is_noticed(model_name, column, key, value):
    columns = [dict(row) for row in COLUMNS[model_name]]
    next(row for row in columns if row["column"] == column)[key] = value
    assert differences(model_name, columns) != []


def test_a_column_too_many_or_too_few_is_noticed():
    assert differences("Client", COLUMNS["Client"][:-1]) == ["company is not among the facts"]
    extra = {**COLUMNS["Client"][-1], "column": "fax"}
    assert differences("Client", [*COLUMNS["Client"], extra]) == ["fax is missing"]


@pytest.mark.parametrize("row", TABLES, ids=lambda row: row["model"])
def test_what_is_unique_together_is_as_the_facts_say(row):
    opts = apps.get_model("studio", row["model"])._meta
    pairs = [
        "+".join(opts.get_field(name).column for name in constraint.fields)
        for constraint in opts.constraints
    ]
    assert pairs == ([row["unique_together"]] if row["unique_together"] else [])


@pytest.mark.parametrize("model_name", COLUMNS)
def test_field_types_are_those_of_the_database(model_name):
    model = apps.get_model("studio", model_name)
    for column in COLUMNS[model_name]:
        field = model._meta.get_field(facts.field_name(column))
        assert field.db_type(connection) == DATABASE_TYPES[column["kind"]], column["column"]


@pytest.mark.django_db
@pytest.mark.parametrize("row", TABLES, ids=lambda row: row["model"])
def test_the_migrated_table_is_as_the_facts_say(row):
    columns = COLUMNS[row["model"]]
    table = apps.get_model("studio", row["model"])._meta.db_table
    with connection.cursor() as cursor:
        actual = connection.introspection.get_table_description(cursor, table)
        relations = connection.introspection.get_relations(cursor, table)
        constraints = connection.introspection.get_constraints(cursor, table).values()
    assert {c.name: c.null_ok for c in actual} == {c["column"]: c["null"] == "yes" for c in columns}
    assert {name: target for name, (_, target) in relations.items()} == {
        c["column"]: f"studio_{c['references'].lower()}" for c in columns if c["references"]
    }
    unique = {tuple(c["columns"]) for c in constraints if c["unique"] and not c["primary_key"]}
    wanted = {(c["column"],) for c in columns if c["unique"] and c["note"] != "the primary key"}
    if row["unique_together"]:
        wanted.add(tuple(row["unique_together"].split("+")))
    assert unique == wanted


@pytest.mark.django_db
def test_migrations_are_complete():
    from django.core.management import call_command

    call_command("makemigrations", "studio", check=True, dry_run=True, verbosity=0)


def test_ids_and_tokens_do_not_repeat():
    for model_name, column in [
        ("Room", "id"),
        ("Approval", "token"),
        ("PhaseAccessToken", "token"),
    ]:
        field = apps.get_model("studio", model_name)._meta.get_field(column)
        assert len({field.get_default() for _ in range(100)}) == 100
