"""Consumers that are wrong on purpose, one fault each, for the suite to catch."""

from __future__ import annotations

import posixpath
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import requests

from contact_sync.consumer import PAGE_SIZE, ResultLike
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import MemoryConsumer

from .rest import RestConsumer


class MissingIsSuccess(MemoryConsumer):
    def get_contact(self, id: str) -> ResultLike:
        return {"success": True, "contact": self.records.get(id)}


class MissingHasOtherWords(MemoryConsumer):
    def get_contact(self, id: str) -> ResultLike:
        return super().get_contact(id) if id in self.records else Result.failed("404 Not Found")


class RaisesOnMissing(MemoryConsumer):
    def get_contact(self, id: str) -> ResultLike:
        return Result.ok(id, contact=self.records[id])


class NumbersForIds(MemoryConsumer):
    """Its records are kept by number, and asked for by text."""

    def get_contact(self, id: str) -> ResultLike:
        by_number = {int(key): record for key, record in self.records.items()}
        contact = by_number.get(id)  # type: ignore[call-overload]  # the mistake that is shown here
        return Result.ok(id, contact=contact) if contact is not None else Result.failed(NOT_FOUND)


class NoIdInContacts(MemoryConsumer):
    def get_contact(self, id: str) -> ResultLike:
        if id not in self.records:
            return Result.failed(NOT_FOUND)
        return Result.ok(id, contact={name: value for name, value in self.records[id].items() if name != "id"})


class NoIdFromCreate(MemoryConsumer):
    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        super().create_contact(contact)
        return {"success": True}


class UpdateReplaces(MemoryConsumer):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        missing = {name: None for name in self.records.get(contact["id"], {}) if name not in contact}
        return super().update_contact(missing | contact)


class UpdateCreates(MemoryConsumer):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        if contact["id"] not in self.records:
            self._keep(contact, contact["id"])
        return super().update_contact(contact)


class UpdateIgnoresMissing(MemoryConsumer):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        super().update_contact(contact)
        return Result.ok(contact["id"] or "0")


class UpdateAnswersNothing(MemoryConsumer):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        super().update_contact(contact)
        return None  # type: ignore[return-value]  # the mistake that is shown here


class NoneAsText(MemoryConsumer):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().update_contact({name: str(value) for name, value in contact.items()})


class NoneIsIgnored(MemoryConsumer):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().update_contact({name: value for name, value in contact.items() if value})


class TextToNumbers(MemoryConsumer):
    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().create_contact({k: int(v) if v.isdigit() else v for k, v in contact.items()})


class AsciiOnly(MemoryConsumer):
    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().create_contact({k: v.encode("ascii", "ignore").decode() for k, v in contact.items()})


class ChangesItsArgument(MemoryConsumer):
    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        contact["source"] = "chatbot"
        return super().create_contact(contact)

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        id = contact.pop("id")
        return super().update_contact({"id": id, **contact})


class DeletePretends(MemoryConsumer):
    def delete_contact(self, id: str) -> ResultLike:
        return Result.ok(id) if id in self.records else Result.failed(NOT_FOUND)


class DeleteOfMissingSucceeds(MemoryConsumer):
    def delete_contact(self, id: str) -> ResultLike:
        super().delete_contact(id)
        return {"success": True}


class DeleteFails(MemoryConsumer):
    def delete_contact(self, id: str) -> ResultLike:
        return Result.failed("this key may not delete")


class SharesAContact(MemoryConsumer):
    """Keeps the contact of the call in progress on itself, where another thread's call overwrites it."""

    turn = threading.Event()

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        self.current = contact
        self.turn.wait(0.01)
        return super().create_contact(self.current)


class SharesAQuestion(MemoryConsumer):
    """Keeps the id of the call in progress on itself, where another thread's call overwrites it."""

    turn = threading.Event()

    def get_contact(self, id: str) -> ResultLike:
        self.asked = id
        self.turn.wait(0.001)
        return super().get_contact(self.asked)


class EmailPrefix(MemoryConsumer):
    def get_contact_by_email(self, email: str) -> ResultLike:
        found = [record for record in self.records.values() if record["email"].startswith(email)]
        if not found:
            return Result.failed(NOT_FOUND)
        return Result.ok(contact=found[0]) if len(found) == 1 else Result.ok(contacts=found)


class FirstOfSeveral(MemoryConsumer):
    def get_contact_by_email(self, email: str) -> ResultLike:
        found = [record for record in self.records.values() if record["email"] == email]
        return Result.ok(contact=found[0]) if found else Result.failed(NOT_FOUND)


class NobodyIsAnEmptyList(MemoryConsumer):
    def get_contact_by_email(self, email: str) -> ResultLike:
        found = super().get_contact_by_email(email)
        assert isinstance(found, Result)
        return Result.ok(contacts=[]) if found.not_found else found


class PlusIsASpace(MemoryConsumer):
    def get_contact_by_email(self, email: str) -> ResultLike:
        return super().get_contact_by_email(unquote(email.replace("+", " ")))


