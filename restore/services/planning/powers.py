"""What the server would refuse a restore whatever is in the file, as findings."""

from collections.abc import Iterator

from backups.database import introspection
from backups.database.connection import Connection
from backups.findings import Finding, Severity
from backups.wording import _
from restore.database import powers
from restore.database.powers import Foreign
from restore.services.planning.following import tables_held, touching
from restore.services.planning.staging import Prepared


def findings(connection: Connection, file: Prepared) -> Iterator[Finding]:
    """Rights, locks and event triggers. The caller's transaction is rolled back."""
    tables = tables_held(file)
    keys = touching({table.name for table in tables}, file.keys)
    for foreign in powers.of_others(connection, tables, keys):
        yield _of_another(foreign)
    written = {table.name for table in file.matched.written}
    numbers = [s for s in introspection.live_sequences(connection) if s.table in written]
    for foreign in powers.sequences_of_others(connection, numbers):
        yield _of_another(foreign)
    locks = powers.locks_for(connection, tables)
    if not locks.fit:
        yield Finding(
            "restore.locks",
            Severity.ERROR,
            _(
                "The restore takes {needed} locks, and the server has room for {room}"
                " (max_locks_per_transaction is {setting}).",
                needed=locks.needed,
                room=locks.room,
                setting=locks.setting,
            ),
            _(
                "Set max_locks_per_transaction to {wanted} or more and restart the database server.",
                wanted=locks.wanted_setting,
            ),
        )
    yield from _event_triggers(connection)


def _event_triggers(connection: Connection) -> Iterator[Finding]:
    names = powers.event_triggers(connection)
    if not names:
        return
    allowed = powers.may_alter_tables(connection)
    yield Finding(
        "restore.event_trigger",
        Severity.NOTICE if allowed else Severity.ERROR,
        _("Event triggers act when tables are altered: {names}.", names=", ".join(names))
        if allowed
        else _(
            "An event trigger forbids that tables are altered: {names}.", names=", ".join(names)
        ),
        _("What they do, they do during the restore too.")
        if allowed
        else _("Let a superuser disable it for the restore: ALTER EVENT TRIGGER … DISABLE."),
    )


def _of_another(foreign: Foreign) -> Finding:
    said = {"name": foreign.name, "owner": foreign.owner}
    return Finding(
        "restore.not_owner",
        Severity.ERROR,
        _(
            "The table {name} belongs to the database role {owner}, and only its owner may empty it and"
            " take its rules off.",
            **said,
        )
        if foreign.kind == "table"
        else _(
            "The sequence {name} belongs to the database role {owner}, and only its owner may set it.",
            **said,
        ),
        _("Run the application with that role, or give it to the application's account."),
        table=foreign.name,
    )
