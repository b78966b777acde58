"""Claims on contacts: renewed while they are held, and given back whatever happens."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync import Busy, Result
from contact_sync import claims as claims_module
from contact_sync.abilities import Abilities
from contact_sync.claims import Claims
from contact_sync.errors import ClaimLost
from key_stores import ContactRef, KeyStore, MemoryKeyStore, SavePair, StoreUnavailable
from tests.sync.fenced import LONG, Fenced, FencedLeases
from tests.sync.helpers import INSTALLATION, TOKEN, make_world

SEVEN = ContactRef(botmatic_id="7")


def claims_of(store: KeyStore, **times: float) -> Claims:
    abilities = Abilities.of(store)
    return Claims(abilities.leases, abilities.claims, **times)


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims are looked after all the time, by a thread that no other test has started."""
    monkeypatch.setattr(claims_module, "_RENEWAL_PAUSE", 0.005)
    monkeypatch.setattr(claims_module, "_renewal", claims_module._Renewal())


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("kind", [Fenced, FencedLeases], ids=["claims", "five methods and leases"])
def test_a_claim_is_renewed_for_as_long_as_the_work_takes(kind: type[Any]) -> None:
    store = kind()
    with claims_of(store, seconds=0.03).contacts("i", [SEVEN]) as claim:
        assert store.renewed.wait(20)
        claim.record(SavePair("7", "1"))
    assert store.get_external_id("i", "7") == "1"


def test_a_claim_that_was_lost_is_noticed_and_nobody_has_to_be_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = Fenced()
    with pytest.raises(ClaimLost), claims_of(store).contacts("i", [SEVEN]) as claim:  # noqa: PT012 - it ends with the block
        monkeypatch.setattr(claim, "_renewed", float("-inf"))
        store.lost = True
        claim.renew()
        assert "A claim ended before the work that it covers, which stops here" in caplog.text
        for attempt in (claim.check, lambda: claim.record(SavePair("7", "1"))):
            with pytest.raises(ClaimLost):
                attempt()
        assert store.renewals == 1
        claim.later(SavePair("7", "1"))
    assert store.get_external_id("i", "7") is None


def test_a_claim_that_cannot_be_renewed_for_now_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryKeyStore()
    with claims_of(store).contacts("i", [SEVEN]) as claim:
        monkeypatch.setattr(claim, "_renewed", float("-inf"))
        with monkeypatch.context() as away:
            away.setattr(store, "renew_claim", broken)
            claim.renew()
            with pytest.raises(StoreUnavailable):
                claim.check()
        claim.check()
    assert "A claim could not be renewed (StoreUnavailable)" in caplog.text


def broken(*_: object, **__: object) -> Any:
    raise StoreUnavailable("the key store cannot be reached")


@pytest.mark.parametrize("kind", [MemoryKeyStore, FencedLeases])
def test_a_claim_is_given_back_whatever_happens_and_nobody_else_has_it_meanwhile(kind: type[Any]) -> None:
    claims = claims_of(kind(), wait=0.0)
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), claims.contacts("i", [SEVEN]):  # noqa: PT012 - it is raised in the block
            with pytest.raises(Busy), claims.contacts("i", [ContactRef(external_id="1"), SEVEN]):
                pass
            raise error
    with claims.contacts("i", [ContactRef(external_id="1"), SEVEN]):
        pass


def test_what_is_claimed_along_with_others_is_given_back_with_them() -> None:
    claims = claims_of(MemoryKeyStore(), wait=0.0)
    with claims.contacts("i", [SEVEN]) as claim:
        claims.add(claim, [ContactRef(external_id="1")])
        with pytest.raises(Busy), claims.contacts("i", [ContactRef(external_id="1")]):
            pass
    with claims.contacts("i", [ContactRef(external_id="1")]):
        pass


@pytest.mark.parametrize("method", ["claim", "record"])
@pytest.mark.parametrize("after", [False, True], ids=["before it takes effect", "its answer is lost"])
def test_a_claim_is_given_back_also_if_it_is_not_known_what_came_of_a_call(
    method: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryKeyStore()
    real = getattr(store, method)
    calls: list[int] = []

    def once(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:
            return real(*args, **kwargs)
        if after:
            real(*args, **kwargs)
        raise StoreUnavailable("the key store did not answer")

    monkeypatch.setattr(store, method, once)
    claims = claims_of(store, wait=0.0)
    with pytest.raises(StoreUnavailable), claims.contacts("i", [SEVEN]) as claim:
        claim.later(SavePair("7", "1"))
    with claims.contacts("i", [SEVEN]) as claim:
        assert claim.contacts[0].paired is (method == "record" and after)


def test_what_cannot_be_given_back_is_said_in_the_log_and_hides_no_other_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryKeyStore()
    with pytest.raises(LookupError), claims_of(store).contacts("i", [SEVEN]):  # noqa: PT012 - it is raised in the block
        monkeypatch.setattr(store, "record", broken)
        raise LookupError
    assert "A claim could not be given back (StoreUnavailable); it ends in 20 s" in caplog.text
    monkeypatch.setattr(store, "claim", broken)
    with pytest.raises(StoreUnavailable), claims_of(store).contacts("i", [SEVEN]):
        pass
    assert "A claim may not be given back (StoreUnavailable); it ends in 20 s" in caplog.text


def test_a_contact_that_is_worked_on_elsewhere_for_too_long_fails_for_now() -> None:
    store = MemoryKeyStore()
    world = make_world(store=store)
    world.sync.engine.claims._wait = 0.0
    assert store.claim(INSTALLATION, [SEVEN], "somebody", LONG)
    for result in (
        world.sync.forget("7", TOKEN, side="botmatic"),
        world.sync.merge_contacts("7", "8", TOKEN, side="botmatic"),
    ):
        assert result == Result.failed("another request is working on this contact; try again later", retryable=True)
