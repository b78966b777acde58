"""Consumers that are wrong on purpose in telling what has changed, one fault each, for the suite to catch."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from contact_sync.consumer import Ability, Changes, ResultLike
from contact_sync.testing import MemoryConsumer


class Telling(MemoryConsumer):
    """Right."""

    def __init__(self) -> None:
        super().__init__(tells_changes=True)

    def told(self, cursor: str | None) -> list[Changes]:
        return [page for page in super().list_changed(cursor) if isinstance(page, Changes)]


class TellingInSmallPages(Telling):
    """Right: a page a change."""

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        begin = 0 if cursor is None else int(self.told(cursor)[-1].cursor) and int(cursor)
        for place in range(begin, len(self._journal)):
            id = self._journal[place]
            there = [self.records[id]] if id in self.records else []
            yield Changes(cursor=str(place + 1), contacts=there, deleted=[] if there else [id])


class LacksAndTellsNoNews(MemoryConsumer):
    lacks: Collection[Ability] = ["list_changed"]

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        yield Changes(cursor="1")


class TellsNothingAtFirst(Telling):
    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        if cursor is None:
            yield Changes(cursor=self.told(None)[-1].cursor)
        else:
            yield from self.told(cursor)


class TellsSummaries(Telling):
    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        for page in self.told(cursor):
            yield replace(page, contacts=[{"id": contact["id"]} for contact in page.contacts])


class TellsOfNewOnesAlone(Telling):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        result = super().update_contact(contact)
        del self._journal[-1:]
        return result


class TellsOfNoDeletes(Telling):
    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        for page in self.told(cursor):
            yield replace(page, deleted=())


class TellsWhatIsDeletedAsThere(Telling):
    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        for page in self.told(cursor):
            gone = [{"id": id, "email": None, "first_name": None} for id in page.deleted]
            yield replace(page, contacts=[*page.contacts, *gone], deleted=())


class TellsWhatIsThereAsDeleted(Telling):
    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        pages = self.told(cursor)
        yield from pages
        if cursor is not None:
            gone = [contact["id"] for page in pages for contact in page.contacts]
            yield Changes(cursor=pages[-1].cursor, deleted=gone)


class TellsWhatWas(Telling):
    """Tells of each record as it was when it was created."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, dict[str, Any]] = {}

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        result = super().create_contact(contact)
        self.first = self.records | self.first
        return result

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        for page in self.told(cursor):
            yield replace(page, contacts=[self.first.get(contact["id"], contact) for contact in page.contacts])


class TellsOnce(Telling):
    """What was told is struck off its list."""

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        yield from self.told(None)
        self._journal.clear()


class CursorStandsStill(Telling):
    """Gives the cursor that it is asked with, if there is no news; and the first one is that of the beginning."""

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        news = self.told(cursor)
        self.given = news[-1].cursor if news[-1].contacts or news[-1].deleted else "7777777"
        yield replace(news[-1], cursor=self.given, contacts=[it for page in news for it in page.contacts])


class CursorOfTheEnd(Telling):
    """Each page has the cursor of the last one."""

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        pages = list(TellingInSmallPages.list_changed(self, cursor))  # type: ignore[arg-type]  # it is a Telling
        for page in pages:
            assert isinstance(page, Changes)
            yield replace(page, cursor=str(len(self._journal)))


class CursorIsANumber(Telling):
    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        for page in self.told(cursor):
            yield replace(page, cursor=int(page.cursor))  # type: ignore[arg-type]  # the mistake that is shown here


class NonsenseIsNoNews(Telling):
    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        if cursor is None or cursor.isdecimal():
            yield from self.told(cursor)
        else:
            yield Changes(cursor=cursor)
