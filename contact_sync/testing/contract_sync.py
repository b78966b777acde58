"""`ConsumerContract`: a real sync with the consumer, and the two properties that it has to have.

Both sides converge, whatever goes wrong; and each edit costs at most one write a side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from contact_sync.consumer import ExternalAPIConsumer

from .contract_applies import needs
from .contract_probe import ConsumerDeclaration, check_declared
from .people import People
from .story import TROUBLES, QuietPlatform, Story, Troubles, Writes


class SyncTests(ConsumerDeclaration):
    """The properties of a sync with this consumer, with a real sandbox of the platform on its other side."""

    @pytest.fixture
    def begin(
        self, request: pytest.FixtureRequest, consumer: ExternalAPIConsumer, people: People
    ) -> Iterator[Callable[[str, Troubles], Story]]:
        """Begin a story. What is left of it in the CRM is taken out in the end, or before the next one."""
        check_declared(self)
        platform = _platform_of(request.node.getparent(pytest.Class) or request.node)
        stories: list[Story] = []

        def begun(seed: str, troubles: Troubles) -> Story:
            end()
            stories.append(Story(self, consumer, people, platform, troubles, seed=seed))
            return stories[-1]

        def end() -> None:
            while stories:
                stories.pop().clean_up()

        yield begun
        end()

    @needs("records")
    def test_each_edit_costs_at_most_one_write_a_side(self, begin: Callable[[str, Troubles], Story]) -> None:
        """Where nothing goes wrong, an edit of one side is one write on the other, and none on its own."""
        story = begin(f"{self.seeds[0]}", Troubles())
        for side, what in [*story.possible, *story.possible]:
            edited: list[bool] = []
            made = _writes(story, lambda: edited.append(story.edit(side, what)))  # noqa: B023 - called at once
            wanted = int(edited[0])
            assert made == (Writes(0, wanted) if side == "platform" else Writes(wanted, 0)), (
                f"an edit ({what}) on the {side} made {made.platform} writes on the platform and {made.crm} in the "
                f"CRM; one is to be made, and on the other side. {TELL}\n{story.told()}"
            )
        assert not story.problems(), _said(story)

    @needs("create", "update")
    def test_adopting_costs_at_most_one_write_a_side(self, begin: Callable[[str, Troubles], Story]) -> None:
        """A record that is there already is found by its address, and written once."""
        story = begin(f"{self.seeds[0]}", Troubles())
        made = _writes(story, story.meet)
        assert made.platform <= 1, f"adopting a record made {made.platform} writes on the platform. {TELL}"
        assert made.crm <= 1, f"adopting a record made {made.crm} writes in the CRM. {TELL}"
        assert not story.problems(), _said(story)

    @needs("records")
    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_both_sides_converge(self, begin: Callable[[str, Troubles], Story], trouble: str) -> None:
        """Whatever went wrong meanwhile, in the end both sides have the same contacts, once, and nothing more moves."""
        for seed in self.seeds:
            of_its_own = f"{seed} {trouble}"
            story = begin(of_its_own, TROUBLES[trouble](of_its_own))
            story.happen(self.edits)
            assert not story.problems(), _said(story)
            before = story.sides.writes()
            story.sides.tell_once_more()
            assert story.sides.writes() == before, (
                f"both sides were the same, and when everything was told once more it was written again: {before} "
                f"writes, then {story.sides.writes()}. {TELL}\n{story.told()}"
            )
            assert not story.problems(), _said(story)


_PLATFORM: Final = pytest.StashKey[QuietPlatform]()


def _platform_of(suite: pytest.Item | pytest.Collector) -> QuietPlatform:
    """The sandbox of all stories of a suite, closed when that is over."""
    if _PLATFORM not in suite.stash:
        suite.stash[_PLATFORM] = platform = QuietPlatform().start()
        suite.addfinalizer(platform.close)
    return suite.stash[_PLATFORM]


TELL: Final = (
    "What get_contact gives after create_contact and update_contact has to be what they were given, or what they "
    "answered with"
)


def _writes(story: Story, edit: Callable[[], object]) -> Writes:
    """How many contacts are written on each side until everything is told of an edit."""
    before = story.sides.writes()
    edit()
    story.sides.deliver_all()
    after = story.sides.writes()
    return Writes(after.platform - before.platform, after.crm - before.crm)


def _said(story: Story) -> str:
    """What is wrong at the end of a story, and the story."""
    lines = "\n".join(f"  {line}" for line in story.problems())
    return (
        f"after create_contact, update_contact and the rest, the two sides are not the same:\n{lines}\n{story.told()}"
    )
