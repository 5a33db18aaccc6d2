"""What the database would object to in the file's waiting rows: unique values, rules and references.

Rows of a backup that was made here are data, whatever rules they break: the rule is put back without being
validated, and the plan says so. Those of any other file have to keep all rules.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from typing import TypeVar

from backups.database.connection import Connection
from backups.database.introspection import Source
from backups.database.table_reading import key_is_secret, primary_key_columns
from backups.findings import Finding, Severity
from backups.wording import Sentence, _, ngettext
from restore.database import questions
from restore.database.attempts import attempt, reason_against, refusal
from restore.database.catalogue import ForeignKey
from restore.database.failures import MISSING, Reason, place_in_file, reason_of
from restore.database.rules import (
    CheckRule,
    ExclusionRule,
    GeneratedRule,
    PartitionRule,
    PlainIndex,
    UniqueRule,
)
from restore.database.waiting_tables import WaitingTable
from restore.plan import Choices
from restore.services.planning.remembering import Answers
from restore.services.planning.scanning import rows_from
from restore.services.planning.sieving import Sieve
from restore.services.planning.staging import Prepared

Rule = (
    UniqueRule | CheckRule | ExclusionRule | PlainIndex | GeneratedRule | PartitionRule | ForeignKey
)
_Rule = TypeVar("_Rule", bound=Rule)
TargetOf = Callable[[ForeignKey], Source | None]
Found = list[tuple[Rule, Finding]]
_EDITED = _("The file was edited or comes from another schema. Use the file as it was made.")
_COMES_BACK = _(
    "The row was in the database when the backup was made, and comes back. The rule is put back for"
    " whatever is written from then on; mend the rows, then validate it."
)
# What a question may end in that says something of the rows or the rule, not of the server.
_ANSWERS = ("0A", "21", "22", "23", "2F", "38", "39", "42", "54", "P0", "XX")
# And of these what says that such rows cannot be asked, as they wait in other types than they will have.
_OF_THE_STATEMENT = ("0A", "42")
_NOT_COMPUTED: Reason = (
    "restore.malformed",
    _("a value that is made of others cannot be computed"),
    _("The file was edited or comes from another schema. Use the file as it was made."),
)


def examine(
    connection: Connection,
    file: Prepared,
    target_of: TargetOf,
    giving_way: set[tuple[str, str]],
    answers: Answers | None = None,
) -> Iterator[Finding]:
    """Every rule that rows of the file break, each with the first of them. ``answers``: what is known.

    ``target_of``: what holds the rows a key points to after the restore; None where nobody knows. The
    table and the name of each rule that may be put back without being validated go to ``giving_way``.
    """
    work = _Examination(connection, file)
    for rule, finding in work.found(target_of, answers or Answers()):
        if not finding.blocking:
            giving_way.add((rule.table, rule.name))
        yield finding


def leave_out_duplicates(
    connection: Connection, file: Prepared, choices: Choices
) -> dict[str, int]:
    """Where it was chosen, let no waiting row repeat a value that may stand once. Returns how many rows
    went, by table; it is done in the caller's transaction."""
    left_out: dict[str, int] = {}
    if not choices.drop_duplicates:
        return left_out
    for rule in file.rules.unique:
        table = file.waiting.get(rule.table)
        if table is not None and table.has(rule.columns):
            gone = questions.leave_out_repeated(connection, table, rule)
            if gone:
                left_out[rule.table] = left_out.get(rule.table, 0) + gone
    return left_out


