"""What the proof takes for order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.chaos.checks import path
from tests.chaos.crm import Written
from tests.chaos.stories import Shown, stories

A, B, C = ({"first_name": name} for name in ("Ana", "Bea", "Cora"))


def journal(*shown: Shown) -> list[Written]:
    return [Written(float(at), "r1", "update", each) for at, each in enumerate(shown)]


@pytest.mark.parametrize(
    "written",
    [(), (A, B, C, None), (C,), (A, A, B, B), (A, B, A), (B, C, None, None)],
    ids=["nothing", "each", "folded", "written again", "came back", "deleted"],
)
def test_states_may_be_left_out_and_repeated(written: Sequence[Shown]) -> None:
    assert path([A, B, A, C, None], journal(*written)) is None


@pytest.mark.parametrize(
    ("written", "place"),
    [((A, C, B), 2), ((A, {"first_name": "Dora"}), 1), ((A, None, A), 2), ((B, A, B), 2)],
    ids=["went back", "never was", "came back to life", "twice"],
)
def test_who_goes_back_or_where_nobody_was_is_found(written: Sequence[Shown], place: int) -> None:
    assert path([A, B, A, C, None], journal(*written)) == place


def test_stories_are_as_many_events_as_asked_for_and_the_same_each_time() -> None:
    made = stories(24, 240, seed=1)
    assert made == stories(24, 240, seed=1)
    assert made != stories(24, 240, seed=2)
    assert sum(len(story.events) for story in made) == 240
    assert [story.number for story in made if story.events[-1].shown is None] == [12, 24]
