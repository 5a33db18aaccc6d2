"""A database that gives the same content types and permissions other numbers, as any other one does."""

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from tests.roundtrip.engine import writing

_AWAY = 100_000


def count_otherwise() -> None:
    """Turn the numbers round, the last one first, so that every one of them is another row's now."""
    _turn_round(ContentType._meta.db_table, ("zoo_sticker", "kind"))
    _turn_round(Permission._meta.db_table, ("zoo_sticker", "licence_id"))
    ContentType.objects.clear_cache()


def _turn_round(table: str, *further: tuple[str, str]) -> None:
    """``further``: columns that hold the same numbers, by no key of the database that leads there."""
    with writing() as cursor:
        cursor.execute(
            "SELECT k.conrelid::regclass::text, a.attname FROM pg_constraint k JOIN pg_attribute a"
            " ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]"
            " WHERE k.contype = 'f' AND k.confrelid = %s::regclass",
            [table],
        )
        columns = [(table, "id"), *cursor.fetchall(), *further]
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(f"SELECT min(id) + max(id) FROM {table}")
        (total,) = cursor.fetchone()
        for name, column in columns:
            cursor.execute(f"UPDATE {name} SET {column} = {column} + {_AWAY}")
            cursor.execute(f"UPDATE {name} SET {column} = {total} + {_AWAY} - {column}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def numbers() -> dict[tuple[str, str], int]:
    """Today's number of each content type, past every cache."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT app_label, model, id FROM django_content_type")
        return {(app, model): number for app, model, number in cursor.fetchall()}