class _Examination:
    def __init__(self, connection: Connection, file: Prepared) -> None:
        self._connection = connection
        self._file = file
        self._sieve = Sieve(connection, file, _ANSWERS)
        # Of rows that were here when the backup was made, the rule gives way.
        self._severity = Severity.WARNING if file.authentic else Severity.ERROR
        self._hint = _COMES_BACK if file.authentic else _EDITED

    def found(self, target_of: TargetOf, answers: Answers) -> Iterator[tuple[Rule, Finding]]:
        yield from answers.of_the_file("rules", lambda: [*self._of_rows_alone()])
        keys = [key for key in self._file.keys if key.validated and key.enforced]
        kept = answers.of_the_file("keys", lambda: self._sieve.kept_keys(keys))
        for key in keys:
            if key in kept:
                continue
            target = target_of(key)
            if target is None:
                continue
            if key.source.whole not in self._file.waiting:
                yield from self._of_strangers(key, target)

            def ask(key: ForeignKey = key, target: Source = target) -> Found:
                return [*self._each([key], lambda table, _: self._reference(table, key, target))]

            waits = key.target.whole in self._file.waiting
            yield from answers.of_the_file(("key", key), ask) if waits else ask()

    def _of_rows_alone(self) -> Iterator[tuple[Rule, Finding]]:
        rules, kept = self._file.rules, self._sieve.kept_rules()
        yield from self._each(rules.unique, self._unique, kept)
        yield from self._each(rules.checks, self._check, kept)
        yield from self._each(rules.partitions, self._partition, kept)
        yield from self._each(rules.generated, self._generated)
        yield from self._each(rules.exclusions, self._exclusion)
        if not self._file.authentic:
            yield from self._each(rules.plain_indexes, self._plain_index, kept)

    def _each(
        self,
        rules: Iterable[_Rule],
        ask: Callable[[WaitingTable, _Rule], Finding | None],
        kept: Container[Rule] = (),
    ) -> Iterator[tuple[Rule, Finding]]:
        """Ask each of the rules that look at nothing but columns of the file, and are not known to be
        ``kept``. One that cannot be asked is told as that."""
        unasked = set()
        for rule in rules:
            whole = rule.source.whole if isinstance(rule, ForeignKey) else rule.table
            table = self._file.waiting.get(whole)
            if rule in kept or table is None or not table.has(rule.columns):
                continue
            found: list[Finding | None] = []

            def question(table: WaitingTable = table, rule: _Rule = rule) -> None:
                found.append(ask(table, rule))  # noqa: B023 - called at once

            if not attempt(self._connection, question, _ANSWERS):
                found = [] if (rule.table, rule.name) in unasked else [_unasked(rule)]
                unasked.add((rule.table, rule.name))
            if found and found[0] is not None:
                yield rule, found[0]

    def _unique(self, table: WaitingTable, rule: UniqueRule) -> Finding | None:
        count = questions.repeated(self._connection, table, rule)
        if count:
            first = questions.first_repeated(self._connection, table, rule, _key_of(table))
            return _repeated(rule, count, _where(table, *first))
        if self._file.authentic or rule in self._sieve.sure:
            return None
        return self._tried(rule, lambda: questions.try_index(self._connection, table, rule))

    def _check(self, table: WaitingTable, rule: CheckRule) -> Finding | None:
        if rule.calls_functions:
            return _unasked(rule)
        count = questions.broken(self._connection, table, rule)
        if not count:
            return None
        first = questions.first_broken(self._connection, table, rule, _key_of(table))
        return Finding(
            "restore.check",
            self._severity,
            _(
                "A row of {table} breaks the rule {rule}. {rows}",
                table=rule.table,
                rule=rule.name,
                rows=rows_from(count, _where(table, *first)),
            ),
            self._hint,
            table=rule.table,
            count=count,
        )

    def _partition(self, table: WaitingTable, rule: PartitionRule) -> Finding | None:
        count = questions.broken(self._connection, table, rule)
        if not count:
            return None
        first = questions.first_broken(self._connection, table, rule, _key_of(table))
        return Finding(
            "restore.no_partition",
            Severity.ERROR,
            _(
                "A row of {table} fits none of its partitions. {rows}",
                table=rule.table,
                rows=rows_from(count, _where(table, *first)),
            ),
            _("Make the partition again, or a default partition, then plan again."),
            table=rule.table,
            count=count,
        )

    def _generated(self, table: WaitingTable, rule: GeneratedRule) -> Finding | None:
        """One that is only computed when it is read refuses no row, unless it must not be NULL."""
        if not (rule.stored or rule.filled):
            return None
        empty: list[int] = []

        def compute() -> None:
            empty.append(questions.left_empty(self._connection, table, rule))

        error = refusal(self._connection, compute, _ANSWERS)
        if error is not None and (error.pgcode or "").startswith(_OF_THE_STATEMENT):
            return _unasked(rule)
        code, what, hint = (error and reason_of(error)) or _NOT_COMPUTED
        if error is None:
            if not (rule.filled and empty[0]):
                return None
            code, what, hint = MISSING
        return _breaks(rule, code, what, hint)

    def _exclusion(self, table: WaitingTable, rule: ExclusionRule) -> Finding | None:
        found = self._tried(rule, lambda: questions.try_exclusion(self._connection, table, rule))
        if found is None or found.code != "restore.exclusion":
            return found
        first = questions.first_excluded(self._connection, table, rule, _key_of(table))
        return Finding(
            found.code,
            Severity.ERROR,
            _(
                "Two rows of {table} exclude one another by the rule {rule}. The later one in the file:"
                " {place}.",
                table=rule.table,
                rule=rule.name,
                place=_where(table, *first),
            ),
            _EDITED,
            table=rule.table,
        )

    def _plain_index(self, table: WaitingTable, rule: PlainIndex) -> Finding | None:
        return self._tried(rule, lambda: questions.try_index(self._connection, table, rule))

    def _reference(self, table: WaitingTable, key: ForeignKey, target: Source) -> Finding | None:
        count = questions.dangling(self._connection, table.relation, key, target)
        if not count:
            return None
        first = questions.first_dangling(self._connection, table, key, target, _key_of(table))
        return Finding(
            "restore.reference",
            self._severity,
            _(
                "A row of {table} points by {columns} to a row of {target} that is not there. {rows}",
                table=key.table,
                columns=", ".join(key.columns),
                target=key.target_table,
                rows=rows_from(count, _where(table, *first)),
            ),
            self._hint,
            table=key.table,
            count=count,
        )

    def _of_strangers(self, key: ForeignKey, target: Source) -> Found:
        """Rows of a table that backups do not know, in another schema say, stay whatever they point to."""
        written = {table.name for table in self._file.matched.written}
        if key.source.whole in self._file.tables or key.target.whole not in written:
            return []
        counted: list[int] = []

        def ask() -> None:
            rows = questions.dangling(self._connection, key.source.rows, key, target)
            counted.append(rows)

        if not attempt(self._connection, ask, _ANSWERS):
            return [(key, _unasked(key))]
        return [(key, self._left_behind(key, counted[0]))] if counted[0] else []

    def _left_behind(self, key: ForeignKey, count: int) -> Finding:
        return Finding(
            "restore.reference",
            self._severity,
            ngettext(
                "{n} row of {table}, which no backup reads, points by {columns} to a row of {target} that"
                " will not be there.",
                "{n} rows of {table}, which no backup reads, point by {columns} to rows of {target} that"
                " will not be there.",
                count,
                table=key.table,
                columns=", ".join(key.columns),
                target=key.target_table,
            ),
            _(
                "They stay as they are, and the rule is put back for whatever is written from then on; mend"
                " them, then validate it."
            )
            if self._file.authentic
            else _("Delete these rows or let them point elsewhere, then plan again."),
            table=key.table,
            count=count,
        )

    def _tried(self, rule: Rule, work: Callable[[], None]) -> Finding | None:
        """Do what the restore would do, to the waiting rows, and take it back."""
        done, reason = reason_against(self._connection, work, _ANSWERS)
        if done:
            return None
        if reason is None:
            return _unasked(rule)
        return _breaks(rule, *reason)


