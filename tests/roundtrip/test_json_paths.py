"""New names of files inside JSON documents: only the strings at the path change, to the byte."""

import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backups.registry.json_path import EACH, parse
from restore.exchanging import exchanged


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$", ()),
        ("$[*]", (EACH,)),
        ("$[*].url", (EACH, "url")),
        ("$.a.b[*][*]", ("a", "b", EACH, EACH)),
        ('$."a b"."\\"é"', ("a b", '"é')),
    ],
)
def test_a_path_is_members_and_all_elements(path: str, steps: tuple[object, ...]) -> None:
    assert parse(path) == steps


@pytest.mark.parametrize(
    "path",
    [
        "",
        "url",
        "$url",
        "$.",
        "$[0]",
        "$[*",
        "$.*",
        "$.**",
        "strict $.a",
        "$.a ? (@ > 1)",
        "$.a.b()",
    ],
)
def test_another_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        parse(path)


NAMES = {"a.png": "new/é\n.png"}
NEW = '"new/é\\n.png"'


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("$[*].url", '[{"url": "a.png"}]', f'[{{"url": {NEW}}}]'),
        ("$[*].url", '{"url":"a.png"}', f'{{"url":{NEW}}}'),
        ("$.url", '[{"url":"a.png"}]', f'[{{"url":{NEW}}}]'),
        ("$[*].url", '[[{"url":"a.png"}]]', f'[[{{"url":{NEW}}}]]'),
        ("$.url", '[[{"url":"a.png"}]]', None),
        ("$[*]", '["a.png", "b.png"]', f'[{NEW}, "b.png"]'),
        ("$", '"a.png"', NEW),
        ("$[*].url", '[{"name": "a.png"}, "a.png", {"url": ["a.png"]}]', None),
        ("$[*].url", '[{"\\u0075rl": "\\u0061.png"}]', f'[{{"\\u0075rl": {NEW}}}]'),
        ("$.a", '{"n": 1e400, "a": "a.png", "z": -0}', f'{{"n": 1e400, "a": {NEW}, "z": -0}}'),
        ("$.a", '{"b": "{\\"a\\": \\"a.png\\"}", "a": 18446744073709551616}', None),
        ("$[*].url", " [ ] ", None),
        ("$[*].url", "null", None),
    ],
)  # fmt: skip
def test_only_the_strings_at_the_path_change(path: str, before: str, after: str | None) -> None:
    changed = exchanged(before.encode(), parse(path), NAMES)
    assert changed.decode() == (before if after is None else after)


def test_depth_is_no_matter() -> None:
    deep = b'{"x": ' + b"[" * 20_000 + b'"a.png"' + b"]" * 20_000 + b', "url": "a.png"}'
    changed = exchanged(deep, parse("$.url"), NAMES)
    assert changed == deep[: deep.rindex(b'"a.png"')] + NEW.encode() + b"}"


# Few names, so that paths lead somewhere.
_NAMES = st.sampled_from(["url", "a b", "", "a.png"])
_LEAVES = st.one_of(st.sampled_from(["a.png", "x", ""]), st.integers(), st.booleans(), st.none())
_DOCUMENTS = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3)
)
_PATHS = st.lists(st.sampled_from(["[*]", ".url", '."a b"', '.""']), max_size=4)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(document=_DOCUMENTS, steps=_PATHS)
def test_the_places_are_those_that_postgresql_finds(
    transactional_db: None, document: Any, steps: list[str]
) -> None:
    path, text = "$" + "".join(steps), json.dumps(document, ensure_ascii=False)
    numbered: list[str] = []

    class Numbering(dict[str, str]):
        """Gives each place a name of its own."""

        def get(self, name: str, default: Any = None) -> str:
            numbered.append(name)
            return f"place {len(numbered)}"

    changed = exchanged(text.encode(), parse(path), Numbering()).decode()
    assert sorted(_strings(text, path)) == sorted(numbered)
    assert sorted(_strings(changed, path)) == sorted(f"place {n + 1}" for n in range(len(numbered)))


def _strings(document: str, path: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT j #>> '{}' FROM jsonb_path_query(%s::jsonb, %s::jsonpath) AS j"
            " WHERE jsonb_typeof(j) = 'string'",
            [document, path],
        )
        return [string for (string,) in cursor.fetchall()]
