"""The door by which tests change and empty the audit trail, which the database otherwise refuses."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from backups import conf
from backups.database.audit_chain import TABLE

_AT_THE_END = "backups_audit_queue, backups_audit_link"


@contextmanager
def opened() -> Iterator[None]:
    """The trail is a table as any other for the length of the block, for this session alone."""
    with transaction.atomic(), connection.cursor() as cursor:
        # What waits for the transaction's end keeps triggers from being switched.
        cursor.execute(f"SET CONSTRAINTS {_AT_THE_END} IMMEDIATE")
        cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
        yield
        cursor.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER USER")
        cursor.execute(f"SET CONSTRAINTS {_AT_THE_END} DEFERRED")


@contextmanager
def open_for_all() -> Iterator[None]:
    """The same for every session, with what is committed in between."""
    _switch("DISABLE")
    try:
        yield
    finally:
        _switch("ENABLE")


def _switch(how: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} {how} TRIGGER USER")


def forget_the_head() -> None:
    """What was noted outside of a trail that is no more."""
    conf.audit_head_file().unlink(missing_ok=True)
