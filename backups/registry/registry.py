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
        self._sorted: _Sorted | None = None

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
        return self._now().sections

    @property
    def of_project(self) -> tuple[Section, ...]:
        """The project's own tables, which people count; Django's are counted apart."""
        return self._now().of_project

    @property
    def of_framework(self) -> tuple[Section, ...]:
        """Django's own tables, but for those of which the project itself says something else."""
        return self._now().of_framework

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        return tuple(self._exclusions)

    def in_scope(self, scope: Scope) -> tuple[Section, ...]:
        return tuple(s for s in self.sections if scope in s.scopes)

    def by_key(self) -> dict[str, Section]:
        return dict(self._now().by_key)

    def by_table(self) -> dict[str, Section]:
        return dict(self._now().by_table)

    def excluded_tables(self) -> frozenset[str]:
        return frozenset(e.table for e in self._exclusions)

    def _now(self) -> "_Sorted":
        """Sorted once, and again when something was declared since: it is asked for each table."""
        declared = (self._sections, self._exclusions)
        if self._sorted is None or not self._sorted.is_of(*declared):
            self._sorted = _Sorted(*declared)
        return self._sorted


class _Sorted:
    """The sections as they are asked for, of the declarations of a moment."""

    def __init__(self, sections: list[Section], exclusions: list[Exclusion]) -> None:
        self._lists = (sections, exclusions)
        self._sizes = (len(sections), len(exclusions))
        self.of_project = tuple(s for s in sections if not s.framework)
        decided = {s.table for s in self.of_project} | {e.table for e in exclusions}
        self.of_framework = tuple(s for s in sections if s.framework and s.table not in decided)
        self.sections = (*self.of_project, *self.of_framework)
        self.by_key = {s.key: s for s in self.sections}
        self.by_table = {s.table: s for s in self.sections}

    def is_of(self, sections: list[Section], exclusions: list[Exclusion]) -> bool:
        """Whether these are still the declarations, which are only ever added to."""
        known, more = self._lists
        sizes = (len(sections), len(exclusions))
        return known is sections and more is exclusions and self._sizes == sizes


registry = Registry()


def models_with_tables() -> Iterator[type[Model]]:
    """Every model that owns a table, those that Django makes for many-to-many fields included."""
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy and not model._meta.swapped:
            yield model
