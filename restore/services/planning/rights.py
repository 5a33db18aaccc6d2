"""Which accounts may do more afterwards than now, by flags, groups and permissions, for whatever reason: a
row of their own, a group that they are in, or what that group may do."""

from collections.abc import Mapping

from django.apps import apps
from django.db.models import ManyToManyField

from backups.database.connection import Connection
from backups.database.table_reading import column_of, primary_key_columns
from backups.registry import registry
from backups.registry.access import PERMISSION, Membership, flags, memberships, natural_key
from restore.database import identities, rights
from restore.database.repointing import Becoming
from restore.database.rights import Rights, Rows, Side, Way
from restore.database.waiting_tables import Relation
from restore.plan import Choices
from restore.services.planning.following import state_columns
from restore.services.planning.people import AccountsTable, counts_all
from restore.services.planning.staging import Prepared

Key = tuple[str, ...]
Many = ManyToManyField


def rights_of(
    connection: Connection,
    prepared: Prepared,
    table: AccountsTable,
    choices: Choices,
    becoming: Mapping[str, Becoming],
) -> dict[Key, Rights]:
    """What each account of the file gains, by its key there; those without any such right are left out."""
    section = table.target.reading.section
    if not (flags(section) or memberships(section)):
        return {}
    now = _Now(prepared, table)
    after = _After(prepared, table, choices, becoming)
    whose = identities.pairs(
        table.waiting, table.target.table.own_rows, table.columns.identity, table.columns.key
    )
    return dict(rights.gained(connection, now.side(), after.side(), whose))


class _Now:
    """The data as they are."""

    def __init__(self, prepared: Prepared, table: AccountsTable) -> None:
        self._file = prepared
        self._table = table
        self._section = table.target.reading.section

    def side(self) -> Side:
        columns = set(self._table.target.table.columns)
        return Side(
            self._table.target.table.own_rows,
            self._table.columns.key,
            self._flags(columns),
            self._ways(),
        )

    def _flags(self, there: set[str]) -> tuple[str, ...]:
        return tuple(c for c in state_columns(self._section, flags(self._section)) if c in there)

    def _ways(self) -> tuple[Way, ...]:
        found = (self._way(one) for one in memberships(self._section))
        return tuple(way for way in found if way is not None)

    def _way(self, one: Membership) -> Way | None:
        links, reaches = self._links(one.field), self._reaches(one)
        return Way(links, reaches) if links is not None and reaches is not None else None

    def _reaches(self, one: Membership) -> Rows | None:
        if one.is_of_permissions:
            return self._permissions(one.table)
        if one.onwards:
            return self._through(one.onwards)
        target = one.target
        relation = self._relation(target._meta.db_table)
        if relation is None:
            return None
        (key,) = primary_key_columns(target)
        section = registry.by_table().get(target._meta.db_table)
        named = [column_of(target, name) for name in natural_key(section)] if section else []
        return rights.called(relation, key, named or [key], one.name)

    def _through(self, onwards: tuple[Many, ...]) -> Rows | None:
        parts = []
        for onward in onwards:
            links = self._links(onward)
            labels = self._permissions(onward.m2m_db_table())
            if links is not None and labels is not None:
                parts.append(rights.through(links, labels))
        return rights.either(parts)

    def _links(self, field: Many) -> Rows | None:
        relation = self._relation(field.m2m_db_table())
        if relation is None:
            return None
        return rights.links(relation, field.m2m_column_name(), field.m2m_reverse_name())

    def _permissions(self, of: str) -> Rows | None:
        """``of`` is the table whose rows hold the numbers."""
        permission = apps.get_model(PERMISSION)
        content_type = permission._meta.get_field("content_type").related_model
        relations = [self._named(m._meta.db_table, of) for m in (permission, content_type)]
        known = [relation for relation in relations if relation is not None]
        return rights.permissions(*known) if len(known) == len(relations) else None

    def _named(self, table: str, of: str) -> Relation | None:
        return self._live(table)

    def _relation(self, table: str) -> Relation | None:
        return self._live(table)

    def _live(self, table: str) -> Relation | None:
        found = self._file.tables.get(table)
        return found.identifier if found else None


class _After(_Now):
    """The data as they are then: of tables in the file its rows, of others those of now that followed."""

    def __init__(
        self,
        prepared: Prepared,
        table: AccountsTable,
        choices: Choices,
        becoming: Mapping[str, Becoming],
    ) -> None:
        super().__init__(prepared, table)
        self._choices = choices
        self._becoming = becoming
        self._emptied = {table.name for table in prepared.matched.emptied}

    def side(self) -> Side:
        table = self._table
        side = Side(
            table.waiting.relation,
            table.columns.key,
            self._flags(set(table.waiting.columns)),
            self._ways(),
        )
        if counts_all(self._file, self._choices):
            return side
        # Of a foreign file flags are taken of those alone to whom a role was granted.
        granted = rights.is_one_of("t", table.columns.email, self._choices.grant_roles)
        return Side(side.accounts, side.key, side.flags, side.ways, granted)

    def _links(self, field: Many) -> Rows | None:
        found = super()._links(field)
        if found is None or field.m2m_db_table() in self._file.waiting:
            return found
        ends = (field.model._meta.db_table, field.related_model._meta.db_table)
        return rights.followed(found, *(self._becoming.get(name) for name in ends))

    def _named(self, table: str, of: str) -> Relation | None:
        return self._relation(table) if of in self._file.waiting else self._live(table)

    def _relation(self, table: str) -> Relation | None:
        if table in self._emptied:
            return None
        waiting = self._file.waiting.get(table)
        return waiting.relation if waiting else self._live(table)
