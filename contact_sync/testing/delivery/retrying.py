"""`DeliveryContract`: what fails for now is tried again, and holds nobody else up."""

from __future__ import annotations

import time
from collections.abc import Callable

from contact_sync.delivery import Retries, State
from contact_sync.results import Result

from .accepting import AGAIN
from .stage import Stage, wait_until


class RetryingTests:
    """Failures for now, and failures for good."""

    def test_what_fails_for_now_is_tried_until_it_works(self, stage: Stage) -> None:
        """Each try that failed is on record: when, and what failed."""
        stage.answers["7"] = [AGAIN, AGAIN, AGAIN]
        id = stage.accepted("7", "x")
        stage.settle()
        assert stage.says("7") == ["x"] * 4
        record = stage.record(id)
        assert (record.state, record.tries) == (State.APPLIED, 4)
        assert [one.error for one in record.attempts] == ["the CRM is away"] * 3
        times = [one.at for one in record.attempts]
        assert times == sorted(times)
        assert abs(times[0] - time.time()) < 60

    def test_a_contact_that_is_tried_again_holds_its_own_later_events_back_and_no_others(self, stage: Stage) -> None:
        """Also where the other side said how long to wait."""
        stage.always["7"] = AGAIN.with_(retry_after=0.2)
        first = stage.accepted("7", "a")
        with stage.working():
            wait_until(lambda: len(stage.says("7")) >= 1, "the first try")
            stage.accepted("7", "b", name="contact_deleted")
            for n in range(5):
                stage.accepted(f"c{n}", n)
            wait_until(lambda: all(stage.says(f"c{n}") for n in range(5)), "the others to be applied")
            assert "b" not in stage.says("7")
            assert stage.state(first) is not State.APPLIED
            del stage.always["7"]
            stage.wait_settled()
        assert stage.says("7")[-2:] == ["a", "b"]

    def test_what_was_tried_is_tried_again_as_it_was(self, stage: Stage) -> None:
        """It may have been written. Folded with an update that takes it back, it would look like no change at all."""
        stage.answers["7"] = [AGAIN]
        stage.accepted("7", "a")
        with stage.working() as end:
            wait_until(lambda: len(stage.applied) == 1, "the first try")
            end()
        for says in ("b", "c"):
            stage.accepted("7", says)
        stage.settle()
        assert [one.says for one in stage.applied] == [("a",), ("a",), ("b", "c")]

    def test_a_wait_that_the_other_side_asked_for_is_kept(self, make_stage: Callable[..., Stage]) -> None:
        """`Retry-After` is not undercut, however short the waits are otherwise."""
        stage = make_stage()
        asked = 0.7
        stage.answers["7"] = [AGAIN.with_(retry_after=asked)]
        id = stage.accepted("7", "x")
        stage.settle()
        [attempt] = stage.record(id).attempts
        settled = stage.record(id).settled
        assert settled is not None
        assert settled - attempt.at >= asked - 0.05

    def test_what_waits_for_its_next_try_says_when_that_is(self, make_stage: Callable[..., Stage]) -> None:
        """It waits, it is not in flight, and it is due later."""
        stage = make_stage(retries=Retries(first=60.0))
        stage.answers["7"] = [AGAIN]
        id = stage.accepted("7", "x")
        with stage.working():
            wait_until(lambda: stage.record(id).tries == 1, "the first try")
        record = stage.record(id)
        assert record.state is State.WAITING
        assert record.due is not None
        assert record.due > time.time() + 20

    def test_what_fails_for_good_is_a_dead_letter_at_once(self, stage: Stage) -> None:
        """It is not tried again, and the contact's later events go on."""
        stage.answers["7"] = [Result.failed("no such field")]
        id = stage.accepted("7", "bad")
        stage.settle()
        stage.accepted("7", "good")
        stage.settle()
        assert stage.says("7") == ["bad", "good"]
        record = stage.record(id)
        assert (record.state, record.error, record.tries) == (State.FAILED, "no such field", 1)
        assert stage.delivery.failed() == [record]
        assert stage.delivery.backlog().failed == 1

    def test_who_is_held_for_a_person_is_a_dead_letter(self, stage: Stage) -> None:
        """Nothing changes by itself."""
        stage.answers["7"] = [Result.failed("ambiguous match", reason="two are alike").with_(action="held")]
        id = stage.accepted("7", "x")
        stage.settle()
        assert (stage.state(id), stage.record(id).action) == (State.FAILED, "held")
        assert "ambiguous match" in (stage.record(id).error or "")

    def test_what_has_failed_for_too_long_is_a_dead_letter(self, make_stage: Callable[..., Stage]) -> None:
        """Its last error is kept."""
        stage = make_stage(retries=Retries(first=0.05, longest=0.1, give_up=0.3))
        stage.always["7"] = AGAIN
        id = stage.accepted("7", "x")
        stage.settle()
        record = stage.record(id)
        assert (record.state, record.error) == (State.FAILED, "the CRM is away")
        assert record.tries >= 2

    def test_no_contact_value_is_kept_of_an_error(self, stage: Stage) -> None:
        """A CRM's messages repeat what they were sent."""
        said = "the address Ana.Lima@example.org of 'Ana-Maria Lima' is taken, as is +33 6 12 34 56 78"
        stage.answers["7"] = [Result.failed(said, retryable=True), Result.failed(said)]
        id = stage.accepted("7", {"name": "ana-maria lima"})
        stage.settle()
        record = stage.record(id)
        for kept in (record.error or "", *(one.error for one in record.attempts)):
            assert "is taken" in kept
            assert not any(value in kept.lower() for value in ("lima", "example.org", "12 34"))

    def test_who_is_not_let_in_any_more_is_asked_again(self, make_stage: Callable[..., Stage]) -> None:
        """Who decides it may be away."""
        lets_in: list[bool] = []
        stage = make_stage(lets_in=lambda _: len(lets_in) > 0)
        id = stage.accepted("7", "x")
        with stage.working():
            wait_until(lambda: stage.record(id).tries >= 1, "the first try")
            assert stage.says("7") == []
            lets_in.append(True)
            stage.wait_settled()
        assert stage.says("7") == ["x"]
