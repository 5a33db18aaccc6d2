"""A type of the project's may be called as a function of PostgreSQL's is, and `max(x)` is a cast then, where
nothing says that the function is meant: https://www.postgresql.org/docs/current/typeconv-func.html"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import backups.database
import restore.database

# Those of our SQL that take one argument of many types.
POLYMORPHIC = (
    "array_agg|array_ndims|cardinality|char_length|count|json_agg|json_build_array|lower|max|min|pg_column_size"
    "|quote_ident|range_agg|to_json|to_jsonb|unnest|upper"
)
BARE = re.compile(rf"(?<![.\w%])({POLYMORPHIC})\((?!\*|%s, %s|%\(tables\)s|i\.indkey|{{}}\) AS k)")
SQL = re.compile(r"^[^`]*([A-Z]{4}|\{\}|\{c\})")
# What stands in functions of the database is compared with it letter by letter.
KEPT = {"audit_chain.py"}


def texts(source: str) -> Iterator[str]:
    """The constant texts of a module that hold SQL, without documentation."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and SQL.search(node.value)
        ):
            yield node.value


def bare(source: str) -> list[str]:
    return [name for text in texts(source) for name in BARE.findall(text)]


def test_functions_of_one_argument_say_whose_they_are() -> None:
    modules = [
        path
        for package in (backups.database, restore.database)
        for path in Path(package.__path__[0]).glob("*.py")
        if path.name not in KEPT
    ]
    assert len(modules) > 40
    found = {path.name: bare(path.read_text(encoding="utf-8")) for path in modules}
    assert {name: names for name, names in found.items() if names} == {}


def test_one_that_does_not_is_seen() -> None:
    assert bare('x = "SELECT max(a) FROM t"') == ["max"]
    assert bare('x = "SELECT pg_catalog.max(a), count(*) FROM t"') == []
