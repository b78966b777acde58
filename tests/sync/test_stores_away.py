"""Stores and claims that fail, one call at a time."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from contact_sync import integration as integration_module
from contact_sync import pairing as pairing_module
from contact_sync.claims import Claims
from key_stores import Claimed, ContactRef, MemoryKeyStore, StoreUnavailable
from tests.sync.helpers import INSTALLATION, make_world

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}


class Away(MemoryKeyStore):
    """A store whose named methods are out of reach for the next calls."""

    def __init__(self) -> None:
        super().__init__()
        self.away: dict[str, int] = {}

    def _check(self, method: str) -> None:
        if self.away.get(method, 0) > 0:
            self.away[method] -= 1
            raise StoreUnavailable("the key store cannot be reached")

    def claim(self, *args: Any) -> Claimed | None:
        self._check("claim")
        return super().claim(*args)

    def record(self, integration_id: Any, leases: Any, owner: str, writes: Any = (), *, release: bool = True) -> bool:
        self._check("save" if writes else "release")
        return super().record(integration_id, leases, owner, writes, release=release)


def test_a_store_that_is_away_is_answered_with_503_and_nothing_is_written() -> None:
    store = Away()
    world = make_world(store=store)
    store.away["claim"] = 1
    answer = world.post({"event": "contact_created", "data": ANA})
    assert answer.status_code == 503
    assert answer.get_json()["data"]["error"] == "the key store cannot be reached"
    assert world.crm.calls == []
    assert world.event("contact_created", ANA)["data"]["action"] == "created"


def test_a_pair_that_cannot_be_saved_at_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing_module, "RECORD_PAUSES", (0.0, 0.0, 0.0))
    store = Away()
    world = make_world(store=store)
    store.away["save"] = 3
    assert world.event("contact_created", ANA)["data"]["action"] == "created"
    assert world.external_id("7") == "1"


def test_a_pair_that_cannot_be_saved_at_all_names_the_record_in_answer_and_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pairing_module, "RECORD_PAUSES", (0.0,))
    store = Away()
    world = make_world(store=store)
    store.away["save"] = 2
    answer = world.post({"event": "contact_created", "data": ANA})
    assert answer.status_code == 503
    assert answer.get_json()["data"]["reason"] == "the record 1 exists, but the pair could not be saved"
    assert "Botmatic '7' and external '1'" in caplog.text
    assert world.event("contact_created", ANA)["data"] == {"success": True, "id": "1", "action": "adopted"}


def test_a_claim_that_cannot_be_given_back_does_not_undo_what_was_done(caplog: pytest.LogCaptureFixture) -> None:
    store = Away()
    world = make_world(store=store)
    store.away["release"] = 2
    assert world.event("contact_created", ANA)["data"]["action"] == "created"
    assert "could not be given back" in caplog.text


def test_a_contact_that_somebody_else_works_on_for_too_long_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integration_module, "Claims", functools.partial(Claims, wait=0.01))
    store = MemoryKeyStore()
    world = make_world(store=store)
    assert store.claim(INSTALLATION, [ContactRef(botmatic_id="7")], "somebody", 60)
    answer = world.post({"event": "contact_created", "data": ANA})
    assert answer.status_code == 503
    assert "another request is working on this contact" in answer.get_json()["data"]["error"]
    assert world.event("contact_created", {"id": 8, "firstname": "Bea"})["data"]["action"] == "created"
