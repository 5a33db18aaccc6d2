"""Whether the rows that wait are those of the file: printed again as a backup would, digest against digest.

Done before anybody is locked out. From then on the waiting rows stand for the file, and what is written is
compared with them in the server.
"""

from collections.abc import Sequence
from dataclasses import replace

from backups.database.connection import Connection
from backups.errors import RestoreError
from backups.wording import _
from restore.database.rules import Rules
from restore.database.targets import Target
from restore.database.verification import NO_ROWS, RowsDigest, read_digest, without_rows
from restore.services.planning.staging import Prepared
from restore.services.planning.watching import NOBODY, Watch


def prove(connection: Connection, prepared: Prepared, watch: Watch = NOBODY) -> Prepared:
    """The same, with the tables ``proven`` whose waiting rows are the file's. Of others, where rows were
    converted say, the digests do not compare, and nothing is claimed. Nor is it of those that differ: the
    plan may know why, as it does of repeated rows; else verifying what was written refuses them.
    ``connection`` has the waiting tables.
    """
    if _is_blocked(prepared):
        return prepared
    comparable = [
        target
        for target in prepared.matched.targets
        if target.table.name not in prepared.unread and is_comparable(prepared, target)
    ]
    waiting = [
        prepared.waiting[t.table.name] for t in comparable if of_file(prepared, t) == NO_ROWS
    ]
    proven = without_rows(connection, waiting)
    for target in comparable:
        name = target.table.name
        if name in proven:
            continue
        watch.check()
        reading = target.reading_of(prepared.waiting[name].relation)
        # They came in the file's order, and lie in it: a temporary table is read from its start.
        if read_digest(connection, reading, as_they_lie=True) == of_file(prepared, target):
            proven.add(name)
    return replace(prepared, proven=frozenset(proven))


def _is_blocked(prepared: Prepared) -> bool:
    """Then nothing of it will be written."""
    return any(finding.blocking for finding in prepared.findings)


def is_comparable(prepared: Prepared, target: Target) -> bool:
    """Whether the file's digest is that of the table's rows. Where they were converted, or somebody else's
    software printed them, equal values may be written differently."""
    translated = target.table.name in prepared.translated
    return target.as_written and prepared.authentic and not translated


def of_file(prepared: Prepared, target: Target) -> RowsDigest:
    """What the file says of a section."""
    expected = prepared.tail.statistics.sections[target.head.key]
    return RowsDigest(expected.rows, expected.sha256)


def differs(target: Target) -> RestoreError:
    return RestoreError(
        "restore.differs",
        _(
            "What was written differs from the file in section {section}. Nothing was changed.",
            section=target.head.key,
        ),
        hint=_(
            "Something in the database changes rows as they are written, such as a rule. Look for it in"
            " the table's definition."
        ),
    )


def is_told_apart_by(key: Sequence[str], table: str, rules: Rules) -> bool:
    """Whether no two rows of the table share their ``key``, by a rule that looks at nothing else."""
    return any(
        rule.table == table and not rule.condition and set(rule.columns) <= set(key)
        for rule in rules.unique
        if rule.columns
    )
