"""What a Safe file leaves out of cells: the content of files that stand in the row as ``data:`` addresses,
and secrets in texts."""

from collections.abc import Callable, Iterator, Sequence

from backups.database import locators
from backups.database.connection import Connection
from backups.database.introspection import LiveTable, Source
from backups.findings import Finding, Severity
from backups.wording import _, ngettext
from restore.database.altered import is_content_left_out, is_secret_marked
from restore.database.identities import Identity
from restore.database.left_out import Question, count_left_out
from restore.database.waiting_tables import WaitingTable
from restore.services.planning.following import identity_of
from restore.services.planning.staging import Prepared


def findings(
    connection: Connection, prepared: Prepared, current: Callable[[LiveTable], Source]
) -> Iterator[Finding]:
    """Per table, how many rows keep what they hold now, and how many come back without it.

    ``current`` yields the rows of now."""
    for target in prepared.matched.targets:
        name = target.table.name
        if not target.withheld or name in prepared.unread:
            continue
        identity = identity_of(prepared, target.reading.section)
        asked = (connection, prepared.waiting[name], current(target.table), identity)
        altered = target.altered.columns if target.altered else ()
        yield from _said(name, asked, target.withheld, is_content_left_out, (_kept, _missing))
        yield from _said(name, asked, altered, is_secret_marked, (_secret_kept, _secret_marked))


def files_in_rows(connection: Connection, prepared: Prepared) -> int:
    """How many files the file's rows hold themselves; of a Safe file none is there."""
    waiting = prepared.waiting
    return locators.count_contents(
        connection,
        [
            target.reading_of(waiting[target.table.name].relation)
            for target in prepared.matched.targets
            if target.table.name in waiting
        ],
    )


def _said(
    table: str,
    asked: tuple[Connection, WaitingTable, Source, Identity],
    columns: Sequence[str],
    question: Question,
    finding: tuple[Callable[[str, int], Finding], Callable[[str, int], Finding]],
) -> Iterator[Finding]:
    """What is said of rows that are here now, and of those that are not."""
    if not columns:
        return
    rows, missing = count_left_out(*asked, columns, question)
    for say, count in zip(finding, (rows - missing, missing), strict=True):
        if count:
            yield say(table, count)


def _secret_kept(table: str, count: int) -> Finding:
    return Finding(
        "restore.secret_kept",
        Severity.WARNING,
        ngettext(
            "{n} row of {table} held a secret in a text, for which the Safe file has a marker; the current"
            " cell stays as it is.",
            "{n} rows of {table} held a secret in a text, for which the Safe file has a marker; the current"
            " cells stay as they are.",
            count,
            table=table,
        ),
        _("Nothing to do. A Complete backup holds what was there."),
        table=table,
        count=count,
    )


def _secret_marked(table: str, count: int) -> Finding:
    return Finding(
        "restore.secret_marked",
        Severity.WARNING,
        ngettext(
            "{n} row of {table} comes back with a marker where a secret stood: the row does not exist now,"
            " and no secret leaves in a Safe file.",
            "{n} rows of {table} come back with a marker where a secret stood: the rows do not exist now,"
            " and no secret leaves in a Safe file.",
            count,
            table=table,
        ),
        _("Restore a Complete backup if these texts matter."),
        table=table,
        count=count,
    )


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
