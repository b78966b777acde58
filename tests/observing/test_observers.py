"""The hub: who listens is told, and nobody who listens can break the work."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from contact_sync import Result
from contact_sync.observing import CallOutcome, EventOutcome, Observer, Observers, call_outcome, event_outcome
from contact_sync.results import NOT_FOUND


class Notes(Observer):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.all: list[tuple[Any, ...]] = []

    def event_accepted(self, name: str) -> None:
        self.all.append(("accepted", name))

    def event_settled(self, name: str, outcome: EventOutcome, seconds: float) -> None:
        self.all.append(("settled", name, outcome, seconds))

    def event_retried(self, name: str) -> None:
        self.all.append(("retried", name))

    def call(self, side: str, method: str, outcome: CallOutcome, seconds: float) -> None:
        assert seconds >= 0
        self.all.append(("call", side, method, outcome))


class Broken(Observer):
    def event_accepted(self, name: str) -> None:
        raise ValueError(f"hush-hush {name}")


def tell_everything(hub: Observers) -> None:
    hub.event_accepted("contact_created")
    hub.event_retried("contact_created")
    hub.called("consumer", "create_contact", Result.ok("r1"), hub.clock())
    hub.event_settled("contact_created", "created", 1.5)


def test_an_observer_is_told_everything_once_however_often_it_was_added() -> None:
    hub, notes = Observers(), Notes()
    hub.add(notes)
    hub.add(notes)
    tell_everything(hub)
    assert notes.all == [
        ("accepted", "contact_created"),
        ("retried", "contact_created"),
        ("call", "consumer", "create_contact", "ok"),
        ("settled", "contact_created", "created", 1.5),
    ]


def test_an_observer_that_was_removed_is_told_no_more() -> None:
    hub, notes = Observers(), Notes()
    hub.add(notes)
    hub.remove(notes)
    hub.remove(notes)
    tell_everything(hub)
    assert notes.all == []


def test_an_observer_that_overrides_nothing_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    hub = Observers()
    hub.add(Observer())
    tell_everything(hub)
    assert caplog.messages == []


def test_no_clock_is_read_while_nobody_listens() -> None:
    hub = Observers()
    assert hub.clock() is None
    hub.called("platform", "update_contact", Result.ok("1"), None)


def test_a_call_that_began_before_anybody_listened_is_not_told_of() -> None:
    hub, notes = Observers(), Notes()
    began = hub.clock()
    hub.add(notes)
    hub.called("platform", "update_contact", Result.ok("1"), began)
    assert notes.all == []


def test_an_observer_that_raises_breaks_nothing_and_is_said_once_without_what_it_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hub, notes = Observers(), Notes()
    hub.add(Broken())
    hub.add(notes)
    for _ in range(3):
        hub.event_accepted("contact_updated")
    assert notes.all == [("accepted", "contact_updated")] * 3
    [line] = caplog.messages
    assert line.startswith("Broken raised ValueError")
    assert "hush" not in line


def test_observers_come_and_go_while_others_are_told() -> None:
    hub, notes = Observers(), Notes()
    hub.add(notes)
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            passing = Notes()
            hub.add(passing)
            hub.remove(passing)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    for _ in range(2_000):
        hub.event_accepted("contact_updated")
    stop.set()
    thread.join(20)
    assert len(notes.all) == 2_000


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (Result.ok("1", action="created"), "created"),
        (Result.ok("1", action="adopted"), "adopted"),
        (Result.ok("1", action="updated"), "updated"),
        (Result.ok("1", action="unchanged"), "unchanged"),
        (Result.ok("1", action="deleted"), "deleted"),
        (Result.skipped("as it was told"), "skipped"),
        (Result.ok(action="folded"), "folded"),
        (Result.ok(action="whatever a listener says"), "done"),
        (Result.ok(action="failed"), "done"),
        (Result.ok(), "done"),
        (Result.failed("two of them").with_(action="held"), "held"),
        (Result.failed("no"), "failed"),
        (Result.failed("later", retryable=True), "for_now"),
        (Result.failed("no").with_(action="created"), "failed"),
    ],
)
def test_what_came_of_an_event_is_one_word_of_a_closed_set(result: Result, outcome: str) -> None:
    assert event_outcome(result) == outcome


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (Result.ok("1"), "ok"),
        (Result.failed(NOT_FOUND), "not_found"),
        (Result.failed("no"), "failed"),
        (Result.failed("later", retryable=True), "for_now"),
        (Result.failed("perhaps", retryable=True, in_doubt=True), "in_doubt"),
    ],
)
def test_what_came_of_a_call_is_one_word_of_a_closed_set(result: Result, outcome: str) -> None:
    assert call_outcome(result) == outcome