class OldEmails(MemoryConsumer):
    """Answers look-ups from what it saw at the time of creation."""

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        created = super().create_contact(contact)
        assert isinstance(created, Result)
        self.__dict__.setdefault("ids", {}).setdefault(contact["email"], []).append(created.id)
        return created

    def get_contact_by_email(self, email: str) -> ResultLike:
        found = [self.records[id] for id in self.__dict__.get("ids", {}).get(email, []) if id in self.records]
        if not found:
            return Result.failed(NOT_FOUND)
        return Result.ok(contact=found[0]) if len(found) == 1 else Result.ok(contacts=found)


class UpsertByEmail(MemoryConsumer):
    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        found = self.get_contact_by_email(contact["email"])
        assert isinstance(found, Result)
        return super().create_contact(contact) if found.contact is None else Result.ok(found.id)


class PagesOverlap(MemoryConsumer):
    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        everything = list(self.records.values())
        start = (page - 1) * max(limit - 1, 1)
        return Result.ok(contacts=everything[start : start + limit])


class PagesFromZero(MemoryConsumer):
    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        return super().list_contacts(page + 1, limit)


class SamePageForEver(MemoryConsumer):
    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        return super().list_contacts(1, limit)


class BeyondTheEndFails(MemoryConsumer):
    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        result = super().list_contacts(page, limit)
        assert isinstance(result, Result)
        return result if result.contacts else Result.failed(NOT_FOUND)


class LimitIgnored(MemoryConsumer):
    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        return super().list_contacts(page, 100)


class ListsSummaries(MemoryConsumer):
    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        result = super().list_contacts(page, limit)
        assert isinstance(result, Result)
        return Result.ok(contacts=[{"id": contact["id"]} for contact in result.contacts or ()])


class WalksOnePage(MemoryConsumer):
    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        page = self.list_contacts(1, page_size)
        assert isinstance(page, Result)
        yield page


class FullLastPageIsLost(MemoryConsumer):
    """Takes a full page for one with more behind it, and looks at that first."""

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        found, behind = super().list_contacts(page, limit), super().list_contacts(page + 1, limit)
        assert isinstance(found, Result)
        assert isinstance(behind, Result)
        full = len(found.contacts or ()) == limit > 1
        return behind if full and not behind.contacts else found


class FullLastPageOfAWalkIsLost(MemoryConsumer):
    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        walked = list(super().iter_contacts(page_size))
        full = [page for page in walked[-1:] if len(page.contacts or ()) == page_size]
        yield from walked[:-1] if full else walked


class SendsNoEditTwice(MemoryConsumer):
    """Remembers what it has sent, and sends the same no more."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        if contact in self.sent and contact["id"] in self.records:
            return Result.ok(contact["id"])
        self.sent.append(dict(contact))
        return super().update_contact(contact)


class NothingForTheCallback(MemoryConsumer):
    def list_all_contacts(self, page_size: int = PAGE_SIZE, callback: object = None) -> Result:
        return super().list_all_contacts(page_size)


class NotQuoted(MemoryConsumer):
    """Puts ids into a URL as they are, which then is normalised as HTTP clients and servers do it."""

    def _id(self, id: str) -> str:
        path = unquote(urlsplit(f"http://crm/contacts/{id}").path)
        return posixpath.normpath(path).removeprefix("/contacts").strip("/ ")

    def get_contact(self, id: str) -> ResultLike:
        return super().get_contact(self._id(id))

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        return super().update_contact({**contact, "id": self._id(contact["id"])})

    def delete_contact(self, id: str) -> ResultLike:
        return super().delete_contact(self._id(id))


class EmptyIdIsTheCollection(MemoryConsumer):
    def get_contact(self, id: str) -> ResultLike:
        return Result.ok(contact={"contacts": []}) if id == "" else super().get_contact(id)

    def delete_contact(self, id: str) -> ResultLike:
        if id not in (".", ""):
            return super().delete_contact(id)
        for every in self.records:
            super().delete_contact(every)
        return {"success": True}


class NoTimeOut(RestConsumer):
    timeout = None


class SwallowsErrors(RestConsumer):
    def call(self, method: str, url: str, **arguments: Any) -> requests.Response | None:
        try:
            return super().call(method, url, **arguments)
        except requests.ConnectionError:
            raise RuntimeError("the CRM is away") from None


class ServerErrorsAreMissing(RestConsumer):
    def call(self, method: str, url: str, **arguments: Any) -> requests.Response | None:
        response = requests.request(method, url, timeout=self.timeout, **arguments)
        return response if response.ok else None


class SaysNotWhen(RestConsumer):
    def call(self, method: str, url: str, **arguments: Any) -> requests.Response | None:
        try:
            return super().call(method, url, **arguments)
        except requests.HTTPError as error:
            if error.response.status_code == 429:
                raise TimeoutError("slow down") from None
            raise


class StatusUnread(RestConsumer):
    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> ResultLike:
        response = requests.get(self.base, params={"page": page, "limit": limit}, timeout=self.timeout)
        try:
            return Result.ok(contacts=response.json()["contacts"])
        except ValueError:
            return Result.ok(contacts=[])


class AnswersUnread(RestConsumer):
    def record(self, response: requests.Response | None) -> ResultLike:
        return Result.failed(NOT_FOUND) if response is None else {"success": True, "contact": {}, "id": "1"}
