"""Rows and tables as people count them: the project's own, and Django's apart. One number for one thing:
pages, commands and reports take theirs from here."""

from collections.abc import Mapping
from dataclasses import dataclass

from backups.registry.registry import registry


@dataclass(frozen=True)
class Counted:
    """``rows`` and ``tables`` are of the project; those of Django itself are counted apart."""

    rows: int = 0
    tables: int = 0
    framework_rows: int = 0
    framework_tables: int = 0

    def __str__(self) -> str:
        """As commands say it."""
        return f"{self.rows:,} rows in {self.tables} tables" + (
            f", {self.framework_rows:,} in {self.framework_tables} of Django itself"
            if self.framework_tables
            else ""
        )


def counted(rows: Mapping[str, int]) -> Counted:
    """Of the rows of sections by their keys. A section that is not declared any more was the project's."""
    known = registry.by_key()
    of_framework = {key for key in rows if key in known and known[key].framework}
    return Counted(
        rows=sum(number for key, number in rows.items() if key not in of_framework),
        tables=len(rows) - len(of_framework),
        framework_rows=sum(rows[key] for key in of_framework),
        framework_tables=len(of_framework),
    )
