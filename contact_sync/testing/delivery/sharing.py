"""`DeliveryContract`: no installation holds up another, and what a CRM takes at once it is given at once."""

from __future__ import annotations

from contact_sync.results import Result

from .stage import INSTALLATION, Gate, Stage, wait_until

OTHER = "token:another"


class SharingTests:
    """Who gets the threads."""

    def test_an_installation_whose_crm_hangs_holds_up_no_other(self, stage: Stage) -> None:
        """However many of its contacts wait."""
        gate = Gate()
        for n in range(40):
            stage.always[f"slow{n}"] = gate
            stage.accepted(f"slow{n}", n)
        with stage.working(4):
            gate.wait()
            for n in range(10):
                stage.accepted(f"quick{n}", n, installation=OTHER)
            wait_until(lambda: all(stage.says(f"quick{n}") for n in range(10)), "the other installation's events")
            gate.open.set()
            stage.wait_settled()

    def test_an_installation_with_a_long_backlog_holds_up_no_other(self, stage: Stage) -> None:
        """The other does not wait at its end."""
        for n in range(150):
            stage.accepted(f"c{n}", n)
        stage.accepted("other", 1, installation=OTHER)
        stage.settle()
        place = [one.contact for one in stage.applied].index("other")
        assert place < 50

    def test_an_installation_that_is_told_to_come_back_later_holds_up_no_other(self, stage: Stage) -> None:
        """Rate limits are of one account."""
        for n in range(10):
            stage.answers[f"c{n}"] = [Result.failed("too many", retryable=True, retry_after=0.5)]
            stage.accepted(f"c{n}", n)
        for n in range(5):
            stage.accepted(f"other{n}", n, installation=OTHER)
        stage.settle()
        for n in range(10):
            assert stage.says(f"c{n}") == [n, n]

    def test_contacts_are_handed_over_together_where_the_crm_takes_many(self, stage: Stage) -> None:
        """Up to the size that it takes; never of two installations, and never one contact twice."""
        stage.size = 10
        for n in range(30):
            stage.accepted(f"c{n}", n)
            stage.accepted(f"c{n}", -n - 1)
        for n in range(5):
            stage.accepted(f"o{n}", n, installation=OTHER)
        stage.settle(1)
        assert max(stage.batches) > 1
        assert max(stage.batches) <= 10
        for n in range(30):
            assert stage.says(f"c{n}") == [n, -n - 1]

    def test_of_those_that_are_handed_over_together_each_has_its_own_end(self, stage: Stage) -> None:
        """One fails for good, one for now, the others are applied."""
        stage.size = 10
        stage.answers["c1"] = [Result.failed("no such field")]
        stage.answers["c2"] = [Result.failed("away", retryable=True)]
        ids = [stage.accepted(f"c{n}", n) for n in range(5)]
        stage.settle(1)
        assert [stage.record(id).tries for id in ids] == [1, 1, 2, 1, 1]
        assert [stage.state(id).value for id in ids] == ["applied", "failed", "applied", "applied", "applied"]
        assert [one.id for one in stage.delivery.failed(installation=INSTALLATION)] == [ids[1]]
