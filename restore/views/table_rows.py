"""The tables of a plan or a report, both in their JSON form, as pages show them: grouped, summed up, with
bars. Pure but for the models' names."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backups.registry import registry
from backups.translating import translated
from restore.plan import Fate, Kind

Plain = dict[str, Any]


@dataclass(frozen=True)
class Bar:
    """A table's rows in per cent of the widest the bar ever is: rows that stay, go and come."""

    stays: float
    goes: float
    comes: float

    @property
    def goes_at(self) -> float:
        return self.stays

    @property
    def comes_at(self) -> float:
        return self.stays + self.goes


@dataclass(frozen=True)
class TableRow:
    """One table of a plan. ``words`` is what the search box looks through."""

    title: str
    plain: Plain
    bar: Bar
    loses: bool

    @property
    def words(self) -> str:
        return f"{self.title} {self.plain['table']} {self.plain['key']}"

    @property
    def changed(self) -> int:
        """Rows that go back; a plan of an earlier version did not count them."""
        return _changed(self.plain)

    @property
    def is_empty(self) -> bool:
        return not (self.plain["now"] or self.plain["after"])


@dataclass
class Group:
    """Tables under one heading, and their sums."""

    name: str
    tables: list[TableRow] = field(default_factory=list)

    @property
    def now(self) -> int:
        return sum(row.plain["now"] for row in self.tables)

    @property
    def after(self) -> int:
        return sum(row.plain["after"] for row in self.tables)

    @property
    def lost(self) -> int:
        return sum(row.plain["lost"] for row in self.tables)

    @property
    def changed(self) -> int:
        return sum(row.changed for row in self.tables)

    @property
    def loses(self) -> bool:
        return any(row.loses for row in self.tables)


@dataclass(frozen=True)
class Sums:
    """What a plan comes to. ``now``, ``after`` and ``tables`` are of the project's tables that the file has;
    Django's own are counted apart (``framework_…``), as everywhere, and so are those that the file does not
    have (``other_…``), which are emptied or follow. What goes or changes is counted of all of them:
    ``tables_losing`` counts tables that lose rows or references, and ``tables_changing`` those of which rows
    go back to what they were."""

    now: int
    after: int
    lost: int
    changed: int
    set_null: int
    kept: int
    refilled: int
    tables: int
    framework_now: int
    framework_after: int
    framework_tables: int
    other_now: int
    other_after: int
    other_tables: int
    tables_losing: int
    tables_changing: int

    @property
    def takes(self) -> bool:
        """Whether anything that is here now would go or change."""
        return bool(self.lost or self.changed or self.set_null)


def groups(tables: Iterable[Plain]) -> list[Group]:
    """The tables in the order of the declarations; those that only follow come at their place too."""
    found: dict[str, Group] = {}
    for plain in filter(_is_listed, tables):
        name = plain["group"]
        found.setdefault(name, Group(_heading(plain))).tables.append(_row(plain))
    last = len(registry.sections)
    order = {section.group: place for place, section in reversed([*enumerate(registry.sections)])}
    return [found[name] for name in sorted(found, key=lambda name: order.get(name, last))]


def apart(tables: list[Plain]) -> Plain:
    """The tables of which something goes or changes, and the others: what ``plan.html`` unfolds and folds."""
    losing = [plain for plain in tables if _row(plain).loses]
    unharmed = [plain for plain in tables if not _row(plain).loses]
    return {
        "losing": groups(losing),
        "unharmed": groups(unharmed),
        "unharmed_count": sums(unharmed),
    }


def _heading(plain: Plain) -> str:
    """The group's name in the reader's language; as the plan has it where it is not declared today."""
    section = registry.by_table().get(plain["table"])
    known = section.group if section and section.group == plain["group"] else plain["group"]
    return translated(known) or _("Tables of Django itself")


def _is_of_project(plain: Plain) -> bool:
    section = registry.by_table().get(plain["table"])
    return section is not None and not section.framework


