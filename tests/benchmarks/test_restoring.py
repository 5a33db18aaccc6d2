"""The stages of a restore add up, and a moment that cannot be noted any more is no silent zero."""

from types import SimpleNamespace

import pytest

from benchmarks.restoring import AFTER, AWAY, Timeline


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def restored() -> dict[str, float]:
    """Inspecting 1 s; planning 2 s, locking after 0.5; loading 4 s, locking again; 8 s after the commit."""
    clock = Clock()
    work = SimpleNamespace(hold=lambda: "held", follow_up=lambda: "followed")
    timeline = Timeline(clock)
    timeline.mark("locked", work, "hold")
    timeline.mark("committed", work, "follow_up")
    for stage, before_lock, after_lock in (("planning", 0.5, 1.5), ("loading", 1.0, 3.0)):
        if stage == "planning":
            timeline.listener({"stage": "inspecting"})
            clock.now += 1.0
        timeline.listener({"stage": stage})
        clock.now += before_lock
        timeline.listener({"stage": stage})  # as twice a second
        assert work.hold() == "held"
        clock.now += after_lock
    assert work.follow_up() == "followed"
    clock.now += 8.0
    return timeline.parts()


def test_each_stage_has_its_time_once_however_often_it_was_told():
    parts = restored()
    assert list(parts) == ["inspecting", "planning", "loading", AWAY, AFTER]
    assert [parts[name] for name in ("inspecting", "planning", "loading")] == [1.0, 2.0, 12.0]


def test_the_time_away_is_from_the_first_lock_to_the_commit():
    assert restored()[AWAY] == 1.5 + 4.0


def test_what_follows_the_commit_is_told_apart():
    assert restored()[AFTER] == 8.0


def test_what_has_gone_cannot_be_marked():
    with pytest.raises(AttributeError):
        Timeline().mark("locked", SimpleNamespace(), "hold")


def test_without_a_commit_no_time_away_is_told():
    timeline = Timeline()
    timeline.listener({"stage": "loading"})
    with pytest.raises(KeyError):
        timeline.parts()
