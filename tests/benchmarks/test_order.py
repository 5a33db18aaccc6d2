"""Contenders take turns, and nobody is always the first."""

import pytest

from benchmarks.__main__ import in_turn
from benchmarks.contenders import Contender

FIVE = [Contender(name, lambda: pytest.fail("nothing is measured here"), 1) for name in "abcde"]


@pytest.mark.parametrize("number", range(6))
def test_a_round_has_everyone_once_and_after_the_one_before(number):
    turn = in_turn(FIVE, number)
    first = FIVE.index(turn[0])
    assert turn == FIVE[first:] + FIVE[:first]


def test_three_rounds_begin_with_three_contenders():
    assert len({in_turn(FIVE, number)[0].name for number in range(3)}) == 3
