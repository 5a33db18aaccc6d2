"""Which row of now a row of the file is: by which columns it is found again."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from psycopg2 import sql

from restore.database.waiting_tables import WaitingTable, names, same


class Pairing(StrEnum):
    """How a row of the file is found among those of now.

    ``KEY_OR_NAME``: by the primary key; by the natural key where the current key is not in the file.
    ``NAME``: by the natural key alone: whoever made a foreign file chose its keys, and counted ones
    mean somebody else in another database. ``KEY_AND_ROW``: by the primary key, where all that the file says
    of the row is what stands here too. ``NOTHING``: by nothing, so that every row is a new one.
    """

    KEY = "key"
    KEY_OR_NAME = "key or natural key"
    KEY_AND_NAME = "key and natural key"
    KEY_AND_ROW = "key and row"
    NAME = "natural key"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Identity:
    """By which columns a row of the file is a row of now; ``pairing`` says how they are used.

    ``agreeing``: columns of which one at least must agree too where the key does. ``counted``: the key is a
    number that every database counts by itself.
    """

    key: tuple[str, ...]
    natural: tuple[str, ...] = ()
    pairing: Pairing = Pairing.KEY
    agreeing: tuple[str, ...] = ()
    counted: bool = False


def pairs(
    waiting: WaitingTable, current: sql.Composable, identity: Identity, columns: Sequence[str]
) -> sql.Composed:
    """For each row of the file that exists now: its key, and the current ``columns``."""
    key, natural, pairing = identity.key, identity.natural, identity.pairing
    wanted = sql.SQL(", ").join([names(key, "s"), *([names(columns, "c")] if columns else [])])
    by_key = sql.SQL("SELECT {} FROM {} AS s JOIN {} AS c ON {}").format(
        wanted, waiting.relation, current, _is_same(identity)
    )
    if pairing is not Pairing.KEY_OR_NAME:
        return by_key
    by_name = sql.SQL(
        "SELECT {} FROM {} AS s JOIN {} AS c ON {}"
        " WHERE NOT EXISTS (SELECT FROM {} AS k WHERE {})"
        " AND NOT EXISTS (SELECT FROM {} AS k WHERE {})"
    ).format(
        wanted,
        waiting.relation,
        current,
        same("s", "c", natural),
        current,
        same("s", "k", key),
        waiting.relation,
        same("c", "k", key),
    )
    return sql.SQL("{} UNION ALL {}").format(by_key, by_name)


def _is_same(identity: Identity) -> sql.Composable:
    """Whether ``s``, of the file, is ``c``, of now; what a natural key adds where keys differ apart."""
    key, natural = same("s", "c", identity.key), same("s", "c", identity.natural)
    match identity.pairing:
        case Pairing.NOTHING:
            return sql.SQL("false")
        case Pairing.NAME:
            return natural
        case Pairing.KEY_AND_NAME:
            return sql.SQL("{} AND {}").format(key, natural)
        case Pairing.KEY_AND_ROW:
            return sql.SQL("{} AND {}").format(key, _looks_the_same("s", "c", identity.natural))
    if not identity.agreeing:
        return key
    one = sql.SQL(" OR ").join(same("s", "c", [column]) for column in identity.agreeing)
    return sql.SQL("{} AND ({})").format(key, one)


def _looks_the_same(one: str, other: str, columns: Sequence[str]) -> sql.Composable:
    """Cells of two relations are equal as PostgreSQL prints them: not every type can be compared."""
    cells = [
        sql.SQL("{}::text IS NOT DISTINCT FROM {}::text").format(
            sql.Identifier(one, column), sql.Identifier(other, column)
        )
        for column in columns
    ]
    return sql.SQL(" AND ").join(cells) if cells else sql.SQL("true")


def count_pairs(waiting: WaitingTable, current: sql.Composable, identity: Identity) -> sql.Composed:
    """How many rows of the file exist now."""
    return sql.SQL("SELECT count(*) FROM ({}) AS p").format(pairs(waiting, current, identity, ()))
