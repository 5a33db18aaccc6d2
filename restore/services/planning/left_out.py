"""What a Safe file leaves out of cells: the content of files that stand in the row as ``data:`` addresses."""

from collections.abc import Callable, Iterator

from backups.database.connection import Connection
from backups.database.introspection import LiveTable, Source
from backups.findings import Finding, Severity
from backups.wording import _, ngettext
from restore.database.left_out import count_emptied
from restore.services.planning.following import identity_of
from restore.services.planning.staging import Prepared


def findings(
    connection: Connection, prepared: Prepared, current: Callable[[LiveTable], Source]
) -> Iterator[Finding]:
    """Per table, how many rows keep the file that they hold now, and how many come back without one.

    ``current`` yields the rows of now."""
    for target in prepared.matched.targets:
        name = target.table.name
        if not target.content_left_out or name in prepared.unread:
            continue
        identity = identity_of(prepared, target.reading.section)
        rows, missing = count_emptied(
            connection, prepared.waiting[name], current(target.table), identity
        )
        if rows - missing:
            yield _kept(name, rows - missing)
        if missing:
            yield _missing(name, missing)


def _kept(table: str, count: int) -> Finding:
    return Finding(
        "restore.content_kept",
        Severity.WARNING,
        ngettext(
            "{n} row of {table} held a file in the row itself (a data: address), which a Safe file leaves"
            " out; the current cell stays as it is.",
            "{n} rows of {table} held a file in the row itself (a data: address), which a Safe file leaves"
            " out; the current cells stay as they are.",
            count,
            table=table,
        ),
        _("Nothing to do. A Complete backup holds what was there."),
        table=table,
        count=count,
    )


def _missing(table: str, count: int) -> Finding:
    return Finding(
        "restore.content_missing",
        Severity.WARNING,
        ngettext(
            "{n} row of {table} comes back without the file that it held in itself (a data: address): the"
            " row does not exist now, and a Safe file leaves the content out.",
            "{n} rows of {table} come back without the file that they held in themselves (a data: address):"
            " the rows do not exist now, and a Safe file leaves the content out.",
            count,
            table=table,
        ),
        _("Restore a Complete backup if these files matter."),
        table=table,
        count=count,
    )
