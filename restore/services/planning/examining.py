"""What the database would object to in the file's waiting rows: unique values, rules and references."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from backups.database.connection import Connection
from backups.database.reading import primary_key_columns
from backups.findings import Finding, Severity
from backups.wording import Sentence, _
from restore.database import questions
from restore.database.catalogue import ForeignKey
from restore.database.failures import place_in_file
from restore.database.rules import CheckRule, UniqueRule
from restore.database.waiting import Relation, WaitingTable
from restore.services.planning.locating import key_is_secret
from restore.services.planning.scanning import rows_from
from restore.services.planning.staging import Prepared

_Rule = TypeVar("_Rule", UniqueRule, CheckRule, ForeignKey)
_EDITED = _("The file was edited or comes from another schema. Use the file as it was made.")


def examine(
    connection: Connection, file: Prepared, target_of: Callable[[ForeignKey], Relation | None]
) -> Iterator[Finding]:
    """Every rule that rows of the file break, each with the first of them.

    ``target_of``: what holds the rows a key points to after the restore; None where nobody knows.
    """
    for waiting, unique in _asked(file, file.unique):
        if count := questions.repeated(connection, waiting, unique):
            first = questions.first_repeated(connection, waiting, unique, _key_of(waiting))
            yield _repeated(unique, count, _where(waiting, *first))
    for waiting, check in _asked(file, file.checks):
        if count := questions.broken(connection, waiting, check):
            first = questions.first_broken(connection, waiting, check, _key_of(waiting))
            yield _broken(check, count, _where(waiting, *first))
    for waiting, key in _asked(file, (key for key in file.keys if key.validated)):
        target = target_of(key)
        if target and (count := questions.dangling(connection, waiting, key, target)):
            first = questions.first_dangling(connection, waiting, key, target, _key_of(waiting))
            yield _dangling(key, count, _where(waiting, *first))


def _asked(file: Prepared, rules: Iterable[_Rule]) -> Iterator[tuple[WaitingTable, _Rule]]:
    """The rules that look at nothing but columns of the file, each with its waiting table."""
    for rule in rules:
        waiting = file.waiting.get(rule.table)
        if waiting is not None and set(rule.columns) <= set(waiting.columns):
            yield waiting, rule


def _key_of(waiting: WaitingTable) -> tuple[str, ...]:
    return primary_key_columns(waiting.target.reading.section.model)


def _where(waiting: WaitingTable, number: int, key: tuple[str, ...]) -> Sentence:
    is_shown = not key_is_secret(waiting.target.reading.section)
    return place_in_file(waiting.target.head.key, number, key if is_shown else None)


def _repeated(rule: UniqueRule, count: int, first: Sentence) -> Finding:
    return Finding(
        "restore.duplicate",
        Severity.ERROR,
        _(
            "A value of {columns} stands in more than one row of {table}. {rows}",
            columns=", ".join(rule.columns),
            table=rule.table,
            rows=rows_from(count, first),
        ),
        _EDITED,
        table=rule.table,
        count=count,
    )


def _broken(rule: CheckRule, count: int, first: Sentence) -> Finding:
    return Finding(
        "restore.check",
        Severity.ERROR,
        _(
            "A row of {table} breaks the rule {rule}. {rows}",
            table=rule.table,
            rule=rule.name,
            rows=rows_from(count, first),
        ),
        _("The file comes from another schema or was edited. Compare the versions."),
        table=rule.table,
        count=count,
    )


def _dangling(key: ForeignKey, count: int, first: Sentence) -> Finding:
    return Finding(
        "restore.reference",
        Severity.ERROR,
        _(
            "A row of {table} points by {columns} to a row of {target} that is not there. {rows}",
            table=key.table,
            columns=", ".join(key.columns),
            target=key.target_table,
            rows=rows_from(count, first),
        ),
        _EDITED,
        table=key.table,
        count=count,
    )
