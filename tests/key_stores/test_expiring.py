"""What the store in memory keeps of texts that expire: no more than there are."""

from __future__ import annotations

import pytest

from key_stores.memory import Expiring


@pytest.mark.parametrize("live", [1, 100])
def test_texts_that_are_written_again_take_no_more_room(live: int) -> None:
    kept: Expiring[int] = Expiring()
    for number in range(10_000):
        kept.put(number % live, str(number), 60_000)
    assert len(kept._ends) <= 2 * live + 17
    assert [kept.get(key) for key in range(live)] == [str(10_000 - live + key) for key in range(live)]


def test_texts_that_are_dropped_leave_nothing_behind() -> None:
    kept: Expiring[int] = Expiring()
    for number in range(10_000):
        kept.put(number, "", 60_000)
        kept.drop(number)
    assert len(kept._ends) <= 17


def test_the_end_of_each_text_is_known_after_many_were_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    kept: Expiring[str] = Expiring()
    kept.put("short", "1", 1_000)
    for _ in range(100):
        kept.put("long", "2", 60_000)
    now += 1.0
    assert (kept.get("short"), kept.get("long")) == (None, "2")
    kept.put("other", "3", 1_000)
    assert set(kept._values) == {"long", "other"}
