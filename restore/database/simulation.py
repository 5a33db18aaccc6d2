"""What becomes of rows outside the file when the rows go that they point to: tried out, and undone."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable
from restore.database.catalogue import ForeignKey
from restore.database.comparing import Difference, whole
from restore.database.questions import ask, filled
from restore.database.waiting_tables import PART, PLACE, create_lost, names


@dataclass(frozen=True)
class Follower:
    """A table outside the file whose rows may follow their delete rule."""

    table: LiveTable
    keys: tuple[tuple[ForeignKey, str], ...]


After = Callable[[str], sql.Identifier | None]


@dataclass(frozen=True)
class Meanings:
    """Conditions on a row ``t``: its reference is ``cut``, as it would mean somebody else, or ``moved``."""

    cut: sql.Composable
    moved: sql.Composable


class Simulation:
    """Which rows of tables outside the file would go, found as the restore itself will find them.

    ``after`` gives the relation that holds a written table's rows after the restore, None where there
    will be none.
    """

    def __init__(self, connection: Connection, followers: Sequence[Follower], after: After) -> None:
        self._connection = connection
        self._followers = followers
        self._after = after
        self._lost: dict[str, sql.Identifier] = {}
        self._becoming: Mapping[ForeignKey, Meanings] = {}

    def let_mean(self, becoming: Mapping[ForeignKey, Meanings]) -> None:
        """``becoming``: of references whose target may have another key afterwards, or be somebody else."""
        self._becoming = becoming

    def run(self) -> None:
        """Follow the rules until nothing changes any more."""
        for number, follower in enumerate(self._followers):
            self._lost[follower.table.name] = create_lost(
                self._connection, f"lost_{number}", follower.table
            )
        grown = {f.table.name for f in self._followers if self._follow(f, None)}
        while grown:
            grown = {f.table.name for f in self._followers if self._follow(f, grown)}

    @property
    def lost(self) -> Mapping[str, sql.Identifier]:
        """What holds the rows that would go, by table."""
        return self._lost

    def removed(self, follower: Follower) -> Difference:
        return whole(
            self._connection, self._lost[follower.table.name], list(follower.table.columns)
        )

    def set_null(self, follower: Follower) -> int:
        """References that would become NULL, of rows that stay."""
        lost = self._lost[follower.table.name]
        total = 0
        for key, rule in follower.keys:
            if rule == "set null":
                gone = sql.SQL("{} AND NOT {} AND {}").format(
                    self._gone(key), self._cut(key), _not_lost(lost)
                )
                # Those are set at once, when nothing but what is cut with them has gone.
                cut = sql.SQL("{} AND NOT ({})").format(self._cut(key), self._cut_with(follower))
                for condition in (gone, cut):
                    query = sql.SQL("SELECT count(*) FROM {} AS t WHERE {}")
                    total += ask(self._connection, query.format(follower.table.own_rows, condition))
        return total

    def _cut(self, key: ForeignKey) -> sql.Composable:
        """Of ``t``: what it points to is somebody else's key afterwards, which it must not mean."""
        meanings = self._becoming.get(key)
        return meanings.cut if meanings else sql.SQL("false")

    def _cut_with(self, follower: Follower) -> sql.Composable:
        """Of ``t``: another reference of it is cut, and takes the row along."""
        others = [self._cut(key) for key, rule in follower.keys if rule != "set null"]
        return sql.SQL(" OR ").join(others) if others else sql.SQL("false")

    def kept_to_nowhere(
        self, kept: sql.Composed, column: str, key: ForeignKey, meanings: Meanings | None = None
    ) -> int:
        """Kept references whose target would go, or be somebody else. ``kept`` yields the current cells,
        called ``p`` in the meanings."""
        gone: sql.Composable
        if (lost := self._lost.get(key.target.whole)) is not None:
            gone = _lost_or_missing("p", lost, key)
        elif (after := self._after(key.target.whole)) is not None:
            gone = sql.SQL("NOT {}").format(key.leads_to("p", after))
        else:
            return 0
        if meanings:
            gone = sql.SQL("(({} OR {}) AND NOT {})").format(gone, meanings.cut, meanings.moved)
        return ask(
            self._connection,
            sql.SQL("SELECT count(*) FROM ({}) AS p WHERE {} AND {}").format(
                kept, filled("p", [column]), gone
            ),
        )

    def _follow(self, follower: Follower, lost_more: Container[str] | None) -> bool:
        """Whether rows follow. ``lost_more``: the tables that lost some last time; None the first time."""
        lost = self._lost[follower.table.name]
        grown = False
        for key, rule in follower.keys:
            if rule == "set null" or (lost_more is not None and key.target_table not in lost_more):
                continue
            query = sql.SQL(
                "INSERT INTO {} SELECT t.tableoid, t.ctid, {} FROM {} AS t WHERE {} AND {}"
            ).format(
                lost,
                names(list(follower.table.columns), "t"),
                follower.table.own_rows,
                self._gone(key),
                _not_lost(lost),
            )
            with self._connection.cursor() as cursor:
                cursor.execute(query)
                grown = grown or cursor.rowcount > 0
        return grown

    def _gone(self, key: ForeignKey) -> sql.Composed:
        """Of ``t``: the reference is filled and its target will not be there."""
        lost = self._lost.get(key.target.whole)
        gone: sql.Composable
        if lost is not None:
            gone = _lost_or_missing("t", lost, key)
        elif (after := self._after(key.target.whole)) is not None:
            gone = sql.SQL("NOT {}").format(key.leads_to("t", after))
        else:
            gone = sql.SQL("true")
        if meanings := self._becoming.get(key):
            gone = sql.SQL("(({} OR {}) AND NOT {})").format(gone, meanings.cut, meanings.moved)
        return sql.SQL("{} AND {} AND {}").format(
            sql.SQL(key.source.condition), filled("t", key.columns), gone
        )


def _lost_or_missing(source: str, lost: sql.Identifier, key: ForeignKey) -> sql.Composed:
    # A key that is NOT VALID, or rows loaded while no key was asked, may lead nowhere already.
    if key.period:
        return sql.SQL("NOT {}").format(key.leads_to(source, key.target.rows, _not_lost(lost, "o")))
    return sql.SQL("({} OR NOT {})").format(
        key.leads_to(source, lost), key.leads_to(source, key.target.rows)
    )


def _not_lost(lost: sql.Identifier, row: str = "t") -> sql.Composed:
    # Whole rows are compared by their place: a table without a key can follow too.
    return sql.SQL("NOT EXISTS (SELECT FROM {} AS l WHERE l.{} = {} AND l.{} = {})").format(
        lost,
        sql.Identifier(PART),
        sql.Identifier(row, "tableoid"),
        sql.Identifier(PLACE),
        sql.Identifier(row, "ctid"),
    )
