"""A page of the rows behind a plan's numbers, as ``restore_plan --rows`` prints it."""

from dataclasses import dataclass, replace
from typing import Any

from django.core.management.base import CommandError

from backups.management import terminal
from restore.plan import ROWS_A_PAGE, Kind, TablePlan
from restore.services.planning import visible
from restore.services.planning.looking import LookThrough

Plain = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What was asked for; ``table`` is a section's key or a table's name."""

    table: str
    kind: Kind
    page: int


@dataclass(frozen=True)
class Found:
    """A page of rows, all of them together ``ROWS_A_PAGE`` at most."""

    wanted: Wanted
    table: TablePlan
    rows: list[Plain]

    @property
    def total(self) -> int:
        return self.table.count(self.wanted.kind)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // ROWS_A_PAGE))

    @property
    def first(self) -> int:
        return (self.wanted.page - 1) * ROWS_A_PAGE + 1

    def as_dict(self) -> Plain:
        return {
            "key": self.table.key,
            "table": self.table.table,
            "kind": self.wanted.kind,
            "page": self.wanted.page,
            "pages": self.pages,
            "total": self.total,
            "rows": self.rows,
        }


def find(look: LookThrough, wanted: Wanted) -> Found:
    """Raises CommandError where the plan has no such table, or the list no such page."""
    table = look.table(wanted.table)
    if table is None:
        raise CommandError(
            "The plan has no such table, or none whose rows may be shown. All of them:"
            " manage.py restore_plan FILE",
            returncode=terminal.UNSOUND,
        )
    found = Found(wanted, table, [])
    if not 1 <= wanted.page <= found.pages:
        raise CommandError(f"There are {found.pages:,} pages.", returncode=terminal.UNSOUND)
    rows = look.rows(table, wanted.kind, offset=found.first - 1, limit=ROWS_A_PAGE)
    return replace(found, rows=list(rows))


def show(found: Found, output: terminal.Output) -> None:
    """Print them: of each row its key, below it a line a column."""
    last = found.first + len(found.rows) - 1
    span = f"{found.first:,} to {last:,} of {found.total:,}" if found.rows else "none"
    output.line(f"{found.table.table} ({found.table.key}), {found.wanted.kind}: {span}")
    for number, row in enumerate(found.rows, start=found.first):
        key = ", ".join(f"{name} {_value(value, 'hidden')}" for name, value in row["key"].items())
        output.line(f"{number:,}. {key}")
        for cell in row["cells"]:
            output.line(f"     {cell['column']}: {_cell(cell)}")
    if found.wanted.page < found.pages:
        output.line(f"Page {found.wanted.page:,} of {found.pages:,}; --page goes on.")


def _cell(cell: Plain) -> str:
    if cell.get("hidden"):
        if "differs" in cell:
            return "hidden; it differs"
        return "hidden; it is there" if cell["is_filled"] else "hidden; it is empty"
    sides = [_side(cell, name) for name in ("now", "file") if name in cell]
    later = " (it differs further on)" if len(sides) == 2 and cell["now"] == cell["file"] else ""
    return " → ".join(sides) + later


def _side(cell: Plain, name: str) -> str:
    characters = cell.get(f"{name}_characters")
    cut = f" … of {characters:,} characters" if characters else ""
    return _value(cell[name], "NULL") + cut


def _value(value: str | None, nothing: str) -> str:
    # Quotes tell a text NULL from none, and show where it ends.
    return nothing if value is None else f'"{visible.spelled_out(value)}"'
