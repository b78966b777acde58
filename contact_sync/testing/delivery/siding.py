"""`DeliveryContract`: events of the CRM beside those of the platform."""

from __future__ import annotations

from contact_sync.delivery import State
from contact_sync.results import Result

from .stage import INSTALLATION, Gate, Stage, wait_until


class SidingTests:
    """An id of the CRM that equals one of the platform stands for another contact."""

    def test_what_the_crm_tells_is_applied_as_the_crms(self, stage: Stage) -> None:
        """Its side, its name and what it says come through the storage."""
        id = stage.accepted("7", {"deep": "é"}, name="contact_merged", side="ext")
        record = stage.record(id)
        assert (record.side, record.name, record.contact) == ("ext", "contact_merged", "7")
        stage.settle()
        [applied] = stage.applied
        [event] = applied.run.events
        assert (event.side, event.name, event.data) == ("ext", "contact_merged", {"id": "7", "says": {"deep": "é"}})
        assert stage.record(id).side == "ext"

    def test_the_two_sides_of_an_id_do_not_wait_for_each_other(self, stage: Stage) -> None:
        """Nor are they applied as one."""
        gate = Gate()
        stage.answers["7"] = [gate]
        stage.accepted("7", "of the platform")
        with stage.working(2):
            gate.wait()
            stage.accepted("7", "of the CRM", side="ext")
            wait_until(lambda: stage.says("7") == ["of the CRM"], "the other side's event to be applied")
            gate.open.set()
            stage.wait_settled()
        assert stage.says("7") == ["of the CRM", "of the platform"]

    def test_what_equals_an_event_of_the_other_side_is_no_copy_of_it(self, stage: Stage) -> None:
        """Also where both wait."""
        ids = {stage.accepted("7", "x"), stage.accepted("7", "x", side="ext")}
        assert len(ids) == 2
        assert stage.accepted("7", "x", side="ext") in ids

    def test_updates_of_the_crm_that_wait_are_applied_as_one(self, stage: Stage) -> None:
        """What ends a record, or brings it back, is applied by itself."""
        for says, name in enumerate(("created", "updated", "merged", "restored", "updated", "deleted")):
            stage.accepted("7", says, name=f"contact_{name}", side="ext")
        stage.settle()
        assert [one.says for one in stage.applied] == [(0, 1), (2,), (3,), (4,), (5,)]

    def test_a_dead_letter_of_the_crm_is_replayed_as_the_crms(self, stage: Stage) -> None:
        """With what it said."""
        stage.answers["7"] = [Result.failed("no such field")]
        id = stage.accepted("7", "x", side="ext")
        stage.settle()
        assert stage.state(id) is State.FAILED
        assert stage.delivery.replay(id).success
        stage.settle()
        assert [event.side for one in stage.applied for event in one.run.events] == ["ext", "ext"]

    def test_one_side_of_an_id_is_forgotten_and_the_other_stays(self, stage: Stage) -> None:
        """An installation is forgotten with both."""
        own, other = stage.accepted("7", "x"), stage.accepted("7", "x", side="ext")
        assert {(one.id, one.side) for one in stage.delivery.events(contact="7")} == {(own, "botmatic"), (other, "ext")}
        assert stage.delivery.forget(INSTALLATION, "7", side="ext") == 1
        assert [one.id for one in stage.delivery.events()] == [own]
        stage.accepted("7", "y", side="ext")
        assert stage.delivery.forget(INSTALLATION) == 2
        stage.settle()
        assert stage.applied == []
