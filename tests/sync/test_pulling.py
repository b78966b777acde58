"""Asking the CRM what has changed: pages, cursors, deletes, and what ends a pull."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync import Changes, CursorExpired, PullReport, Result
from contact_sync.consumer import ResultLike
from contact_sync.testing import MemoryConsumer
from tests.sync.helpers import INSTALLATION, TOKEN, World, make_world


class Telling(MemoryConsumer):
    """A CRM that tells pages that a test has prepared; the cursor is the number of the page."""

    def __init__(self, *pages: Changes, **arguments: Any) -> None:
        super().__init__(id_field="ref", email_field="email_address", **arguments)
        self.pages = list(pages)
        self.asked: list[str | None] = []
        self.oldest = 0

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        self.asked.append(cursor)
        start = int(cursor or 0)
        if cursor is not None and start < self.oldest:
            raise CursorExpired("that is too old")
        yield from self.pages[start:]


def record(ref: int, name: str = "Ada") -> dict[str, Any]:
    return {"ref": ref, "first_name": f"{name}{ref}"}


def page(number: int, *contacts: dict[str, Any], **more: Any) -> Changes:
    return Changes(cursor=str(number), contacts=contacts, **more)


def told(crm: MemoryConsumer) -> World:
    return make_world(crm=crm, late_seconds=0)


def botmatic_id(world: World, external_id: str) -> str | None:
    return world.store.get_botmatic_id(INSTALLATION, external_id)


def test_the_first_pull_applies_everything_and_the_next_one_what_is_new() -> None:
    crm = Telling(page(1, record(1), record(2)), page(2, record(3)))
    world = told(crm)
    assert world.sync.pull_changes(TOKEN) == PullReport(created=3)
    assert world.sync.pull_changes(TOKEN) == PullReport()
    crm.pages.append(page(3, record(2, "Eve"), record(4), deleted=["1"]))
    assert world.sync.pull_changes(TOKEN) == PullReport(created=1, updated=1, deleted=1)
    assert crm.asked == [None, "2", "2"]
    names = {contact["firstname"] for contact in world.platform.contacts.values()}
    assert names == {"Eve2", "Ada3", "Ada4"}


def test_what_is_told_twice_is_applied_once() -> None:
    crm = Telling(page(1, record(1)), page(2, record(1)))
    world = told(crm)
    assert world.sync.pull_changes(TOKEN) == PullReport(created=1, unchanged=1)
    assert world.sync.pull_changes(TOKEN, full=True) == PullReport(unchanged=2)
    assert world.platform.calls == ["create_contacts"]


def test_a_page_that_fails_for_now_is_told_again() -> None:
    crm = Telling(page(1, record(1)))
    world = told(crm)
    world.sync.pull_changes(TOKEN)
    crm.pages.append(page(2, record(2), record(3)))
    world.platform.fail("create_contacts", Result.failed("away", retryable=True))
    report = world.sync.pull_changes(TOKEN)
    assert not report.success
    assert report.created == 0
    assert "goes on from the same place" in str(report.error)
    assert world.sync.pull_changes(TOKEN) == PullReport(created=2)
    assert crm.asked == [None, "1", "1"]


def test_a_contact_that_fails_for_good_does_not_hold_up_the_others() -> None:
    crm = Telling(page(1, record(1), {"first_name": "nobody"}), page(2, record(2)))
    world = told(crm)
    report = world.sync.pull_changes(TOKEN)
    assert (report.created, [id for id, _ in report.failed], report.error) == (2, [None], None)
    assert world.sync.pull_changes(TOKEN).success
    assert crm.asked == [None, "2"]


def test_a_merger_moves_the_pair_to_the_winner() -> None:
    crm = Telling(page(1, record(1), record(2)))
    world = told(crm)
    world.sync.pull_changes(TOKEN)
    partner = str(botmatic_id(world, "1"))
    crm.pages.append(page(2, record(3), merged=[("1", "3")], deleted=["1"]))
    assert world.sync.pull_changes(TOKEN).success
    assert botmatic_id(world, "3") == partner
    assert partner in world.platform.contacts


def test_a_cursor_that_has_expired_has_everything_listed_and_what_is_gone_found() -> None:
    crm = Telling(page(1, record(1), record(2)))
    for _ in range(2):
        crm.create_contact({"first_name": "kept"})
    world = told(crm)
    world.sync.pull_changes(TOKEN)
    crm.delete_contact("1")
    crm.pages = [page(7, record(2)), page(8, record(3))]
    crm.oldest = 5
    report = world.sync.pull_changes(TOKEN)
    assert report == PullReport(created=1, unchanged=1, deleted=1)
    assert botmatic_id(world, "1") is None
    assert crm.asked[-2:] == ["1", None]


def test_a_listing_that_breaks_off_is_begun_again_and_what_is_gone_is_found() -> None:
    crm = Telling(page(1, record(1), record(2)))
    for _ in range(2):
        crm.create_contact({"first_name": "kept"})
    world = told(crm)
    world.sync.pull_changes(TOKEN)
    crm.delete_contact("1")
    crm.pages, crm.oldest = [page(7, record(2)), page(8, record(3))], 5
    world.platform.fail("create_contacts", Result.failed("away", retryable=True))
    assert not world.sync.pull_changes(TOKEN).success
    assert world.sync.pull_changes(TOKEN) == PullReport(created=1, unchanged=1, deleted=1)
    crm.pages, crm.oldest = [*crm.pages, *([page(9)] * 6)], 0
    assert world.sync.pull_changes(TOKEN) == PullReport()
    assert crm.asked[-1] == "8"


def test_a_full_pull_that_cannot_find_out_what_is_gone_says_so() -> None:
    crm = Telling(page(1, record(1), record(2)))
    world = told(crm)
    world.sync.pull_changes(TOKEN)
    crm.pages = [page(1, record(2))]
    crm.fail_next(Result.failed("the key is refused"), "get_contact")
    report = world.sync.pull_changes(TOKEN, full=True)
    assert "could not be found out: the key is refused" in str(report.error)
    assert len(world.platform.contacts) == 2


def test_what_was_not_listed_but_is_there_stays() -> None:
    crm = Telling(page(1, record(1), record(2)))
    for _ in range(2):
        crm.create_contact({"first_name": "kept"})
    world = told(crm)
    world.sync.pull_changes(TOKEN)
    crm.pages = [page(1, record(2))]
    assert world.sync.pull_changes(TOKEN, full=True) == PullReport(unchanged=1)
    assert len(world.platform.contacts) == 2


def test_a_crm_that_lists_nothing_at_all_deletes_nothing() -> None:
    crm = Telling(page(1, record(1)))
    world = told(crm)
    world.sync.pull_changes(TOKEN)
    crm.pages = [page(1)]
    report = world.sync.pull_changes(TOKEN, full=True)
    assert not report.success
    assert "lists no record at all" in str(report.error)
    assert len(world.platform.contacts) == 1


def test_a_full_pull_needs_no_list_of_changes() -> None:
    crm = MemoryConsumer([record(1), record(2)], id_field="ref", email_field="email_address")
    world = told(crm)
    refused = world.sync.pull_changes(TOKEN)
    assert not refused.success
    assert "full=True" in str(refused.error)
    assert world.sync.pull_changes(TOKEN, full=True) == PullReport(created=2)
    crm.delete_contact("1")
    assert world.sync.pull_changes(TOKEN, full=True) == PullReport(unchanged=1, deleted=1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Changes(cursor=""), "without a cursor"),
        (Changes(cursor="1", deleted=[""]), "an id that is no id"),
        (Changes(cursor="1", merged=[("1",)]), "an id that is no id"),  # type: ignore[list-item]
        (Changes(cursor="1", contacts=["x"]), "a contact that is no dict"),  # type: ignore[list-item]
        (Result.ok(contacts=[]), "a success that is no Changes"),
        ({"success": False, "error": "closed"}, "closed"),
        (None, "expected a Result"),
    ],
)
def test_a_page_that_is_none_ends_the_pull(given: Any, said: str) -> None:
    world = told(Telling(given))
    report = world.sync.pull_changes(TOKEN)
    assert not report.success
    assert said in str(report.error)
    assert world.platform.contacts == {}


def test_a_walk_that_stands_still_ends() -> None:
    class Endless(Telling):
        def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
            while True:
                yield Changes(cursor="same")

    report = told(Endless()).sync.pull_changes(TOKEN)
    assert "has to end" in str(report.error)


def test_what_raises_ends_the_pull_with_a_failure() -> None:
    class Broken(Telling):
        def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
            yield page(1, record(1))
            raise ConnectionError

    world = told(Broken())
    report = world.sync.pull_changes(TOKEN)
    assert (report.created, report.success) == (1, False)
    assert "ConnectionError" in str(report.error)

    def stop(_: PullReport) -> None:
        raise RuntimeError

    stopped = told(Telling(page(1, record(1)))).sync.pull_changes(TOKEN, progress=stop)
    assert "progress function" in str(stopped.error)


def test_a_stored_cursor_that_cannot_be_read_is_left_aside() -> None:
    crm = Telling(page(1, record(1)))
    world = told(crm)
    world.sync.abilities.records.put_record(INSTALLATION, "pull:cursor", "{not json")
    assert world.sync.pull_changes(TOKEN) == PullReport(created=1)
    assert crm.asked == [None]


def test_progress_is_told_after_each_page() -> None:
    told_of: list[int] = []
    world = told(Telling(page(1, record(1)), page(2, record(2), record(3))))
    report = world.sync.pull_changes(TOKEN, progress=lambda report: told_of.append(report.total))
    assert told_of == [1, 3]
    assert report.total == 3