def _is_in_file(plain: Plain) -> bool:
    return bool(plain["fate"] == Fate.REPLACED)


def _is_listed(plain: Plain) -> bool:
    """Empty tables that no file ever has are nobody's concern."""
    return bool(plain["key"] or plain["now"] or plain["after"])


def sums(tables: list[Plain]) -> Sums:
    in_file = [table for table in tables if _is_in_file(table)]
    own = [table for table in in_file if _is_of_project(table)]
    framework = [table for table in in_file if not _is_of_project(table)]
    other = [table for table in tables if not _is_in_file(table) and _is_listed(table)]

    def total(name: str, some: list[Plain] = tables) -> int:
        return sum(table[name] for table in some)

    return Sums(
        now=total("now", own),
        after=total("after", own),
        framework_now=total("now", framework),
        framework_after=total("after", framework),
        framework_tables=len(framework),
        other_now=total("now", other),
        other_after=total("after", other),
        other_tables=len(other),
        lost=total("lost"),
        changed=sum(_changed(table) for table in tables),
        set_null=total("set_null"),
        kept=total("kept"),
        refilled=total("refilled"),
        tables=len(own),
        tables_losing=sum(bool(t["lost"] or t["set_null"]) for t in tables),
        tables_changing=sum(bool(_changed(table)) for table in tables),
    )


def worst(tables: list[Plain], *, most: int = 5) -> list[TableRow]:
    """The tables that lose the most rows, most first."""
    losing = sorted((t for t in tables if t["lost"]), key=lambda t: -int(t["lost"]))
    return [_row(table) for table in losing[:most]]


def table_of(plan: Plain, key: str) -> TableRow | None:
    """A table of the plan by its section's key."""
    return next((_row(table) for table in plan["tables"] if key and table["key"] == key), None)


def count(plain: Plain, kind: Kind) -> int:
    """How many rows of a kind a plan counted in a table."""
    return int(plain.get({Kind.RETURNING: "added"}.get(kind, kind.value), 0))


def proven(sections: dict[str, int]) -> list[tuple[str, list[tuple[str, int]]]]:
    """The rows that a test restore read back: by group and table, in the order of the declarations. A
    section that is not declared any more comes last, by its key."""
    found: dict[str, list[tuple[str, int]]] = {}
    for section in registry.sections:
        if section.key in sections:
            title = title_of({"table": section.table})
            found.setdefault(translated(section.group), []).append((title, sections[section.key]))
    gone = [(key, rows) for key, rows in sections.items() if key not in registry.by_key()]
    return [*found.items(), *([(_("Tables of earlier versions"), gone)] if gone else [])]


def _row(plain: Plain) -> TableRow:
    return TableRow(title_of(plain), plain, _bar(plain), _loses(plain))


def title_of(plain: Plain) -> str:
    section = registry.by_table().get(plain["table"])
    if section is None:
        return str(plain["table"])
    return capfirst(str(section.model._meta.verbose_name_plural))


def most_changed(tables: list[Plain], *, most: int = 5) -> list[TableRow]:
    """The tables of which the most rows go back, most first."""
    changing = sorted((t for t in tables if _changed(t)), key=lambda t: -_changed(t))
    return [_row(table) for table in changing[:most]]


def _changed(plain: Plain) -> int:
    return int(plain.get("changed", 0))


def _loses(plain: Plain) -> bool:
    return bool(plain["lost"] or plain["set_null"] or _changed(plain))


def _bar(plain: Plain) -> Bar:
    stays = max(0, plain["now"] - plain["lost"])
    comes = max(0, plain["after"] - stays)
    whole = stays + plain["lost"] + comes
    if not whole:
        return Bar(0, 0, 0)
    goes = _visible(plain["lost"], whole)
    grows = _visible(comes, whole)
    return Bar(round(100 - goes - grows, 2), goes, grows)


def _visible(part: int, whole: int) -> float:
    """Per cent; a part that is not nothing is wide enough to be seen."""
    return round(max(2.0, 96.0 * part / whole), 2) if part else 0
