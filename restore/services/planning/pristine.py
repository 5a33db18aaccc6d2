"""Whether this installation has data of its own.

It has none as long as every table that is backed up is empty, but for the tables of Django itself and for
one account: that of whoever restores. The rules for foreign files protect what is here; where nothing is,
they would only keep people from what is theirs.
"""

from backups.database.connection import Connection
from backups.registry import registry
from restore.database import questions
from restore.database.attempts import attempt
from restore.services.planning.staging import Prepared

# A table that may not be read: nobody knows what is in it.
_REFUSED = ("42",)


def is_new(connection: Connection, prepared: Prepared) -> bool:
    """Asked anew with each plan, and so under the locks of the restore too. One table after the other, so
    that where there are data no more is locked than the first of them."""
    for section in registry.sections:
        table = prepared.tables.get(section.table)
        if section.framework or table is None:
            continue
        found: list[bool] = []
        allowed = 1 if section.accounts else 0

        def question() -> None:
            found.append(questions.has_more_than(connection, table, allowed))  # noqa: B023

        if not attempt(connection, question, _REFUSED) or found[0]:
            return False
    return True
