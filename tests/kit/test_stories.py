"""Stories of both sides: the same again from their seed, and able to notice what is wrong with the sync itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contact_sync.baselines import Baseline
from contact_sync.pairing import Pairing
from contact_sync.results import Result
from contact_sync.testing import ConsumerContract, ConsumerPeople, MemoryConsumer
from contact_sync.testing.story import TROUBLES, QuietPlatform, Story, Troubles


class Suite(ConsumerContract):
    """What the stories have to know of the CRM in memory."""

    __test__ = False
    text_field = "first_name"


@pytest.fixture
def platform() -> Iterator[QuietPlatform]:
    with QuietPlatform() as platform:
        yield platform


def story(platform: QuietPlatform, seed: str, troubles: Troubles | None = None) -> Story:
    consumer = MemoryConsumer()
    return Story(Suite(), consumer, ConsumerPeople(consumer), platform, troubles or Troubles(), seed=seed)


def told(trouble: str, seed: str = "1", edits: int = 12) -> Story:
    with QuietPlatform() as platform:
        one = story(platform, seed, TROUBLES[trouble](seed))
        one.happen(edits)
        one.clean_up()
        return one


def test_the_same_seed_gives_the_same_story() -> None:
    first, again, another = told("everything"), told("everything"), told("everything", "2")
    assert first.told() == again.told()
    assert first.log != another.log


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_does_happen(trouble: str) -> None:
    """Nothing passes because nothing went wrong. A wrong clock leaves no trace of its own."""
    one = told(trouble)
    assert one.sides.troubles.done or trouble == "the clock is wrong"


def test_every_kind_of_edit_happens_on_both_sides() -> None:
    said = "\n".join(told("429", edits=14).log)
    for side in ("platform", "CRM"):
        for what in ("is created", "gets the first_name 'Text", "gets the first_name None", "another", "is deleted"):
            assert any(line.startswith(side) and what in line for line in said.splitlines()), (side, what)


def test_a_sync_that_forgets_its_pairs_is_noticed(platform: QuietPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pairing, "record", lambda *_: None)
    one = story(platform, "1")
    one.happen(12)
    assert any("in the CRM" in problem for problem in one.problems())


def test_a_sync_that_writes_echoes_goes_round_and_is_noticed(
    platform: QuietPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Baseline, "changed", lambda *_: True)
    one = story(platform, "1")
    one.edit("CRM", "create")
    one.sides.deliver_all()
    assert any("it goes round" in problem for problem in one.problems())


def test_a_sync_that_loses_an_edit_is_noticed(platform: QuietPlatform) -> None:
    one = story(platform, "1")
    one.sides.sync.middleware("send")(lambda change, next: Result.skipped("no") if change.kind == "update" else next())
    one.edit("CRM", "create")
    one.sides.deliver_all()
    one.edit("CRM", "text")
    one.sides.deliver_all()
    assert [problem for problem in one.problems() if problem.startswith("first_name of person")]


def test_a_failure_for_good_is_a_problem(platform: QuietPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    one = story(platform, "1")
    monkeypatch.setattr(MemoryConsumer, "create_contact", lambda *_: Result.failed("this plan has no contacts"))
    one.edit("platform", "create")
    one.sides.deliver_all()
    assert any("this plan has no contacts" in problem for problem in one.problems())
    assert any("in the CRM not at all" in problem for problem in one.problems())