def _key_of(table: WaitingTable) -> tuple[str, ...]:
    return primary_key_columns(table.target.reading.section.model)


def _where(table: WaitingTable, number: int, key: tuple[str, ...]) -> Sentence:
    is_shown = not key_is_secret(table.target.reading.section)
    return place_in_file(table.target.head.key, number, key if is_shown else None)


def _repeated(rule: UniqueRule, count: int, first: Sentence) -> Finding:
    return Finding(
        "restore.duplicate",
        Severity.ERROR,
        _(
            "A value of {columns} stands in more than one row of {table}. {rows}",
            columns=", ".join(rule.columns) or rule.name,
            table=rule.table,
            rows=rows_from(count, first),
        ),
        _EDITED,
        table=rule.table,
        count=count,
    )


def _breaks(rule: Rule, code: str, what: Sentence, hint: Sentence) -> Finding:
    return Finding(
        code,
        Severity.ERROR,
        _(
            "The rows of {table} break {rule}: {what}.",
            table=rule.table,
            rule=rule.name,
            what=what,
        ),
        hint,
        table=rule.table,
    )


def _unasked(rule: Rule) -> Finding:
    return Finding(
        "restore.rule_unasked",
        Severity.WARNING,
        _(
            "Whether the rows of {table} keep the rule {rule} cannot be asked before they are in place.",
            table=rule.table,
            rule=rule.name,
        ),
        _("If rows break it, it is put back without being validated, and the report says so."),
        table=rule.table,
    )
