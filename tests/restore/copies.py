"""``become`` of ``tests.databases``, also while the server itself is at work in the database.

Autovacuum is a superuser's, so we may not end it by force; a drop without force asks it to leave.
"""

import psycopg2
from django.db import connections
from psycopg2 import sql

from tests import databases


def become(name: str) -> None:
    """Make the database under test a copy of a prepared one."""
    try:
        databases.become(name)
    except psycopg2.errors.InsufficientPrivilege:
        current = sql.Identifier(str(connections["default"].settings_dict["NAME"]))
        databases.on_server(sql.SQL("DROP DATABASE {}").format(current))
        databases.on_server(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                current, sql.Identifier(f"{current.strings[0]}_{name}")
            )
        )
