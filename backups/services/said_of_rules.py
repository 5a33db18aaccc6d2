"""What a backup's row says of rows that break rules, in sentences for pages and terminals."""

from collections.abc import Iterator, Mapping
from typing import Any

from backups.database.broken_rules import Kind
from backups.wording import Sentence, _, ngettext


def in_full(statistics: Mapping[str, Any]) -> list[Sentence]:
    """One sentence a rule, the most serious first. Empty where all is well, or nobody had asked yet."""
    said = [_of(one) for one in statistics.get("rules_broken", ())]
    if more := statistics.get("rules_broken_more"):
        said.append(ngettext("{n} more rule is broken.", "{n} more rules are broken.", more))
    return [*said, *_unasked(statistics)]


def in_short(statistics: Mapping[str, Any]) -> list[Sentence]:
    """What somebody who asks for a restore must know, in up to three sentences."""
    return [*_summed(statistics), *_unasked(statistics)]


def duplicates(statistics: Mapping[str, Any]) -> int:
    """Rows of which no restore can bring back all, as a unique index takes only one of each."""
    return _count(statistics, lambda kind: kind == Kind.DUPLICATE)


def _count(statistics: Mapping[str, Any], wanted: Any) -> int:
    found = statistics.get("rules_broken", ())
    return sum(one["rows"] for one in found if wanted(one["kind"]))


def _summed(statistics: Mapping[str, Any]) -> Iterator[Sentence]:
    if rows := duplicates(statistics):
        yield ngettext(
            "{n} row in it stands twice where a unique index allows one: a restore would have to leave it"
            " out. Mend the rows, then make a new backup.",
            "{n} rows in it stand twice or more where a unique index allows one: a restore would have to"
            " leave them out. Mend the rows, then make a new backup.",
            rows,
        )
    if rows := _count(statistics, lambda kind: kind != Kind.DUPLICATE):
        yield ngettext(
            "{n} row in it breaks a rule of its table. It comes back as it is, and the rule is put back"
            " for what is written from then on.",
            "{n} times a row in it breaks a rule of its table. The rows come back as they are, and the"
            " rules are put back for what is written from then on.",
            rows,
        )


def _unasked(statistics: Mapping[str, Any]) -> Iterator[Sentence]:
    unasked = statistics.get("rules_unasked", 0)
    if unasked is None:
        yield _("Whether rows break rules of their tables could not be asked.")
    elif unasked:
        yield ngettext(
            "Whether rows keep {n} of the rules could not be asked.",
            "Whether rows keep {n} of the rules could not be asked.",
            unasked,
        )


def _of(one: Mapping[str, Any]) -> Sentence:
    names = {"table": one["table"], "rule": one["rule"]}
    rows = int(one["rows"])
    match one["kind"]:
        case Kind.DUPLICATE:
            return ngettext(
                "{n} row of {table} stands more than once by the unique index {rule}. A restore would have"
                " to leave it out.",
                "{n} rows of {table} stand more than once by the unique index {rule}. A restore would have"
                " to leave them out.",
                rows,
                **names,
            )
        case Kind.REFERENCE:
            return ngettext(
                "{n} row of {table} points by {rule} to a row that is not there.",
                "{n} rows of {table} point by {rule} to rows that are not there.",
                rows,
                **names,
            )
        case Kind.INVALID_INDEX:
            return _(
                "The index {rule} of {table} is not valid: the database does not use it. Build it again"
                " (REINDEX), drop it, or, where {table} has partitions, attach the indexes that they lack"
                " (ALTER INDEX … ATTACH PARTITION).",
                **names,
            )
        case _other:
            return ngettext(
                "{n} row of {table} breaks the rule {rule}.",
                "{n} rows of {table} break the rule {rule}.",
                rows,
                **names,
            )
