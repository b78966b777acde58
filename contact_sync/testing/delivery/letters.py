"""`DeliveryContract`: what people do with events, and how long anything is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from contact_sync.delivery import Retries, Seal, State
from contact_sync.results import Result

from .stage import INSTALLATION, Gate, Stage, digest, wait_until

BAD = Result.failed("no such field")


def failed(stage: Stage, contact: str, says: object = "bad") -> str:
    """Have an event fail for good."""
    stage.answers[contact] = [BAD]
    id = stage.accepted(contact, says)
    stage.settle()
    assert stage.state(id) is State.FAILED
    return id


class LetterTests:
    """`events`, `replay`, `drop`, `forget`, and what becomes of bodies."""

    def test_a_dead_letter_that_is_replayed_is_applied(self, stage: Stage) -> None:
        """As it was accepted, with tries of its own."""
        id = failed(stage, "7", {"deep": "é"})
        result = stage.delivery.replay(id)
        assert (result.success, result.id) == (True, id)
        assert stage.state(id) is State.WAITING
        stage.settle()
        assert stage.state(id) is State.APPLIED
        assert stage.says("7") == [{"deep": "é"}] * 2
        assert stage.delivery.failed() == []

    def test_a_dead_letter_that_is_replayed_comes_before_what_waits(self, stage: Stage) -> None:
        """It is older."""
        id = failed(stage, "7", 1)
        stage.accepted("7", 2)
        stage.delivery.replay(id)
        stage.settle()
        assert stage.says("7") == [1, 1, 2]

    def test_an_older_event_is_not_replayed_over_a_newer_one_by_mistake(self, stage: Stage) -> None:
        """Whoever wants that says so."""
        id = failed(stage, "7", "old")
        stage.accepted("7", "new")
        stage.settle()
        refused = stage.delivery.replay(id)
        assert not refused.success
        assert "later events" in (refused.error or "")
        assert stage.state(id) is State.FAILED
        assert stage.delivery.replay(id, although_older=True).success
        stage.settle()
        assert stage.says("7") == ["old", "new", "old"]

    def test_an_older_event_is_not_replayed_beside_a_newer_one_that_is_in_flight(self, stage: Stage) -> None:
        """That one would be written over."""
        id = failed(stage, "7", "old")
        gate = Gate()
        stage.answers["7"] = [gate]
        stage.accepted("7", "new")
        with stage.working():
            gate.wait()
            assert "later events" in (stage.delivery.replay(id).error or "")
            assert stage.state(id) is State.FAILED
            gate.open.set()
            stage.wait_settled()
        assert stage.says("7") == ["old", "new"]

    def test_a_replayed_event_is_not_given_up_for_its_age(self, make_stage: Callable[..., Stage]) -> None:
        """Its time begins anew."""
        stage = make_stage(retries=Retries(first=0.05, longest=0.1, give_up=0.5))
        again = Result.failed("away", retryable=True)
        stage.always["7"] = again
        id = stage.accepted("7", "x")
        stage.settle()
        assert stage.state(id) is State.FAILED
        del stage.always["7"]
        stage.answers["7"] = [again]
        assert stage.delivery.replay(id).success
        stage.settle()
        assert stage.state(id) is State.APPLIED

    def test_only_what_has_failed_is_replayed(self, stage: Stage) -> None:
        """Not what waits, what is applied, or what nobody knows."""
        id = stage.accepted("7", "x")
        assert not stage.delivery.replay(id).success
        stage.settle()
        assert not stage.delivery.replay(id).success
        assert not stage.delivery.replay("0" * 32).success
        assert not stage.delivery.replay("\x00'").success
        assert stage.says("7") == ["x"]

    def test_what_waits_or_has_failed_can_be_dropped(self, stage: Stage) -> None:
        """It is never applied, and the contact's other events are."""
        dead = failed(stage, "7", "bad")
        first, second = stage.accepted("7", "a"), stage.accepted("7", "b")
        assert stage.delivery.drop(dead).success
        assert stage.delivery.drop(first).success
        assert stage.delivery.event(dead) is None
        assert stage.delivery.event(first) is None
        stage.settle()
        assert stage.says("7") == ["bad", "b"]
        assert stage.state(second) is State.APPLIED
        assert not stage.delivery.drop(second).success
        assert not stage.delivery.drop(first).success

    def test_the_last_event_that_waits_can_be_dropped(self, stage: Stage) -> None:
        """The next one is applied all the same."""
        assert stage.delivery.drop(stage.accepted("7", "a")).success
        stage.settle()
        stage.accepted("7", "b")
        stage.settle()
        assert stage.says("7") == ["b"]

    def test_what_waited_for_an_event_that_is_dropped_is_applied_at_once(
        self, make_stage: Callable[..., Stage]
    ) -> None:
        """Not when that would have been tried again."""
        stage = make_stage(retries=Retries(first=3600.0, longest=3600.0))
        stage.answers["7"] = [Result.failed("away", retryable=True)]
        id = stage.accepted("7", "a")
        with stage.working():
            wait_until(lambda: stage.record(id).tries == 1 and stage.state(id) is State.WAITING, "the first try")
            stage.accepted("7", "b")
            assert stage.delivery.drop(id).success
            stage.wait_settled()
        assert stage.says("7") == ["a", "b"]

    def test_what_is_in_flight_cannot_be_dropped(self, stage: Stage) -> None:
        """It may be applied already."""
        gate = Gate()
        stage.answers["7"] = [gate]
        id = stage.accepted("7", "x")
        with stage.working():
            gate.wait()
            assert stage.state(id) is State.IN_FLIGHT
            assert not stage.delivery.drop(id).success
            gate.open.set()
            stage.wait_settled()
        assert stage.state(id) is State.APPLIED

    def test_events_are_listed_by_state_installation_and_contact(self, stage: Stage) -> None:
        """The latest first, and the first in line first of those that wait."""
        dead = failed(stage, "dead")
        done = stage.accepted("done", 1)
        stage.settle()
        waiting = [stage.accepted("a", 1), stage.accepted("b", 1), stage.accepted("a", 2)]
        other = stage.accepted("a", 1, installation="token:another")
        list_ = stage.delivery.events
        assert [one.id for one in list_()] == [other, *reversed(waiting), done, dead]
        assert [one.id for one in list_(states=[State.WAITING])] == [*waiting, other]
        assert [one.id for one in list_(states=[State.APPLIED])] == [done]
        assert [one.id for one in list_(states=[State.FAILED, State.APPLIED])] == [done, dead]
        assert [one.id for one in list_(installation=INSTALLATION, limit=2)] == [waiting[2], waiting[1]]
        assert [one.id for one in list_(contact="a", installation=INSTALLATION)] == [waiting[2], waiting[0]]
        assert [one.id for one in stage.delivery.failed(installation=INSTALLATION)] == [dead]
        assert list_(installation="token:nobody") == []

    def test_what_is_erased_of_a_contact_or_an_installation_is_gone(self, stage: Stage) -> None:
        """What waits, what has failed, and what was applied; of nobody else."""
        failed(stage, "7")
        stage.accepted("7", 1)
        kept = stage.accepted("8", 1)
        other = stage.accepted("7", 1, installation="token:another")
        assert stage.delivery.forget(INSTALLATION, "7") == 2
        assert {one.id for one in stage.delivery.events()} == {kept, other}
        assert stage.delivery.forget("token:another") == 1
        assert [one.id for one in stage.delivery.events()] == [kept]
        stage.settle()
        assert stage.says("7") == ["bad"]
        assert stage.says("8") == [1]
        assert stage.delivery.forget("token:nobody") == 0

    def test_what_was_in_flight_when_it_was_erased_leaves_nothing(self, stage: Stage) -> None:
        """And what comes afterwards is applied."""
        gate = Gate()
        stage.answers["7"] = [gate]
        id = stage.accepted("7", "x")
        with stage.working():
            gate.wait()
            stage.delivery.forget(INSTALLATION)
            gate.open.set()
            stage.accepted("7", "y")
            wait_until(lambda: stage.says("7") == ["x", "y"], "what came afterwards")
            stage.wait_settled()
        assert stage.delivery.event(id) is None

    def test_what_is_accepted_while_its_installation_is_erased_is_applied_or_gone(self, stage: Stage) -> None:
        """It is never left behind."""
        with stage.working(), ThreadPoolExecutor(4) as threads:
            for n in range(30):
                told = [threads.submit(stage.submit, f"c{contact}", n) for contact in range(4)]
                stage.delivery.forget(INSTALLATION)
                assert all(one.result().success for one in told)
            last = [stage.accepted(f"c{contact}", "last") for contact in range(4)]
            stage.wait_settled()
        assert [stage.state(id) for id in last] == [State.APPLIED] * 4

    def test_records_are_kept_for_their_time(self, make_stage: Callable[..., Stage]) -> None:
        """Applied events and dead letters each for their own; what waits is kept for as long as it takes."""
        stage = make_stage(keep_seconds=0.01, keep_failed_seconds=3600)
        dead = failed(stage, "7")
        done = stage.accepted("8", 1)
        with stage.working():
            stage.wait_settled()
        with stage.working():
            wait_until(lambda: stage.delivery.event(done) is None, "the record to be erased")
        assert stage.state(dead) is State.FAILED
        brief = make_stage(keep_seconds=0.01, keep_failed_seconds=0.01)
        with brief.working():
            wait_until(lambda: brief.delivery.event(dead) is None, "the dead letter to be erased")

    def test_what_waits_is_sealed(self, make_stage: Callable[..., Stage]) -> None:
        """For its installation; who has no key cannot apply it, and it is kept for who has."""
        sealed: list[str] = []

        def close(installation: str, body: bytes) -> bytes:
            sealed.append(installation)
            return bytes(byte ^ 0x55 for byte in body)

        def open(installation: str, body: bytes) -> bytes | None:
            assert installation == INSTALLATION
            return bytes(byte ^ 0x55 for byte in body)

        seal = Seal(close, open, digest)
        stage = make_stage(seal=seal)
        id = stage.accepted("7", "x")
        assert sealed == [INSTALLATION]
        without = make_stage(seal=Seal(close, lambda *_: None, digest))
        without.settle()
        assert without.says("7") == []
        assert without.state(id) is State.FAILED
        assert stage.delivery.replay(id).success
        stage.settle()
        assert stage.says("7") == ["x"]

    @pytest.mark.parametrize("limit", [1, 3])
    def test_a_list_is_as_long_as_it_is_asked_to_be(self, stage: Stage, limit: int) -> None:
        """At the most."""
        for n in range(5):
            stage.accepted(f"c{n}", n)
        assert len(stage.delivery.events(limit=limit)) == limit
