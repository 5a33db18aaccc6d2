"""The two tables that say what the studio's 82 tables and 933 columns are, read as they stand."""

import csv
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent


def tables() -> list[dict[str, str]]:
    return _rows("tables.csv")


def columns() -> dict[str, list[dict[str, str]]]:
    """Columns of each table, by the model's name, in their order."""
    found = defaultdict(list)
    for row in _rows("columns.csv"):
        found[row["model"]].append(row)
    return dict(found)


def field_name(column: dict[str, str]) -> str:
    """``org_id`` belongs to the field ``org`` where it is a reference, and to itself where not."""
    name = column["column"]
    return name.removesuffix("_id") if column["kind"] == "reference" else name


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
