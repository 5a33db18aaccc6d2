"""A database after a Safe restore against what ``safe_rules`` expects."""

from restore.plan import Plan
from tests.restore.safe_rules import FRESH, Expected, safe_tables
from tests.restore.tables import Row, Rows

# 32 random bytes in base64url, as the declarations ask.
FRESH_LENGTH = 43


def mistakes(expected: Expected, found: Rows) -> list[str]:
    """Every row that is not as it must be, in words; empty where all are."""
    wrong = []
    for table in sorted(expected.rows.keys() | found.keys()):
        rows, there = expected.rows.get(table, {}), found.get(table, {})
        for key in sorted(rows.keys() | there.keys(), key=str):
            if key not in rows:
                wrong.append(f"{table}: a row that should not be there")
            elif key not in there:
                wrong.append(f"{table}: a row is missing")
            else:
                wrong += [f"{table}.{c}: {w}" for c, w in _cells(rows[key], there[key])]
    return wrong + _repeated_tokens(expected, found)


def _cells(row: Row, there: Row) -> list[tuple[str, str]]:
    wrong = []
    for column in row.keys() | there.keys():
        should, cell = row.get(column), there.get(column)
        if should == FRESH:
            if cell is None or len(cell) != FRESH_LENGTH:
                wrong.append((column, "is not a fresh token"))
        elif should != cell:
            wrong.append((column, f"should be {should!r} and is {cell!r}"))
    return wrong


def _repeated_tokens(expected: Expected, found: Rows) -> list[str]:
    fresh = [
        found[table][key][column]
        for table, rows in expected.rows.items()
        for key, row in rows.items()
        for column, cell in row.items()
        if cell == FRESH and key in found.get(table, {})
    ]
    return ["two fresh tokens are the same"] if len(set(fresh)) < len(fresh) else []


def miscounts(plan: Plan, expected: Expected, file: Rows, now: Rows) -> list[str]:
    """Where the plan's numbers are not those of the expectation; tables without a plan included."""
    wrong = []
    safe = safe_tables()
    planned = {table.table: table for table in plan.tables}
    for name in sorted(expected.rows):
        before, after = now[name], expected.rows[name]
        if name not in planned:
            if before != after:
                wrong.append(f"{name} changes and is not in the plan")
            continue
        table = planned[name]
        counts = {
            "now": len(before),
            "after": len(after),
            "kept": expected.kept.get(name, 0),
            "refilled": expected.refilled.get(name, 0),
            "removed": expected.removed.get(name, 0),
            "set_null": expected.set_null.get(name, 0),
            "dropped": len(before.keys() - after.keys()) if name in safe else 0,
            "added": len(file[name].keys() - before.keys()) if name in safe else 0,
        }
        wrong += [
            f"{name}.{what}: planned {getattr(table, what)}, should be {count}"
            for what, count in counts.items()
            if getattr(table, what) != count
        ]
    return wrong
