"""`DeliveryContract`: the order of a contact's events, and which of them are applied as one."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from contact_sync.delivery import State
from contact_sync.results import Result

from .stage import Gate, Stage, wait_until


class OrderTests:
    """What a contact's events are to each other."""

    def test_events_of_a_contact_are_applied_in_order(self, stage: Stage) -> None:
        """While many come, of many contacts, and several threads work."""
        with stage.working(8), ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda contact: [stage.accepted(f"c{contact}", n) for n in range(12)], range(8)))
            stage.wait_settled()
        for contact in range(8):
            assert stage.says(f"c{contact}") == list(range(12))

    def test_two_workers_keep_the_order_too(self, make_stage: Callable[..., Stage]) -> None:
        """Each of two deliveries accepts, and applies what either has accepted; no contact is applied twice at once."""
        stages = [make_stage(), make_stage()]
        done: list[tuple[str, int]] = []
        for one in stages:
            for contact in range(6):
                one.always[f"c{contact}"] = _noting(done)
        with stages[0].working(4), stages[1].working(4), ThreadPoolExecutor(6) as threads:

            def tell(contact: int) -> None:
                chance = random.Random(contact)  # noqa: S311 - chooses, hides nothing
                for n in range(20):
                    chance.choice(stages).accepted(f"c{contact}", n)

            list(threads.map(tell, range(6)))
            stages[0].wait_settled()
        for contact in range(6):
            assert [n for id, n in done if id == f"c{contact}"] == list(range(20))

    def test_different_contacts_are_applied_side_by_side(self, stage: Stage) -> None:
        """One that takes long holds nobody up."""
        gate = Gate()
        stage.answers["slow"] = [gate]
        stage.accepted("slow", 1)
        with stage.working(2):
            gate.wait()
            for n in range(5):
                stage.accepted(f"c{n}", n)
            wait_until(lambda: len(stage.applied) == 5, "the others to be applied")
            gate.open.set()
            stage.wait_settled()

    def test_updates_that_wait_are_applied_as_one(self, stage: Stage) -> None:
        """Also a creation and what follows it. Each is found afterwards, and the last has what was done."""
        ids = [stage.accepted("7", "a", name="contact_created"), stage.accepted("7", "b"), stage.accepted("7", "c")]
        stage.settle()
        [applied] = stage.applied
        assert applied.says == ("a", "b", "c")
        records = [stage.record(id) for id in ids]
        assert [one.state for one in records] == [State.APPLIED] * 3
        assert [one.action for one in records] == ["folded", "folded", "updated"]

    def test_a_delete_is_applied_by_itself(self, stage: Stage) -> None:
        """Nothing is folded over it."""
        stage.accepted("7", 1, name="contact_created")
        stage.accepted("7", 2)
        stage.accepted("7", 3, name="contact_deleted")
        stage.accepted("7", 4, name="contact_created")
        stage.accepted("7", 5)
        stage.settle()
        assert [one.says for one in stage.applied] == [(1, 2), (3,), (4, 5)]

    def test_what_comes_while_a_contact_is_worked_on_waits_for_its_turn(self, stage: Stage) -> None:
        """And is applied as one, afterwards."""
        gate = Gate()
        stage.answers["7"] = [gate]
        stage.accepted("7", 1)
        with stage.working():
            gate.wait()
            for n in (2, 3, 4):
                stage.accepted("7", n)
            assert stage.delivery.backlog().in_flight == 1
            assert stage.delivery.backlog().waiting == 3
            gate.open.set()
            stage.wait_settled()
        assert [one.says for one in stage.applied] == [(1,), (2, 3, 4)]

    def test_of_several_that_fail_as_one_only_those_that_are_bad_fail(self, stage: Stage) -> None:
        """They are applied one by one then, in order."""

        def answer(run: object) -> Result:
            events = getattr(run, "events", ())
            says = [event.data["says"] for event in events]
            return Result.failed("no such value") if "bad" in says else Result.ok(action="updated")

        stage.always["7"] = answer
        ids = [stage.accepted("7", says) for says in ("a", "bad", "c")]
        stage.settle()
        assert [one.says for one in stage.applied] == [("a", "bad", "c"), ("a",), ("bad",), ("c",)]
        assert [stage.state(id) for id in ids] == [State.APPLIED, State.FAILED, State.APPLIED]

    def test_very_many_events_of_one_contact_are_all_applied_in_order(self, stage: Stage) -> None:
        """However many wait at once."""
        for n in range(250):
            stage.accepted("7", n)
        stage.settle()
        assert stage.says("7") == list(range(250))


def _noting(done: list[tuple[str, int]]) -> Callable[[object], Result]:
    def note(run: object) -> Result:
        done.extend((event.data["id"], event.data["says"]) for event in getattr(run, "events", ()))
        return Result.ok(action="updated")

    return note
