"""Emptying the database after a test with real commits: only what the test filled, where that is little.

Django empties every table and makes permissions and groups anew, which takes longer than most tests.
"""

from contextlib import nullcontext

from django.db import IntegrityError, connections, transaction
from django.test import TransactionTestCase
from psycopg2 import sql

from backups.database.audit_chain import TABLE as AUDIT
from tests import audit_door

# What an empty database holds after its migrations: left alone where it is as it was.
_GIVEN = ("auth_group", "auth_group_permissions", "auth_permission", "django_content_type")
_KEPT = {*_GIVEN, "django_migrations"}
_MANY = 2000
_setup = TransactionTestCase._fixture_setup.__func__  # type: ignore[attr-defined]
_teardown = TransactionTestCase._fixture_teardown
_before = {"given": "", "keys": "0"}


def teach_django() -> None:
    """From here on tests with real commits are emptied so."""

    def set_up(case: type[TransactionTestCase]) -> None:
        _setup(case)
        _before.update(given=_given(), keys=_keys())

    def tear_down(case: TransactionTestCase) -> None:
        if not _emptied():
            with audit_door.open_for_all():
                _teardown(case)
        audit_door.forget_the_head()
        left = _keys() if _before["keys"] else ""
        assert left == _before["keys"], "the test left tables without their foreign keys"

    TransactionTestCase._fixture_setup = classmethod(set_up)  # type: ignore[method-assign, assignment]
    TransactionTestCase._fixture_teardown = tear_down  # type: ignore[method-assign]


def forget_the_keys() -> None:
    """The database is another one from here on: how many keys the last had says nothing of it."""
    _before["keys"] = ""


def _emptied() -> bool:
    """Whether it sufficed to delete what little there is."""
    filled = _filled()
    if sum(filled.values()) > _MANY or _given() != _before["given"]:
        return False
    try:
        with transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            for table in filled:
                delete = sql.SQL("DELETE FROM {}").format(sql.Identifier(table))
                with audit_door.opened() if table == AUDIT else nullcontext():
                    cursor.cursor.execute(delete)
    except IntegrityError:  # a key that is not put off to the end
        return False
    return True


def _filled() -> dict[str, int]:
    """How many rows each table has; those without are left out."""
    tables = connections["default"].introspection.django_table_names()
    names = (set(tables) - _KEPT) & _with_pages()
    if not names:
        return {}
    counts = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}, count(*) FROM {}").format(sql.Literal(name), sql.Identifier(name))
        for name in sorted(names)
    )
    with connections["default"].cursor() as cursor:
        cursor.cursor.execute(
            sql.SQL("SELECT * FROM ({}) AS t (name, rows) WHERE rows > 0").format(counts)
        )
        return dict(cursor.fetchall())


def _with_pages() -> set[str]:
    """Tables that are there and may hold rows. Most have not a single page, and to count the rows of each
    takes longer than to ask that."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'f', 'v', 'm')"
            " AND relnamespace <> 'pg_catalog'::regnamespace AND pg_table_is_visible(oid)"
            " AND (relkind <> 'r' OR relhassubclass OR pg_relation_size(oid) > 0)"
        )
        return {name for (name,) in cursor.fetchall()}


def _given() -> str:
    return _one(
        "SELECT concat_ws(' ', {})".format(
            ", ".join(
                f"(SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM {table} AS t)"
                for table in _GIVEN
            )
        )
    )


def _keys() -> str:
    return _one("SELECT count(*) FROM pg_constraint WHERE contype = 'f'")


def _one(question: str) -> str:
    with connections["default"].cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])
