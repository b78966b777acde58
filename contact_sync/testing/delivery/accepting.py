"""`DeliveryContract`: what is accepted, what is a copy, and what is said where nothing can be stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from contact_sync.delivery import Backlog, Delivery, State
from contact_sync.errors import DeliveryUnavailable
from contact_sync.results import Result

from .stage import INSTALLATION, Gate, Stage

AGAIN = Result.failed("the CRM is away", retryable=True)

HOSTILE = ["a:b", "*", "{}", "a\nb", "\x00", "é€😀", "\ud800", "'; DROP TABLE x; --", "x" * 10_000, " ", "0"]


class AcceptingTests:
    """`submit`."""

    def test_an_accepted_event_waits_until_a_worker_applies_it(self, stage: Stage) -> None:
        """It is stored when it is answered, and applied once."""
        before = time.time()
        id = stage.accepted("7", "hello")
        record = stage.record(id)
        assert (record.state, record.contact, record.installation) == (State.WAITING, "7", INSTALLATION)
        assert (record.name, record.tries, record.settled) == ("contact_updated", 0, None)
        assert before - 5 < record.arrived < time.time() + 5
        assert stage.applied == []
        assert stage.delivery.backlog() == Backlog(1, 0, 0, record.arrived)
        stage.settle()
        assert stage.says("7") == ["hello"]
        record = stage.record(id)
        assert (record.state, record.action, record.tries, record.due) == (State.APPLIED, "updated", 1, None)
        assert record.settled is not None
        assert record.settled >= record.arrived
        assert stage.delivery.backlog() == Backlog()

    def test_what_is_stored_is_the_whole_event(self, stage: Stage) -> None:
        """Whoever applies it gets it as it was accepted."""
        stage.accepted("7", {"deep": [1, None, "é", {"x": 2.5}]}, name="contact_created", token="tok-é")  # noqa: S106
        stage.settle()
        [applied] = stage.applied
        [event] = applied.run.events
        assert event.data == {"id": "7", "says": {"deep": [1, None, "é", {"x": 2.5}]}}
        assert event.raw == {"event": "contact_created", "data": event.data}
        assert (event.name, event.kind, event.installation) == ("contact_created", "event", INSTALLATION)
        assert event.auth.token == "tok-é"  # noqa: S105 - of nobody

    @pytest.mark.parametrize("id", HOSTILE, ids=range(len(HOSTILE)))
    def test_a_hostile_id_is_only_an_id(self, stage: Stage, id: str) -> None:
        """Of a contact, of an installation, and of a delivery."""
        event = stage.accepted(id, 1, installation=f"client:{id}", delivery_id=id)
        assert stage.submit(id, 1, installation=f"client:{id}", delivery_id=id).event_id == event
        record = stage.record(event)
        assert (record.contact, record.installation) == (id, f"client:{id}")
        assert [one.id for one in stage.delivery.events(installation=f"client:{id}", contact=id)] == [event]
        stage.settle()
        assert stage.says(id) == [1]

    def test_ids_that_join_to_the_same_text_are_different_contacts(self, stage: Stage) -> None:
        """`a:b` and `c` are not `a` and `b:c`."""
        gate = Gate()
        stage.answers["c"] = [gate]
        stage.accepted("c", 1, installation="a:b")
        stage.accepted("b:c", 2, installation="a")
        with stage.working():
            gate.wait()
            stage_waits_for(stage, "b:c")
            gate.open.set()
            stage.wait_settled()

    def test_a_delivery_that_comes_again_is_recognised_by_its_id(self, stage: Stage) -> None:
        """At once, after others, and when it has long been applied."""
        first = stage.accepted("7", "x", delivery_id="d-1")
        second = stage.accepted("7", "y", delivery_id="d-2")
        for _ in range(2):
            again = stage.submit("7", "x", delivery_id="d-1")
            assert (again.success, again.queued, again.event_id) == (True, True, first)
            assert again.reason
            stage.settle()
        assert stage.says("7") == ["x", "y"]
        assert first != second

    def test_the_same_delivery_id_of_two_installations_is_two_deliveries(self, stage: Stage) -> None:
        """Senders number as they like."""
        stage.accepted("7", "x", delivery_id="1")
        stage.accepted("7", "y", delivery_id="1", installation="token:another")
        stage.settle()
        assert sorted(stage.says("7")) == ["x", "y"]

    def test_equal_events_with_different_delivery_ids_are_two_events(self, stage: Stage) -> None:
        """Who names deliveries says which are the same."""
        assert stage.accepted("7", "x", delivery_id="1") != stage.accepted("7", "x", delivery_id="2")

    def test_an_event_that_equals_the_one_before_which_waits_is_dropped(self, stage: Stage) -> None:
        """Without ids of deliveries. Its answer names the one that waits."""
        first = stage.accepted("7", "x")
        again = stage.submit("7", "x")
        assert (again.success, again.queued, again.event_id) == (True, True, first)
        assert again.reason
        assert stage.delivery.backlog().waiting == 1

    def test_nothing_else_is_dropped(self, stage: Stage) -> None:
        """Not what equals an earlier one, not another kind of event, not that of another contact or installation."""
        stage.accepted("7", "x")
        stage.accepted("7", "y")
        stage.accepted("7", "x")
        stage.accepted("7", "x", name="contact_created")
        stage.accepted("8", "x")
        stage.accepted("7", "x", installation="token:another")
        assert stage.delivery.backlog().waiting == 6

    def test_an_event_that_equals_one_in_flight_is_kept(self, stage: Stage) -> None:
        """What is in flight may be applied already, and what comes again be an edit back."""
        gate = Gate()
        stage.answers["7"] = [gate]
        first = stage.accepted("7", "x")
        with stage.working():
            gate.wait()
            second = stage.accepted("7", "x")
            assert second != first
            gate.open.set()
            stage.wait_settled()
        assert stage.says("7") == ["x", "x"]

    def test_an_event_that_equals_one_that_is_applied_is_kept(self, stage: Stage) -> None:
        """Meanwhile the other side may have changed."""
        stage.accepted("7", "x")
        stage.settle()
        stage.accepted("7", "x")
        stage.settle()
        assert stage.says("7") == ["x", "x"]

    def test_an_event_that_equals_one_which_is_tried_again_is_dropped(self, make_stage: Callable[..., Stage]) -> None:
        """It is applied after all that the sender has said."""
        stage = make_stage()
        stage.always["7"] = AGAIN
        first = stage.accepted("7", "x")
        with stage.working() as end:
            stage_waits_for(stage, "7")
            end()
        assert stage.submit("7", "x").event_id == first

    def test_copies_that_come_at_once_are_one(self, stage: Stage) -> None:
        """From many threads, by the id of the delivery."""
        with ThreadPoolExecutor(16) as threads:
            ids = set(threads.map(lambda _: stage.submit("7", "x", delivery_id="d").event_id, range(16)))
        assert len(ids) == 1
        stage.settle()
        assert stage.says("7") == ["x"]

    def test_where_nothing_can_be_stored_nothing_is_accepted(self, unreachable: Delivery) -> None:
        """The answer is a failure for now, and everything else says so too."""
        stage = Stage(unreachable)
        result = stage.submit("7", "x")
        assert (result.success, result.retryable, result.queued) == (False, True, False)
        reason = unreachable.unready()
        assert reason
        for ask in (unreachable.backlog, unreachable.events, lambda: unreachable.event("0" * 32), unreachable.failed):
            with pytest.raises(DeliveryUnavailable):
                ask()

    def test_all_is_well_where_events_can_be_stored(self, stage: Stage) -> None:
        """Then `unready` has nothing to say."""
        assert stage.delivery.unready() is None

    def test_a_delivery_says_what_it_is(self, stage: Stage) -> None:
        """It is durable, and its name is no URL."""
        assert stage.delivery.durable
        assert stage.delivery.name
        assert "://" not in stage.delivery.name

    def test_what_is_accepted_outlives_who_accepted_it(self, make_stage: Callable[..., Stage]) -> None:
        """Another delivery on the same storage applies it."""
        first = make_stage()
        id = first.accepted("7", "x")
        first.delivery.close()
        second = make_stage()
        second.settle()
        assert second.says("7") == ["x"]
        assert second.state(id) is State.APPLIED


def stage_waits_for(stage: Stage, contact: str) -> None:
    """Wait until something of a contact was tried."""
    from .stage import wait_until

    wait_until(lambda: bool(stage.says(contact)), f"contact {contact!r} to be tried")
