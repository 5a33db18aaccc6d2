"""Rows outside the file that point to counted numbers, or to accounts of a file that others made.

Under a key of now the file may have somebody else. What is known to be the same row under another key is
followed there. What has no counterpart follows its delete rule where it would otherwise let somebody in, or
hand an account of now over to whoever the file has under its key; other rows stay, and the plan counts them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from backups.database.connection import Connection
from backups.database.introspection import LiveTable, Source
from backups.database.rules import unique_rules
from backups.findings import Finding
from backups.registry import Section, registry
from backups.registry.access import access_tables
from restore.database import repointing
from restore.database.catalogue import ForeignKey
from restore.database.identities import Identity, Pairing
from restore.database.redacted import Aside
from restore.database.repointing import Becoming
from restore.database.simulation import Follower, Meanings
from restore.services.planning.following import identity_of
from restore.services.planning.pairing import numbers_of_others
from restore.services.planning.people import People
from restore.services.planning.staging import Prepared


@dataclass(frozen=True)
class Repointed:
    """One reference of a table outside the file. ``cuts``: what means somebody else afterwards follows its
    delete ``rule``."""

    table: LiveTable
    key: ForeignKey
    rule: str
    becoming: Becoming
    cuts: bool


def becomings(
    connection: Connection,
    prepared: Prepared,
    people: People,
    current: Callable[[LiveTable], Source],
) -> dict[str, Becoming]:
    """By table, what becomes of the keys of its rows of now; asked while they are still there."""
    found: dict[str, Becoming] = {}
    for number, target in enumerate(prepared.matched.targets):
        section, name = target.reading.section, target.table.name
        identity = _whose(identity_of(prepared, section))
        if name in prepared.unread or not (prepared.rows_of(target) or section.accounts):
            continue
        if not _may_be_another(prepared, section, identity):
            continue
        found[name] = repointing.list_becoming(
            connection, number, prepared.waiting[name], current(target.table), identity
        )
    _let_acting_be(connection, people, found)
    return found


def _whose(identity: Identity) -> Identity:
    """No cell of a row is at stake here: a name alone says whom a reference means."""
    if identity.natural and identity.pairing is Pairing.KEY_AND_NAME:
        return replace(identity, pairing=Pairing.NAME)
    return identity


def _may_be_another(prepared: Prepared, section: Section, identity: Identity) -> bool:
    """Numbers of Django itself are translated by ``renumbering``."""
    if section.framework:
        return False
    return identity.counted or bool(section.accounts and not prepared.authentic)


def _let_acting_be(connection: Connection, people: People, found: Mapping[str, Becoming]) -> None:
    """Whoever acts keeps his account, under whatever key."""
    if people.table is None or people.acting is None:
        return
    becoming = found.get(people.table.target.table.name)
    if becoming and people.acting_after:
        repointing.settle(connection, becoming, people.acting.key, people.acting_after)


def repointed(
    connection: Connection,
    prepared: Prepared,
    followers: list[Follower],
    found: Mapping[str, Becoming],
) -> list[Repointed]:
    """The references of tables outside the file into these tables.

    What is unique by its reference does not stay under a number of others: it could meet the row that is
    theirs."""
    lets_in, sections = access_tables(registry), registry.by_table()
    leading = [
        (follower.table, key, rule)
        for follower in followers
        for key, rule in follower.keys
        if key.target_table in found and found[key.target_table].knows(key)
    ]
    unique = unique_rules(connection, [table.oid for table, _key, _rule in leading])
    return [
        Repointed(
            table,
            key,
            rule,
            found[key.target_table],
            cuts=table.name in lets_in
            or bool(sections[key.target_table].accounts and not prepared.authentic)
            or any(
                one.table == table.name and not set(key.columns).isdisjoint(one.columns)
                for one in unique
            ),
        )
        for table, key, rule in leading
    ]


def with_following(
    connection: Connection, followers: list[Follower], references: list[Repointed]
) -> list[Repointed]:
    """These references, and those that lead to rows outside the file by a part of them.

    Where a profile's key is that of its account, its number changes with the account's, and so it does in
    whatever points to the profile. What points to a row that goes follows it at once, as another row may get
    its number. Asked before anything is written."""
    following = _Following(connection, followers, references)
    return [one for follower in followers for one in following.of(follower.table.name)]


class _Following:
    def __init__(
        self, connection: Connection, followers: list[Follower], references: list[Repointed]
    ) -> None:
        self._connection = connection
        self._followers = {follower.table.name: follower for follower in followers}
        self._references = references
        self._found: dict[str, list[Repointed]] = {}
        self._made: dict[tuple[str, frozenset[str]], Becoming] = {}

    def of(self, table: str) -> list[Repointed]:
        """The references of a table. Tables that point to one another are not asked in a circle."""
        if table not in self._found:
            # Of itself, while it is being asked, a table has those that are known.
            found = self._found[table] = [r for r in self._references if r.table.name == table]
            follower = self._followers[table]
            found += [
                Repointed(follower.table, key, rule, becoming, cuts=True)
                for key, rule in follower.keys
                if (becoming := self._becoming(key)) is not None
            ]
        return self._found[table]

    def _becoming(self, key: ForeignKey) -> Becoming | None:
        """What becomes of what the reference leads to; None where that keeps its number."""
        table, columns = key.target.whole, frozenset(key.target_columns)
        if table not in self._followers:
            return None
        own = self.of(table)
        if columns.isdisjoint(column for one in own for column in one.key.columns):
            return None
        if (table, columns) not in self._made:
            cutting = [
                one
                for one in own
                if one.cuts and (one.rule != "set null" or columns.intersection(one.key.columns))
            ]
            self._made[table, columns] = repointing.list_following(
                self._connection,
                len(self._made),
                self._followers[table].table,
                sorted(columns),
                [(one.key, one.becoming) for one in own],
                [(one.key, one.becoming) for one in cutting],
            )
        return self._made[table, columns]


def meanings(references: list[Repointed]) -> dict[ForeignKey, Meanings]:
    """What a simulation must know of them."""
    return {
        one.key: Meanings(
            one.becoming.is_cut("t", one.key) if one.cuts else repointing.NEVER,
            one.becoming.is_moved("t", one.key),
        )
        for one in references
    }


def of_kept(key: ForeignKey, found: Mapping[str, Becoming]) -> Meanings | None:
    """Of a reference that a Safe file leaves out and that keeps its value ``p`` of now: as others, it stays
    with whom it meant, or becomes NULL. None where its target keeps its number."""
    becoming = found.get(key.target_table)
    if becoming is None or not becoming.knows(key):
        return None
    return Meanings(becoming.is_cut("p", key), becoming.is_moved("p", key))


def keep_meaning(
    connection: Connection, aside: Aside, key: ForeignKey, found: Mapping[str, Becoming]
) -> int:
    """Let the values that were set aside follow, as ``of_kept`` says. Returns how many become NULL."""
    becoming = found.get(key.target_table)
    if becoming is None or not becoming.knows(key):
        return 0
    return repointing.follow_aside(connection, aside, key, becoming)


def findings(connection: Connection, references: list[Repointed]) -> Iterator[Finding]:
    """Those that stay, and point to somebody else then."""
    for one in references:
        if not one.cuts:
            count = repointing.count_cut(connection, one.table, one.key, one.becoming)
            yield from numbers_of_others(one.key.target_table, {one.table.name: count})


def carry_out(
    connection: Connection, references: list[Repointed]
) -> Iterator[tuple[str, int, int]]:
    """Cut what would mean somebody else, then let the rest follow. Yields table, rows removed and references
    set to NULL."""
    cut = sorted((one for one in references if one.cuts), key=lambda one: one.rule == "set null")
    for one in cut:
        asked = (connection, one.table, one.key, one.becoming)
        if one.rule == "set null":
            yield one.table.name, 0, repointing.clear_cut(*asked)
        else:
            yield one.table.name, repointing.remove_cut(*asked), 0
    moved: dict[str, set[str]] = {}
    for one in references:
        # What leads to a row and to what that row is one with leads there by the same columns.
        done = moved.setdefault(one.table.name, set())
        if not done.issuperset(one.key.columns):
            repointing.move(connection, one.table, one.key, one.becoming)
            done.update(one.key.columns)
