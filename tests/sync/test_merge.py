"""What is done with a field, row by row of the table, and what holds for all of them."""

from __future__ import annotations

import itertools
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync.merge import ABSENT, UNKNOWN, Do, FieldState, Merged, decide, merge

HERE: Final = "here"
THERE: Final = "there"


def wins(_: FieldState) -> bool:
    return True


def loses(_: FieldState) -> bool:
    return False


def never(_: FieldState) -> bool:
    raise AssertionError("nobody was to be asked")


@pytest.mark.parametrize(
    ("state", "deed"),
    [
        pytest.param(FieldState("f", ABSENT, here_changed=None), Do.NOTHING, id="nothing is said of it"),
        pytest.param(FieldState("f", HERE, here_changed=False), Do.NOTHING, id="an echo"),
        pytest.param(FieldState("f", None, here_changed=False), Do.NOTHING, id="an echo of a clear"),
        pytest.param(FieldState("f", HERE, THERE, False, True), Do.NOTHING, id="only the other side changed it"),
        pytest.param(FieldState("f", HERE, here_changed=True), Do.WRITE, id="changed, the other side is unknown"),
        pytest.param(FieldState("f", None, here_changed=True), Do.WRITE, id="cleared, the other side is unknown"),
        pytest.param(FieldState("f", HERE, THERE, True, False), Do.WRITE, id="changed, the other side is the same"),
        pytest.param(FieldState("f", None, THERE, True, False), Do.WRITE, id="cleared, the other side is the same"),
        pytest.param(FieldState("f", 0, here_changed=True), Do.WRITE, id="zero is a value"),
        pytest.param(FieldState("f", False, None, True, True), Do.WRITE, id="False is a value, against a clear"),
        pytest.param(FieldState("f", HERE, HERE, True, True), Do.AGREE, id="both changed it, to the same"),
        pytest.param(FieldState("f", None, None, True, True), Do.AGREE, id="both cleared it"),
        pytest.param(FieldState("f", HERE, None, True, None), Do.WRITE, id="changed, and nothing is known of a blank"),
        pytest.param(FieldState("f", HERE), Do.WRITE, id="first contact: a value"),
        pytest.param(FieldState("f", None), Do.NOTHING, id="first contact: never cleared"),
        pytest.param(FieldState("f", HERE, None), Do.WRITE, id="first contact: fills a blank there"),
        pytest.param(FieldState("f", None, THERE), Do.TAKE, id="first contact: fills a blank here"),
        pytest.param(FieldState("f", 0, None), Do.WRITE, id="first contact: zero fills a blank"),
        pytest.param(FieldState("f", None, False), Do.TAKE, id="first contact: False fills a blank"),
        pytest.param(FieldState("f", HERE, HERE), Do.AGREE, id="first contact: the same already"),
    ],
)
def test_a_row_of_the_table_where_nobody_has_to_be_asked(state: FieldState, deed: Do) -> None:
    # A blank on the other side that was cleared there meanwhile is a conflict like any other.
    conflict = state.here_changed is True and state.there_changed is True and deed is not Do.AGREE
    assert decide(state, wins if conflict else never) == (deed, conflict)


@pytest.mark.parametrize(
    ("state", "conflict"),
    [
        pytest.param(FieldState("f", HERE, THERE, True, True), True, id="both changed it"),
        pytest.param(FieldState("f", None, THERE, True, True), True, id="cleared here, changed there"),
        pytest.param(FieldState("f", HERE, THERE, True, None), True, id="changed here, unheard of there"),
        pytest.param(FieldState("f", HERE, THERE), False, id="first contact, two values: no conflict, a preference"),
    ],
)
def test_who_wins_is_asked_where_both_sides_have_something_else(state: FieldState, conflict: bool) -> None:
    assert decide(state, wins) == (Do.WRITE, conflict)
    assert decide(state, loses) == (Do.TAKE, conflict)


def test_a_contact_is_merged_field_by_field() -> None:
    states = [
        FieldState("echo", HERE, here_changed=False),
        FieldState("edit", HERE, here_changed=True),
        FieldState("clear", None, here_changed=True),
        FieldState("both", HERE, HERE, True, True),
        FieldState("fight", HERE, THERE, True, True),
        FieldState("blank", None, THERE),
    ]
    assert merge(states, loses) == Merged(
        write=("edit", "clear"), take=("fight", "blank"), agree=("both",), conflicts=("fight",)
    )


VALUES = st.sampled_from([None, 0, False, "", "a", "b", 1])
CHANGED = st.sampled_from([True, False, None])
STATES = st.builds(
    FieldState,
    st.just("f"),
    st.one_of(st.just(ABSENT), VALUES),
    st.one_of(st.just(UNKNOWN), VALUES),
    CHANGED,
    CHANGED,
)


@given(STATES, st.booleans())
def test_no_field_that_the_speaking_side_did_not_change_is_ever_written(state: FieldState, won: bool) -> None:
    deed, conflict = decide(state, lambda _: won)
    if state.here is ABSENT or state.here_changed is False:
        assert (deed, conflict) == (Do.NOTHING, False)


@given(STATES, st.booleans())
def test_nothing_is_cleared_that_nobody_cleared(state: FieldState, won: bool) -> None:
    deed, _ = decide(state, lambda _: won)
    if deed is Do.WRITE and state.here is None:
        assert state.here_changed is True
    if deed is Do.TAKE and state.there is None:
        assert state.there_changed is True


@given(STATES, st.booleans())
def test_what_was_done_is_not_done_again(state: FieldState, won: bool) -> None:
    """Merging is idempotent: with the baseline where the deed has put it, the same news is an echo."""
    deed, _ = decide(state, lambda _: won)
    if deed in (Do.WRITE, Do.AGREE):
        again = FieldState("f", state.here, state.here, here_changed=False, there_changed=False)
    elif deed is Do.TAKE:
        again = FieldState("f", state.there, state.there, here_changed=False, there_changed=False)
    else:
        again = state
    assert decide(again, lambda _: won)[0] is Do.NOTHING


def test_a_conflict_takes_two_sides_that_both_moved() -> None:
    for here_changed, there_changed in itertools.product([True, False, None], repeat=2):
        _, conflict = decide(FieldState("f", HERE, THERE, here_changed, there_changed), wins)
        assert conflict == (here_changed is True and there_changed is not False)
