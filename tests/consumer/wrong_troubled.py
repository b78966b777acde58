"""Consumers that are wrong on purpose when their CRM is in trouble, one fault each, for the suite to catch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import requests

from contact_sync.consumer import PAGE_SIZE, Changes, CRMField, ManyResults, ResultLike
from contact_sync.results import NOT_FOUND, Result

from .rest import RestConsumer


class Quick(RestConsumer):
    """Right, and soon at the end of its patience."""

    timeout = 0.2


class Full(Quick):
    """Right, with all that is optional. It can tell of what is there alone."""

    batch_size = 20

    def listed(self) -> list[dict[str, Any]]:
        response = self.call("GET", self.base, params={"limit": 1000})
        assert response is not None
        found: list[dict[str, Any]] = response.json()["contacts"]
        return found

    def find_contact(self, field: str, value: str) -> ResultLike:
        found = [record for record in self.listed() if value and record.get(field) == value]
        return Result.ok(contacts=found) if found else Result.failed(NOT_FOUND)

    def archive_contact(self, id: str) -> ResultLike:
        return self.delete_contact(id)

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        number = 1
        while contacts := self.page(number, page_size):
            yield Result.ok(contacts=contacts)
            number += 1

    def page(self, number: int, page_size: int) -> list[dict[str, Any]]:
        response = self.call("GET", self.base, params={"page": number, "limit": page_size})
        assert response is not None
        found: list[dict[str, Any]] = response.json()["contacts"]
        return found

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        yield Changes(cursor="1", contacts=self.listed())

    def list_fields(self) -> Sequence[CRMField]:
        return [CRMField(name) for name in ("id", "email", "first_name") if self.listed() is not None]

    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return self.batch("POST", contacts)

    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        return self.batch("PATCH", contacts)

    def batch(self, method: str, contacts: list[dict[str, Any]]) -> list[ResultLike]:
        if not contacts:
            return []
        response = self.call(method, f"{self.base}/batch", json={"contacts": contacts})
        if response is None:
            raise LookupError("the CRM has no batches")
        return [
            Result.failed(NOT_FOUND) if it["status"] == 404 else Result.ok(it["record"]["id"])
            for it in response.json()["results"]
        ]


# What is away is not missing, empty or without news


class OutageIsNoNews(Full):
    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        try:
            yield from super().list_changed(cursor)
        except (requests.RequestException, ValueError, KeyError, TypeError):
            yield Changes(cursor=cursor or "0")


class OutageEndsTheWalk(Full):
    def page(self, number: int, page_size: int) -> list[dict[str, Any]]:
        try:
            return super().page(number, page_size)
        except (requests.RequestException, ValueError):
            return []


class OutageIsFoundByNobody(Full):
    def find_contact(self, field: str, value: str) -> ResultLike:
        try:
            return super().find_contact(field, value)
        except (requests.RequestException, ValueError):
            return Result.failed(NOT_FOUND)


class OutageIsFoundByNoName(Full):
    """What is written for addresses is right."""

    def find_contact(self, field: str, value: str) -> ResultLike:
        try:
            return super().find_contact(field, value)
        except requests.RequestException:
            if field == "email":
                raise
            return Result.failed(NOT_FOUND)


class OutageHasNoFields(Full):
    def list_fields(self) -> Sequence[CRMField]:
        try:
            return super().list_fields()
        except requests.RequestException:
            return []


class OutageArchives(Full):
    def archive_contact(self, id: str) -> ResultLike:
        try:
            return super().archive_contact(id)
        except requests.RequestException:
            return Result.ok(id)


class OutageIsForGoodInBatches(Full):
    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        try:
            return super().create_contacts(contacts)
        except requests.RequestException:
            return [Result.failed("the batch failed") for _ in contacts]


class OutageIsDoneInBatches(Full):
    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        try:
            return super().update_contacts(contacts)
        except requests.RequestException:
            return [Result.ok(contact["id"]) for contact in contacts]


class ExpectsRetryAfter(Quick):
    """Reads a header that is not always there, and not always a number."""

    seconds: Callable[[dict[str, str]], int] = staticmethod(lambda headers: int(headers["Retry-After"]))

    def call(self, method: str, url: str, **arguments: Any) -> requests.Response | None:
        try:
            return super().call(method, url, **arguments)
        except requests.HTTPError as error:
            if error.response.status_code != 429:
                raise
            after = self.seconds(dict(error.response.headers))
            raise Slow(after) from None


class Slow(Exception):
    """The CRM has no time for now."""

    status_code = 429

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(seconds)}


class ExpectsSeconds(ExpectsRetryAfter):
    seconds = staticmethod(lambda headers: int(headers.get("Retry-After", "1")))


# A time-out says nothing


class TimeOutOfAnUpdateIsSuccess(Quick):
    """Takes an update for done if the record is there."""

    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        try:
            return super().update_contact(contact)
        except requests.Timeout:
            return self.get_contact(contact["id"])


class TimeOutOfAnUpdateIsForGood(Quick):
    def update_contact(self, contact: dict[str, Any]) -> ResultLike:
        try:
            return super().update_contact(contact)
        except requests.Timeout as error:
            raise RuntimeError("too slow") if self.is_there(contact["id"]) else error from None

    def is_there(self, id: str) -> bool:
        try:
            return self.call("GET", self.url(id)) is not None
        except requests.Timeout:
            return False


class TimeOutOfACreateIsTriedAgain(Quick):
    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        try:
            return super().create_contact(contact)
        except requests.Timeout:
            return super().create_contact(contact)


class TimeOutOfACreateIsSuccess(Quick):
    """Asks who has the address, and takes that for the answer; where nobody has it, it makes an id up."""

    def create_contact(self, contact: dict[str, Any]) -> ResultLike:
        try:
            return super().create_contact(contact)
        except requests.ReadTimeout:
            try:
                found = self.get_contact_by_email(contact["email"])
            except requests.Timeout as error:
                raise error from None
            return found if isinstance(found, Result) and found.success else Result.ok("0")


class SkipsPagesThatFail(Full):
    """Leaves a page out that cannot be read, unless none can."""

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        number, failed = 0, 0
        while (number := number + 1) > 0:
            try:
                contacts = self.page(number, page_size)
            except requests.HTTPError:
                failed += 1
                if failed > 1:
                    raise
                continue
            if not contacts:
                return
            yield Result.ok(contacts=contacts)


class OutageOfOldNewsIsNoNews(Full):
    """The first time is right."""

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        try:
            yield from super().list_changed(cursor)
        except requests.RequestException:
            if cursor is None:
                raise
            yield Changes(cursor=cursor)
