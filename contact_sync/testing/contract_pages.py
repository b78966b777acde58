"""`ConsumerContract`: walking over all contacts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from contact_sync.consumer import pages

from .contract_applies import needs
from .contract_probe import PAGE, RECORDS, Probe, Record, said

MOST_PAGES: Final = 10_000

Contacts = list[Mapping[str, Any]]


class PageTests:
    """Pages, by number and one after the other."""

    def test_numbered_pages_hold_every_contact_once(self, probe: Probe) -> None:
        """Page after page, each contact comes exactly once, until a page is empty."""
        records = _records(probe)
        walked = probe.settled(lambda: _numbered(probe), lambda it: _holds(probe, it, records))
        _assert_each_once(probe, "list_contacts", [one for page in walked for one in page], records)

    def test_a_page_holds_no_more_than_its_limit(self, probe: Probe) -> None:
        """A page has at most `limit` contacts."""
        _records(probe)
        for limit in (1, PAGE):
            page = _page(probe, 1, limit)
            assert len(page) <= limit, (
                f"list_contacts(1, {limit}) gave {len(page)} contacts; hand 'limit' on to the CRM, or cut the page"
            )

    def test_a_page_beyond_the_end_is_empty(self, probe: Probe) -> None:
        """Beyond the last page there are empty pages, which are successes."""
        _records(probe)
        end = len(_numbered(probe)) + 1
        for page in (end, end + 1, end + 7):
            result = probe.ask("list_contacts", page, PAGE)
            empty = result.success and result.contacts is not None and len(result.contacts) == 0
            assert empty, f"list_contacts beyond the last page {said(result)}; it has to succeed with an empty list"

    def test_page_and_limit_may_be_left_out(self, probe: Probe) -> None:
        """`list_contacts()` is the first page."""
        probe.record()
        result = probe.settled(lambda: probe.ask("list_contacts"), lambda it: bool(it.contacts))
        assert result.success, f"list_contacts() {said(result)}"
        assert result.contacts, f"list_contacts() {said(result)}, though there are contacts; 'page' begins with 1"

    def test_listed_contacts_are_whole(self, probe: Probe) -> None:
        """A contact in a list has every field that reading it alone gives."""
        records = _records(probe)
        listed = probe.settled(lambda: _walked(probe), lambda it: _holds(probe, [it], records))
        by_id = {probe.id_of(contact): contact for contact in listed}
        for id, sent in records:
            assert id in by_id, f"iter_contacts left out the record {id!r}, which was created"
            lost = probe.lost(sent, by_id[id])
            assert not lost, (
                "list_contacts and iter_contacts have to give whole contacts, since an import takes them as they are; "
                f"ask the CRM for the fields; {'; '.join(lost)}"
            )

    def test_iter_contacts_gives_every_contact_once(self, probe: Probe) -> None:
        """The walk that an import takes gives each contact exactly once."""
        records = _records(probe)
        listed = probe.settled(lambda: _walked(probe), lambda it: _holds(probe, [it], records))
        _assert_each_once(probe, "iter_contacts", listed, records)

    def test_a_full_last_page_is_not_lost(self, probe: Probe) -> None:
        """Where the last page holds as many contacts as fit, all of them come too."""
        before = {str(id) for id in _ids(probe, _walked(probe))}
        size = PAGE
        if probe.makes:
            fill = next(count for count in range(PAGE, 2 * PAGE) if (len(before) + count) % PAGE == 0)
            before |= {record.id for record in probe.records(fill)}
        else:
            size = next(size for size in range(max(1, len(before) // 2), 0, -1) if len(before) % size == 0)

        def numbered() -> list[str | None]:
            numbers = range(1, len(before) // size + 1)
            return [id for number in numbers for id in _ids(probe, _page(probe, number, size))]

        for method, read in (("list_contacts", numbered), ("iter_contacts", lambda: _ids(probe, _walked(probe, size)))):
            found = probe.settled(read, lambda it: before <= set(it))
            left_out = sorted(before - set(found))
            assert not left_out, (
                f"{method} with pages of {size} left out {left_out} of {len(before)} records, the last of which fill a "
                "page; a page is the last one if the CRM says so or the next one is empty"
            )

    def test_list_all_contacts_gives_what_its_pages_held(self, probe: Probe) -> None:
        """All contacts come at once, and every page goes to the callback."""
        records = _records(probe)
        handed: list[Contacts] = []

        def read() -> Any:
            handed.clear()
            return probe.consumer.list_all_contacts(PAGE, handed.append)

        result = probe.settled(read, lambda it: _holds(probe, [it.contacts or ()], records))
        assert result.success, f"list_all_contacts {said(result)}"
        everything = list(result.contacts or ())
        _assert_each_once(probe, "list_all_contacts", everything, records)
        assert [one for page in handed for one in page] == everything, (
            "list_all_contacts has to hand each page to its callback, and to answer with all of them"
        )

    @needs("records", "delete")
    def test_a_deleted_contact_is_in_no_page(self, probe: Probe) -> None:
        """A record that has been deleted is not listed any more."""
        id = probe.gone()
        listed = probe.settled(lambda: _walked(probe), lambda it: id not in _ids(probe, it))
        assert id not in _ids(probe, listed), (
            f"delete_contact answered success, but iter_contacts still gives the record {id!r}"
        )


def _records(probe: Probe) -> list[Record]:
    __tracebackhide__ = True
    return probe.records(RECORDS)


def _page(probe: Probe, page: int, limit: int) -> Contacts:
    __tracebackhide__ = True
    result = probe.ask("list_contacts", page, limit)
    assert result.success, f"list_contacts({page}, {limit}) {said(result)}"
    assert result.contacts is not None, (
        f"list_contacts({page}, {limit}) succeeded without contacts: Result.ok(contacts=…)"
    )
    return list(result.contacts)


def _numbered(probe: Probe) -> list[Contacts]:
    """Every page, until one is empty. A page that only repeats what came before ends the walk as a failure."""
    __tracebackhide__ = True
    walked: list[Contacts] = []
    seen: set[str | None] = set()
    for number in range(1, MOST_PAGES):
        page = _page(probe, number, PAGE)
        if not page:
            break
        ids = set(_ids(probe, page))
        assert not ids <= seen, (
            f"list_contacts({number}, {PAGE}) holds nothing but contacts of earlier pages; it has to use its 'page' "
            "argument, and a page beyond the end is empty"
        )
        seen |= ids
        walked.append(page)
    return walked


def _walked(probe: Probe, size: int = PAGE) -> Contacts:
    __tracebackhide__ = True
    listed: Contacts = []
    for page in pages(probe.consumer, size):
        assert page.success, f"iter_contacts {said(page)}"
        listed += page.contacts or ()
    return listed


def _ids(probe: Probe, contacts: Sequence[Mapping[str, Any]]) -> list[str | None]:
    return [probe.id_of(contact) for contact in contacts]


def _holds(probe: Probe, walked: Sequence[Sequence[Mapping[str, Any]]], records: list[Record]) -> bool:
    return {record.id for record in records} <= {id for page in walked for id in _ids(probe, page)}


def _assert_each_once(probe: Probe, method: str, listed: Contacts, records: list[Record]) -> None:
    __tracebackhide__ = True
    times = Counter(_ids(probe, listed))
    assert None not in times, (
        f"{method} gave a contact without {probe.declared.id_field!r}; contacts in a list have to hold their id"
    )
    missing = [record.id for record in records if record.id not in times]
    assert not missing, f"{method} left out {len(missing)} of {len(records)} records that were created: {missing}"
    twice = [id for id, count in times.items() if count > 1]
    assert not twice, f"{method} gave records more than once: {twice}; pages must not overlap (page 1 is the first)"
