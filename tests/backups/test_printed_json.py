"""JSON beside the rows: what people, scripts and journals get."""

import json
import math
from enum import StrEnum

import pytest

from backups import printed_json
from backups.wording import _


class Word(StrEnum):
    SAFE = "safe"


EVERYTHING = {
    "word": Word.SAFE,
    "sentence": _("The table {table} is empty.", table="Tür"),
    "numbers": [0, -1, 2**63, 2**64 - 1, 1.5, True, None],
    "pair": ("a", "b"),
    "nothing": [[], {}],
    3: "a number's name",
}


def test_it_is_laid_out_as_json_always_was() -> None:
    wanted = json.dumps(EVERYTHING, indent=2, ensure_ascii=False)
    assert printed_json.indented(EVERYTHING) == wanted
    assert json.loads(printed_json.compact(EVERYTHING)) == json.loads(wanted)


@pytest.mark.parametrize("odd", [2**64, -(2**70), "half \ud800"])
def test_it_loses_no_digit_of_a_large_number_and_no_half_of_a_letter(odd: object) -> None:
    for form in (printed_json.compact, printed_json.indented):
        assert json.loads(form({"value": odd})) == {"value": odd}


def test_what_is_no_number_is_null_as_json_has_no_word_for_it() -> None:
    assert printed_json.compact([math.nan, math.inf]) == "[null,null]"


def test_a_terminal_would_obey_nothing_in_it() -> None:
    name = "\x1b[2J\x7f\x9b2J\x85"
    shown = printed_json.indented({"name": name})
    assert not set(shown) & set(name) & {"\x1b", "\x7f", "\x9b", "\x85"}
    assert json.loads(shown) == {"name": name}


def test_what_has_no_form_is_refused_unless_somebody_says_what_it_is() -> None:
    with pytest.raises(TypeError):
        printed_json.compact({"attachment": b"bytes"})
    assert printed_json.compact({"type": int}, default=str) == '{"type":"<class \'int\'>"}'


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a": 1} x', b"\xff"])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        printed_json.parsed(text)
