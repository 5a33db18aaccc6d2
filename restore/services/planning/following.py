"""Which tables outside a file may lose rows with it, and by which rule."""

from collections.abc import Iterable
from dataclasses import replace

from django.apps import apps

from backups.artifact.native import INTEGERS
from backups.database.introspection import LiveTable
from backups.database.table_reading import column_of, primary_key_columns
from backups.registry import Section
from backups.registry.access import natural_key, opening_fields
from backups.registry.references import references
from backups.services import composing
from restore.database.catalogue import ForeignKey
from restore.database.identities import Identity, Pairing
from restore.database.simulation import Follower
from restore.services.planning.staging import Prepared


def followers_of(prepared: Prepared) -> list[Follower]:
    """The tables that point at written ones, and, as they may lose rows, those that point at them."""
    written = {table.name for table in prepared.matched.written}
    binding = [key for key in prepared.references if key.source.whole in prepared.tables]
    names = followers(written, binding)
    rules = _delete_rules()
    return [
        Follower(
            table=prepared.tables[name],
            keys=tuple(
                (key, rules.get((name, key.columns[0]), _rule_of_database(key)))
                for key in binding
                if key.source.whole == name
                and (key.target.whole in written or key.target.whole in names)
            ),
        )
        for name in names
    ]


def tables_held(prepared: Prepared) -> list[LiveTable]:
    """Every table that a restore writes to or may remove rows from."""
    return [*prepared.matched.written, *(follower.table for follower in followers_of(prepared))]


def tables_read(prepared: Prepared) -> list[LiveTable]:
    """Every table, written or not, that a plan or a restore looks into."""
    held = {table.name for table in tables_held(prepared)}
    around = ({key.table, key.target_table} for key in touching(held, prepared.keys))
    names = composing.tables_read().union(held, *around)
    return [table for name, table in prepared.tables.items() if name in names]


def followers(written: set[str], keys: list[ForeignKey]) -> list[str]:
    """Names of tables outside ``written`` that foreign keys lead from into it, transitively."""
    known, found = set(written), []
    grown = True
    while grown:
        grown = False
        for key in keys:
            if key.target.whole in known and key.source.whole not in known:
                known.add(key.source.whole)
                found.append(key.source.whole)
                grown = True
    return found


def touching(names: set[str], keys: list[ForeignKey]) -> list[ForeignKey]:
    """The foreign keys among, into or out of these tables."""
    return [
        key
        for key in keys
        if not names.isdisjoint(
            (key.source.known, key.source.whole, key.target.known, key.target.whole)
        )
    ]


def _rule_of_database(key: ForeignKey) -> str:
    """Of a key that no model knows."""
    return "set null" if key.cleared else "restrict"


def _delete_rules() -> dict[tuple[str, str], str]:
    """What the models say becomes of a row when its target goes, by table and column."""
    return {
        (model._meta.db_table, reference.column): reference.rule
        for model in apps.get_models(include_auto_created=True)
        for reference in references(model)
    }


def identity_of(prepared: Prepared, section: Section) -> Identity:
    """By which columns a row of this section is found again, so that no secret of one row gets into
    another's: number 1 is somebody else on another server."""
    key = primary_key_columns(section.model)
    natural = tuple(state_columns(section, natural_key(section)))
    counted = _is_counted(prepared.tables[section.table], key)
    if not prepared.authentic:
        return _of_foreign(prepared, section, Identity(key, natural, counted=counted))
    if counted and natural:
        # The database may be a new one, and have counted anew.
        return Identity(key, natural, Pairing.NAME, counted=True)
    if counted and section.accounts:
        named = (section.accounts.email, section.accounts.name)
        return Identity(key, agreeing=tuple(state_columns(section, named)), counted=True)
    return Identity(key, natural, Pairing.KEY_OR_NAME if natural else Pairing.KEY, counted=counted)


def _of_foreign(prepared: Prepared, section: Section, identity: Identity) -> Identity:
    if section.accounts and not identity.natural:
        # Without a name of its own an account is the same where key and address agree.
        address = tuple(state_columns(section, [section.accounts.email]))
        return replace(identity, natural=address, pairing=Pairing.KEY_AND_NAME)
    if section.accounts:
        return replace(identity, pairing=Pairing.NAME)
    if opening_fields(section) and not identity.counted:
        # Whoever made the file chose its keys: what opens something stays with a row that is the same in all.
        return replace(
            identity, natural=_said_of(prepared, section, identity), pairing=Pairing.KEY_AND_ROW
        )
    if identity.natural:
        return replace(identity, pairing=Pairing.KEY_AND_NAME)
    return replace(identity, pairing=Pairing.NOTHING if identity.counted else Pairing.KEY)


def _said_of(prepared: Prepared, section: Section, identity: Identity) -> tuple[str, ...]:
    """What the file says of a row, but for its key and what it may have left out of cells."""
    target = prepared.target_of(section.table)
    if target is None:
        return ()
    passed_over = {*identity.key, *target.withheld}
    return tuple(name for name in target.live_columns if name not in passed_over)


def _is_counted(table: LiveTable, key: Iterable[str]) -> bool:
    """Whether a part of the primary key is a whole number, which every database counts by itself."""
    return any(table.columns[name].type in INTEGERS for name in key if name in table.columns)


def state_columns(section: Section, fields: Iterable[str]) -> list[str]:
    """The columns of these fields."""
    return [column_of(section.model, name) for name in fields]
