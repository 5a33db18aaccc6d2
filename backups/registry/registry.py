"""All sections and exclusions of a project: a class, plus the one instance that projects use."""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import Model

from backups.registry.moves import Move
from backups.registry.scopes import Scope
from backups.registry.sections import Exclusion, Section


class Registry:
    """Collects declarations in the order in which they are made; that order is the artifact's.

    Nothing is refused here: contradictions are kept and reported together by the system checks.
    """

    def __init__(self) -> None:
        self._sections: list[Section] = []
        self._exclusions: list[Exclusion] = []
        self._moves: list[Move] = []

    def add_section(self, section: Section) -> None:
        self._sections.append(section)

    def add_exclusion(self, exclusion: Exclusion) -> None:
        self._exclusions.append(exclusion)

    def add_move(self, move: Move) -> None:
        self._moves.append(move)

    @property
    def moves(self) -> tuple[Move, ...]:
        return tuple(self._moves)

    @property
    def sections(self) -> tuple[Section, ...]:
        """All that are in files, Django's own tables last."""
        return (*self.of_project, *self.of_framework)

    @property
    def of_project(self) -> tuple[Section, ...]:
        """The project's own tables, which people count; Django's are counted apart."""
        return tuple(s for s in self._sections if not s.framework)

    @property
    def of_framework(self) -> tuple[Section, ...]:
        """Django's own tables, but for those of which the project itself says something else."""
        decided = {s.table for s in self.of_project} | self.excluded_tables()
        return tuple(s for s in self._sections if s.framework and s.table not in decided)

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        return tuple(self._exclusions)

    def in_scope(self, scope: Scope) -> tuple[Section, ...]:
        return tuple(s for s in self.sections if scope in s.scopes)

    def by_key(self) -> dict[str, Section]:
        return {s.key: s for s in self.sections}

    def by_table(self) -> dict[str, Section]:
        return {s.table: s for s in self.sections}

    def excluded_tables(self) -> frozenset[str]:
        return frozenset(e.table for e in self._exclusions)


registry = Registry()


def models_with_tables() -> Iterator[type[Model]]:
    """Every model that owns a table, those that Django makes for many-to-many fields included."""
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy and not model._meta.swapped:
            yield model
