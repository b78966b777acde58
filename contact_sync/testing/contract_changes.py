"""`ConsumerContract`: telling what has changed, for a consumer that has `list_changed`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contact_sync.consumer import Changes, CursorExpired, changes, offers
from contact_sync.results import Result

from .contract_applies import needs
from .contract_probe import PAGE, Probe, said
from .paths import put

NONSENSE: Final = ("no such cursor", "☃", "' OR '1'='1")
"""Texts that are no cursor of any CRM."""

LOOKED_AT: Final = 3


@dataclass
class Told:
    """What a walk told: the records by id, as it told of them last; what is gone; and where to go on from."""

    contacts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    cursors: list[str] = field(default_factory=list)

    @property
    def cursor(self) -> str:
        """Where to go on from."""
        return self.cursors[-1]


class ChangesTests:
    """Changes since a cursor. A consumer without `list_changed` has to say that it has none."""

    def test_the_first_walk_tells_everything(self, probe: Probe) -> None:
        """Without a cursor, everything that there is comes, whole, and a cursor to go on from."""
        if _says_that_it_cannot_tell(probe):
            return
        records = probe.records(PAGE)
        told = probe.settled(lambda: walk(probe, None), lambda it: {id for id, _ in records} <= set(it.contacts))
        for id, sent in records:
            assert id in told.contacts, (
                f"list_changed(None) left out the record {id!r}; the first time, it has to tell everything"
            )
            lost = probe.lost(sent, told.contacts[id])
            assert not lost, f"list_changed has to give whole contacts, as get_contact does; {'; '.join(lost)}"

    @needs("records")
    def test_what_changes_is_told_from_the_cursor_on(self, probe: Probe) -> None:
        """What was created, changed and deleted since is told, as it is by now. It may come with what is known."""
        if _says_that_it_cannot_tell(probe):
            return
        changed, gone = probe.record(text="Before").id, probe.record().id
        known = probe.settled(lambda: walk(probe, None), lambda it: {changed, gone} <= set(it.contacts))
        stays = _changed_or_kept(probe, changed)
        is_gone = probe.deleted(gone)
        created, sent = probe.record()

        def all_told(told: Told) -> bool:
            deletes = not is_gone or gone in told.deleted or not probe.declared.tells_deletes
            new = created in told.contacts and gone not in told.contacts
            return new and deletes and (stays is None or probe.lost(stays, told.contacts.get(changed, {})) == [])

        told = probe.settled(lambda: walk(probe, known.cursor), all_told)
        assert created in told.contacts, (
            f"list_changed does not tell of the record {created!r}, created since its cursor"
        )
        lost = probe.lost(sent, told.contacts[created])
        assert not lost, f"list_changed has to give whole contacts, as get_contact does; {'; '.join(lost)}"
        if stays is not None:
            assert changed in told.contacts, (
                f"list_changed does not tell of the record {changed!r}, which was changed since its cursor"
            )
            lost = probe.lost(stays, told.contacts[changed])
            assert not lost, f"list_changed has to tell of a record as it is by now; {'; '.join(lost)}"
        if is_gone:
            assert gone not in told.contacts, f"list_changed gives the record {gone!r}, which was deleted"
            assert gone in told.deleted or not probe.declared.tells_deletes, (
                f"list_changed does not name {gone!r} in 'deleted', which was deleted since its cursor; if the "
                f"CRM tells of no deletes, write tells_deletes = False in {type(probe.declared).__name__}: they come "
                "with a full pull then"
            )
        wrong = told.deleted & {created, changed}
        assert not wrong, f"list_changed names {sorted(wrong)} in 'deleted', which are there"

    @needs("records")
    def test_nothing_is_lost_when_nothing_has_changed(self, probe: Probe) -> None:
        """Asked again, it tells nothing new, and gives a cursor from which later changes are told."""
        if _says_that_it_cannot_tell(probe):
            return
        first = probe.record()
        known = probe.settled(lambda: walk(probe, None), lambda it: first.id in it.contacts)
        cursor = known.cursor
        for _ in range(2):
            again = walk(probe, cursor)
            cursor = again.cursors[-1] if again.cursors else cursor
            assert set(again.contacts) <= set(known.contacts), "list_changed told of a record that nobody created"
        later = probe.record()
        told = probe.settled(lambda: walk(probe, cursor), lambda it: later.id in it.contacts)
        assert later.id in told.contacts, (
            f"list_changed does not tell of the record {later.id!r}, created after it was asked twice without news; "
            "the cursor that it gives then has to be one from which later changes are told"
        )

    @needs("records")
    def test_an_old_cursor_tells_at_least_the_same_again(self, probe: Probe) -> None:
        """A cursor is text that can be stored, and asked for any number of times, whatever was asked meanwhile."""
        if _says_that_it_cannot_tell(probe):
            return
        seen = probe.record().id
        known = probe.settled(lambda: walk(probe, None), lambda it: seen in it.contacts)
        news = {record.id for record in probe.records(PAGE)}
        first = probe.settled(lambda: walk(probe, known.cursor), lambda it: news <= set(it.contacts))
        assert first.cursors, "list_changed told nothing, though records were created since its cursor"
        walk(probe, first.cursor)
        again = walk(probe, json.loads(json.dumps(known.cursor)))
        lost = sorted(news - set(again.contacts))
        assert not lost, (
            f"list_changed told of {lost}, and not when it was asked from the same cursor again; a pull that was "
            "broken off is told again, so nothing may be kept on the consumer or be taken off the CRM's list"
        )

    def test_each_page_has_a_cursor_from_which_the_rest_is_told(self, probe: Probe) -> None:
        """What comes after a page is told from its cursor on."""
        if _says_that_it_cannot_tell(probe):
            return
        records = {record.id for record in probe.records(2 * PAGE)}
        probe.settled(lambda: walk(probe, None), lambda it: records <= set(it.contacts))
        pages = [page for page in changes(probe.consumer, None) if isinstance(page, Changes)]
        for number, page in enumerate(pages[:LOOKED_AT]):
            rest = {probe.id_of(contact) for later in pages[number + 1 :] for contact in later.contacts}
            lost = sorted(map(str, rest - set(walk(probe, page.cursor).contacts)))
            assert not lost, (
                f"list_changed from the cursor of its page {number + 1} leaves out {lost}, which came later; a page's "
                "cursor is where to go on after that page"
            )

    def test_a_nonsense_cursor_is_never_no_news(self, probe: Probe) -> None:
        """A text that is no cursor is `CursorExpired`, or a failure; or everything is told."""
        if _says_that_it_cannot_tell(probe):
            return
        records = {record.id for record in probe.records(2)}
        for cursor in NONSENSE:
            try:
                pages = list(changes(probe.consumer, cursor))
            except CursorExpired:
                continue
            failed = any(isinstance(page, Result) for page in pages)
            told = {probe.id_of(contact) for page in pages if isinstance(page, Changes) for contact in page.contacts}
            assert failed or records <= told, (
                f"list_changed({cursor!r}) told that there is no news; raise CursorExpired for a cursor that the CRM "
                "does not know, so that everything is listed anew"
            )


def walk(probe: Probe, cursor: str | None) -> Told:
    """Walk over what has changed, which has to succeed."""
    __tracebackhide__ = True
    told = Told()
    try:
        for page in changes(probe.consumer, cursor):
            assert isinstance(page, Changes), f"list_changed {said(page)}"
            told.contacts |= {str(probe.id_of(contact)): contact for contact in page.contacts}
            told.deleted = (told.deleted | set(page.deleted)) - {str(probe.id_of(contact)) for contact in page.contacts}
            told.cursors.append(page.cursor)
    except CursorExpired as error:
        raise AssertionError("list_changed raised CursorExpired for a cursor that it gave just now") from error
    assert "None" not in told.contacts, f"list_changed gave a contact without {probe.declared.id_field!r}"
    assert told.cursors or cursor is not None, (
        "list_changed(None) has to give a page, for its cursor, even an empty one"
    )
    return told


def _says_that_it_cannot_tell(probe: Probe) -> bool:
    """Whether a consumer has no `list_changed`. It must not look like one that has no news."""
    __tracebackhide__ = True
    if offers(probe.consumer, "list_changed"):
        return False
    pages = list(changes(probe.consumer, None))
    failed = len(pages) == 1 and isinstance(pages[0], Result) and not pages[0].success
    assert failed, (
        "list_changed is not there, by the consumer's 'lacks', and tells that there is no news; it has to fail"
    )
    return True


def _changed_or_kept(probe: Probe, id: str) -> dict[str, Any] | None:
    """Have a record's text changed. What it has then; `None` if nobody can."""
    if not probe.changed(id, "After"):
        return None
    has: dict[str, Any] = {}
    put(has, probe.declared.text_field, "After")
    return has
