"""News that come twice, in another order or never; processes that die; clocks that are wrong."""

from __future__ import annotations

import time

import pytest

from contact_sync.testing import Crash, WebhookFaults, skewed_clock
from contact_sync.testing.faults import MortalStore
from key_stores import ContactRef

NEWS = [(lane, number) for number in range(8) for lane in "abc"]


def test_without_faults_everything_arrives_once_and_in_order() -> None:
    assert WebhookFaults().arrive(NEWS) == NEWS


def test_the_same_seed_and_news_arrive_in_the_same_way() -> None:
    def arrived(seed: int) -> list[tuple[str, int]]:
        return WebhookFaults(seed, duplicate=0.3, reorder=1, lose=0.3).arrive(NEWS)

    assert arrived(1) == arrived(1)
    assert arrived(1) != arrived(2)


def test_copies_come_directly_after_their_original() -> None:
    faults = WebhookFaults(1, duplicate=0.5)
    arrived = faults.arrive(NEWS)
    assert list(dict.fromkeys(arrived)) == NEWS
    assert len(arrived) == len(NEWS) + len(faults.done) > len(NEWS)


def test_what_is_lost_never_arrives_and_is_named() -> None:
    faults = WebhookFaults(1, lose=0.5)
    arrived = faults.arrive(NEWS)
    lost = [one for one in NEWS if one not in arrived]
    assert faults.done == [f"lose: {one}" for one in lost]
    assert 0 < len(lost) < len(NEWS)


def test_the_order_changes_and_a_lane_keeps_its_own() -> None:
    assert sorted(WebhookFaults(1, reorder=1).arrive(NEWS)) == sorted(NEWS)
    assert WebhookFaults(1, reorder=1).arrive(NEWS) != NEWS
    arrived = WebhookFaults(1, reorder=1, duplicate=0.3).arrive(NEWS, lambda one: one[0])
    for lane in "abc":
        numbers = [number for of, number in arrived if of == lane]
        assert numbers == sorted(numbers)
    assert list(dict.fromkeys(arrived)) != NEWS


def test_faults_of_news_can_be_ended_and_say_what_they_did() -> None:
    faults = WebhookFaults(3, lose=1)
    assert faults.arrive(["one"]) == []
    faults.end()
    assert faults.arrive(["two"]) == ["two"]
    assert repr(faults) == "<WebhookFaults seed=3 ; done: ['lose: one']>"


def test_what_a_process_has_stored_outlives_it_and_its_calls_end_with_it() -> None:
    store = MortalStore()
    store.save_ids("i", "7", "1")
    assert store.claim("i", [ContactRef(external_id="1")], "somebody", 1000) is not None
    store.die()
    for call in (lambda: store.get_botmatic_id("i", "1"), lambda: store.record("i", [], "somebody")):
        with pytest.raises(Crash):
            call()
    after = store.next_process()
    assert after.get_botmatic_id("i", "1") == "7"
    assert after.claim("i", [ContactRef(external_id="1")], "somebody else", 1000) is not None
    after.save_ids("i", "8", "2")
    assert after.next_process().get_botmatic_id("i", "2") == "8"


def test_a_clock_that_is_wrong_is_right_again_afterwards() -> None:
    before = time.time()
    with skewed_clock(3600):
        assert time.time() >= before + 3600
    assert time.time() < before + 1800
