"""Which rules no row of the file breaks, asked of many rules at once. What is not found kept here, also what
was in one statement with a question that the database refuses, is asked by itself: ``examining``.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from backups.database import together
from backups.database.connection import Connection
from backups.database.together import Query
from restore.database import questions, rules
from restore.database.attempts import attempt
from restore.database.catalogue import ForeignKey
from restore.database.rules import CheckRule, PartitionRule, PlainIndex, UniqueRule
from restore.database.waiting_tables import WaitingTable
from restore.services.planning.staging import Prepared

OfRows = UniqueRule | CheckRule | PartitionRule
_Rule = TypeVar("_Rule", bound=OfRows | PlainIndex | ForeignKey)
_Item = TypeVar("_Item")
# An entry takes a third of a page at most: https://www.postgresql.org/docs/current/btree.html
_SHARE_OF_A_PAGE = 4


class Sieve:
    """``answers`` are the beginnings of SQLSTATEs that say something of the rows or the rule."""

    def __init__(self, connection: Connection, file: Prepared, answers: Sequence[str]) -> None:
        self._connection = connection
        self._file = file
        self._answers = answers

    def kept_keys(self, keys: Iterable[ForeignKey]) -> frozenset[ForeignKey]:
        """Of those among tables of the file the ones that no row breaks."""
        asked: list[tuple[ForeignKey, Query]] = []
        kept: set[ForeignKey] = set()
        for key, table in self._of_few_rows(keys):
            name = key.target.whole
            target = self._file.waiting.get(name)
            if not self._rows_of(table):
                kept.add(key)
            elif target and self._has_few_rows(target) and name not in self._file.unread:
                asked.append((key, questions.count_dangling(table.relation, key, target.relation)))
        return frozenset(kept.union(self._none_broken(asked)))

    def kept_rules(self) -> frozenset[OfRows | PlainIndex]:
        """Of unique values, CHECKs and partitions; of a foreign file the indexes that take every row, too."""
        known = self._file.rules
        asked: list[tuple[OfRows, Query]] = []
        kept: set[OfRows | PlainIndex] = set()
        for unique, table in self._of_few_rows(known.unique):
            if not self._rows_of(table):
                kept.add(unique)
            elif self._file.authentic or unique in self.sure:
                asked.append((unique, questions.count_repeated(table, unique)))
        for check, table in self._of_few_rows(known.checks):
            if not check.calls_functions:
                asked.append((check, questions.count_broken(table, check)))
        for partition, table in self._of_few_rows(known.partitions):
            asked.append((partition, questions.count_broken(table, partition)))
        kept.update(self._none_broken(asked))
        if not self._file.authentic:
            kept |= self.sure.intersection(known.plain_indexes)
        return frozenset(kept)

    @functools.cached_property
    def sure(self) -> frozenset[UniqueRule | PlainIndex]:
        """B-trees of PostgreSQL's own over whole columns, of whose rows none is so wide that an entry could
        not hold it: what could refuse a row is a value that stands twice. None is built to find that out."""
        waiting = self._file.waiting
        named = rules.sure_indexes(self._connection, [w.target.table for w in waiting.values()])
        known: list[UniqueRule | PlainIndex] = [*self._file.rules.unique]
        known += self._file.rules.plain_indexes
        found = [rule for rule, _ in self._known(known) if (rule.table, rule.name) in named.names]
        columns: dict[str, dict[str, None]] = {}
        for rule in found:
            columns.setdefault(rule.table, {}).update(dict.fromkeys(rule.columns))
        asked = [
            (table, questions.find_widest_entry(waiting[table], [*names]))
            for table, names in columns.items()
        ]
        widest = dict(self._asked(asked))
        most = named.page_bytes // _SHARE_OF_A_PAGE
        return frozenset(rule for rule in found if widest.get(rule.table, most) < most)

    def _of_few_rows(self, rules: Iterable[_Rule]) -> Iterator[tuple[_Rule, WaitingTable]]:
        return (found for found in self._known(rules) if self._has_few_rows(found[1]))

    def _known(self, rules: Iterable[_Rule]) -> Iterator[tuple[_Rule, WaitingTable]]:
        """Those that look at nothing but columns of the file, with its rows."""
        for rule in rules:
            whole = rule.source.whole if isinstance(rule, ForeignKey) else rule.table
            table = self._file.waiting.get(whole)
            if table is not None and table.has(rule.columns):
                yield rule, table

    def _has_few_rows(self, table: WaitingTable) -> bool:
        return self._rows_of(table) <= together.FEW_ROWS

    def _rows_of(self, table: WaitingTable) -> int:
        return self._file.rows_of(table.target)

    def _none_broken(self, asked: Sequence[tuple[_Rule, Query]]) -> Iterator[_Rule]:
        return (rule for rule, count in self._asked(asked) if not count)

    def _asked(self, asked: Sequence[tuple[_Item, Query]]) -> Iterator[tuple[_Item, int]]:
        """What many questions are answered; of those that were asked together with a refused one, nothing."""
        for some in together.some_at_once(asked):
            found: list[int] = []

            def ask(some: Sequence[tuple[_Item, Query]] = some) -> None:
                found.extend(together.numbers(self._connection, [query for _, query in some]))  # noqa: B023

            if attempt(self._connection, ask, self._answers):
                yield from zip((item for item, _ in some), found, strict=True)
