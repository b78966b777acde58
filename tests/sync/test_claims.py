"""Claims: held for as long as the work takes, given back whatever happens, and never waited for without end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from contact_sync import Busy
from contact_sync import claims as claims_module
from contact_sync.claims import Claims
from key_stores import MemoryKeyStore, StoreUnavailable
from tests.sync.helpers import make_world


class Renewing(MemoryKeyStore):
    """Says when leases have been renewed a few times; the first renewals may fail."""

    def __init__(self, *, failures: int = 0, lost: bool = False) -> None:
        super().__init__()
        self.renewals = 0
        self.failures = failures
        self.lost = lost
        self.enough = threading.Event()

    def renew_leases(self, integration_id: Any, names: Sequence[str], owner: str, seconds: float) -> bool:
        self.renewals += 1
        if self.renewals >= 3 + self.failures:
            self.enough.set()
        if self.renewals <= self.failures:
            raise StoreUnavailable("the key store cannot be reached")
        return super().renew_leases(integration_id, names, owner, seconds) and not self.lost


def claims_in(store: MemoryKeyStore, **times: float) -> Claims:
    return Claims(store, store, **times)


def memory_claims(**times: float) -> Claims:
    return claims_in(MemoryKeyStore(), **times)


@pytest.fixture(autouse=True)
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims are looked after all the time, by a thread that no other test has started."""
    monkeypatch.setattr(claims_module, "_RENEWAL_PAUSE", 0.005)
    monkeypatch.setattr(claims_module, "_renewal", claims_module._Renewal())


@pytest.mark.parametrize("failures", [0, 2])
def test_a_claim_is_renewed_for_as_long_as_the_work_takes(failures: int, caplog: pytest.LogCaptureFixture) -> None:
    store = Renewing(failures=failures)
    claims = Claims(store, store, seconds=0.03, wait=0.0)
    with claims.hold("i", ["a"]):
        assert store.enough.wait(20)
    assert caplog.text.count("could not be renewed (StoreUnavailable)") == failures


def test_a_claim_that_was_lost_is_noticed_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    store = Renewing(lost=True)
    with Claims(store, store, seconds=0.03).hold("i", ["a"]):
        assert store.enough.wait(20)
    assert "A claim ended before the work that it covers" in caplog.text


def test_a_claim_of_which_little_time_is_over_is_left_alone() -> None:
    """Two claims are looked after by one thread; the short one is renewed, the long one is not."""
    short, long = Renewing(), Renewing()
    with Claims(long, long, seconds=60).hold("i", ["a"]), Claims(short, short, seconds=0.03).hold("i", ["a"]):
        assert short.enough.wait(20)
    assert long.renewals == 0


def test_nobody_looks_after_claims_when_there_are_none() -> None:
    claims = memory_claims()
    for _ in range(2):  # and again when there are some
        with claims.hold("i", ["a"]):
            (thread,) = [one for one in threading.enumerate() if one is claims_module._renewal._thread]
        thread.join(20)
        assert not thread.is_alive()


def test_a_forked_process_does_not_renew_the_claims_of_its_parent() -> None:
    """What runs in the child after a fork, run here."""
    with memory_claims().hold("i", ["a"]):
        assert len(claims_module._renewal._held) == 1
        claims_module._renewal.forget_all()
        assert claims_module._renewal._held == set()
        assert claims_module._renewal._thread is None


def test_a_claim_is_all_or_nothing() -> None:
    store = MemoryKeyStore()
    assert store.acquire_leases("i", ["b"], "somebody", 60)
    claims = Claims(store, store, wait=0.0)
    with pytest.raises(Busy), claims.hold("i", ["a", "b"]):
        pass
    with claims.hold("i", ["a"]), claims.hold("other", ["b"]):
        pass


def test_a_claim_is_given_back_whatever_happens() -> None:
    claims = memory_claims(wait=0.0)
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), claims.hold("i", ["a"]):
            raise error
    with claims.hold("i", ["a"]):
        pass


def test_a_claim_whose_answer_was_lost_is_given_back() -> None:
    class Lossy(MemoryKeyStore):
        answers = False

        def acquire_leases(self, *args: Any) -> bool:
            taken = super().acquire_leases(*args)
            if not self.answers:
                self.answers = True
                raise StoreUnavailable("the key store did not answer")
            return taken

    claims = claims_in(Lossy(), wait=0.0)
    with pytest.raises(StoreUnavailable), claims.hold("i", ["a"]):
        pass
    with claims.hold("i", ["a"]):
        pass


def test_a_claim_whose_release_fails_once_is_given_back_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    class Flaky(MemoryKeyStore):
        failures = 1

        def release_leases(self, *args: Any) -> None:
            if self.failures:
                self.failures -= 1
                raise StoreUnavailable("the key store cannot be reached")
            super().release_leases(*args)

    claims = claims_in(Flaky(), wait=0.0)
    for _ in range(2):
        with claims.hold("i", ["a"]):
            pass
    assert caplog.records == []


def test_claims_are_held_and_renewed_later_on_where_no_thread_can_be_started_for_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renewal = claims_module._Renewal()
    monkeypatch.setattr(claims_module, "_renewal", renewal)
    with monkeypatch.context() as full:

        def refuse(_: object) -> None:
            raise RuntimeError("can't start new thread")

        full.setattr(threading.Thread, "start", refuse)
        world = make_world()
        assert world.event("contact_created", {"id": 7, "firstname": "Ana"})["data"]["action"] == "created"
    assert renewal._thread is None
    assert renewal._held == set()
    assert world.event("contact_updated", {"id": 7, "firstname": "Bea"})["data"]["action"] == "updated"
    assert renewal._thread is not None
    assert renewal._thread.is_alive()
