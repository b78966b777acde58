"""`DeliveryContract`: workers that stop, are cut off, or lose what they hold."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from contact_sync.delivery import Retries, Run, State
from contact_sync.results import Result

from .stage import OK, Gate, Stage, wait_until


class _Death(BaseException):
    """Ends the thread that applies an event, as if its process had died."""


class DyingTests:
    """What is in flight when a worker ends."""

    def test_a_worker_that_is_stopped_finishes_what_is_in_flight(self, stage: Stage) -> None:
        """And takes nothing more."""
        gate = Gate()
        stage.answers["7"] = [gate]
        id = stage.accepted("7", "x")
        with stage.working(1) as end:
            gate.wait()
            later = stage.accepted("8", "y")
            gate.open.set()
            assert end() is True
        assert stage.state(id) is State.APPLIED
        if stage.state(later) is State.WAITING:
            stage.settle()
        assert stage.says("8") == ["y"]

    def test_what_is_not_finished_in_the_time_of_grace_comes_again(self, make_stage: Callable[..., Stage]) -> None:
        """The worker says that it was cut off; another one takes over, and what the first does afterwards is fenced."""
        stage = make_stage(lease_seconds=1.0)
        gate = Gate(Result.failed("too late, and counts for nothing"))
        stage.answers["7"] = [gate]
        id = stage.accepted("7", "x")
        with stage.working(1, grace=0.05) as end:
            gate.wait()
            assert end() is False
        second = make_stage(lease_seconds=1.0)
        second.settle()
        assert second.says("7") == ["x"]
        gate.open.set()
        wait_until(lambda: stage.at_work == [], "the first to end")
        assert second.state(id) is State.APPLIED

    def test_a_long_call_keeps_its_lease(self, make_stage: Callable[..., Stage]) -> None:
        """Nobody else takes a contact that is still worked on."""
        stage, other = make_stage(lease_seconds=0.5), make_stage(lease_seconds=0.5)
        gate = Gate()
        stage.answers["7"] = [gate]
        id = stage.accepted("7", "x")
        with stage.working(2):
            gate.wait()
            with other.working(2):
                other.accepted("8", "y")
                for n in range(4):  # more than two leases
                    other.accepted(f"again{n}", n)
                    wait_until(lambda n=n: bool(other.says(f"again{n}") or stage.says(f"again{n}")), "the others")  # type: ignore[misc]
                    gate.open.wait(0.3)
                assert other.says("7") == []
                gate.open.set()
                stage.wait_settled()
        assert (stage.says("7"), stage.record(id).tries) == (["x"], 1)

    def test_an_event_that_kills_its_workers_ends_as_a_dead_letter(
        self, make_stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Each death counts as a try, and has a line in the log. What was folded with it, or follows, is applied."""
        caplog.set_level(logging.INFO, "contact_sync")
        retries = Retries(first=0.05, longest=0.1, crashes=3)

        def make() -> Stage:
            return make_stage(lease_seconds=0.4, retries=retries)

        deaths = 0
        first = make()
        ids = [first.accepted("7", says) for says in ("good", "poison", "after")]

        def die(run: Run) -> Result:
            nonlocal deaths
            if any(event.data["says"] == "poison" for event in run.events):
                deaths += 1
                raise _Death
            return OK

        first.always["7"] = die
        with first.working(2):
            first.wait_settled()
        assert [first.state(id) for id in ids] == [State.APPLIED, State.FAILED, State.APPLIED]
        assert deaths == retries.crashes
        record = first.record(ids[1])
        assert record.tries == retries.crashes
        told = [vars(line)["outcome"] for line in caplog.records if vars(line).get("event_id") == ids[1]]
        assert told == [*["for_now"] * (retries.crashes - 1), "failed"]
        assert "died" in (record.error or "")

    def test_whoever_died_beside_a_poisoned_event_is_applied(self, make_stage: Callable[..., Stage]) -> None:
        """What was handed over together is tried apart."""
        stage = make_stage(lease_seconds=0.4, retries=Retries(first=0.05, longest=0.1, crashes=3))
        stage.size = 10

        def die(run: Run) -> Result:
            del run
            raise _Death

        stage.always["poison"] = die
        ids = [stage.accepted(f"c{n}", n) for n in range(4)]
        poison = stage.accepted("poison", "x")
        with stage.working(2):
            stage.wait_settled()
        assert [stage.state(id) for id in ids] == [State.APPLIED] * 4
        assert stage.state(poison) is State.FAILED
