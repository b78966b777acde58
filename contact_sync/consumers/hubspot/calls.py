"""HubSpot's calls for contacts, each with its address, its limits, and the form of its answer.

They are those of the OpenAPI descriptions in `HubSpot/HubSpot-public-api-spec-collection`, under `PublicApiSpecs/CRM`
in `Contacts` and `Properties`. They are the same for `v3` and for the dated versions, but for the beginning of the
address.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal
from urllib.parse import quote

from contact_sync.consumers.http import Api, ApiError, Reply, UnreadableAnswer
from contact_sync.errors import ConfigurationError

from .records import Record, record_of
from .refusals import is_missing

PAGE_LIMIT: Final = 100
"""How many contacts a page of the list holds at the most."""

SEARCH_LIMIT: Final = 200
"""How many contacts a page of a search holds at the most."""

SEARCH_WINDOW: Final = 10_000
"""How many contacts a search gives in all; paging beyond is a 400.
https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm"""

BATCH_LIMIT: Final = 100
"""How many contacts a batch call takes."""

_VERSION: Final = re.compile(r"20[0-9]{2}-[0-9]{2}")

Kind = Literal["create", "update", "upsert"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of contacts.

    Attributes:
        records: What it holds.
        after: Where the next one begins; `None` if there is none.
        at: When HubSpot answered, by its own clock, in milliseconds since the epoch.
    """

    records: Sequence[Record] = field(repr=False)
    after: str | None
    at: int


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What came of a batch: the records that were written, in no particular order, and what failed."""

    records: Sequence[Record] = field(repr=False)
    errors: Sequence[Mapping[str, Any]] = field(repr=False)


class Calls:
    """Calls of one account. What is no success is raised as `ApiError`, what cannot be read as `UnreadableAnswer`.

    Raises:
        ConfigurationError: The version is neither `v3` nor a dated one.
    """

    def __init__(self, api: Api, version: str) -> None:
        if version == "v3":
            self._contacts, self._definitions = "/crm/v3/objects/contacts", "/crm/v3/properties/contacts"
        elif isinstance(version, str) and _VERSION.fullmatch(version):
            self._contacts = f"/crm/objects/{version}/contacts"
            self._definitions = f"/crm/properties/{version}/contacts"
        else:
            raise ConfigurationError("version: expected v3, or a dated one such as 2026-03")
        self._api = api

    def read(self, id: str, properties: Iterable[str], id_property: str | None = None) -> Record | None:
        """Read a record by its id, or by a property whose values are unique. `None` if there is none.

        The ids of records that were merged lead to the record that they are a part of, whose id is another one:
        https://developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies
        """
        params = {"properties": ",".join(properties)}
        if id_property is not None:
            params["idProperty"] = id_property
        reply = self._on_record("GET", id, params=params)
        return None if reply is None else _there(record_of(reply.json()))

    def create(self, properties: Mapping[str, str]) -> Record:
        """Create a record. The answer has what was sent, and what HubSpot has set by itself."""
        answer = self._api.call("POST", self._contacts, json={"properties": dict(properties)}).json()
        entity = answer.get("entity") if isinstance(answer, dict) else None  # so in the description of v3
        return record_of(answer if entity is None else entity)

    def update(self, id: str, properties: Mapping[str, str]) -> Record | None:
        """Change some properties of a record; `""` clears one. `None` if there is no such record.

        The answer has what was sent, and some of what HubSpot sets by itself: not the whole record.
        """
        reply = self._on_record("PATCH", id, json={"properties": dict(properties)})
        return None if reply is None else record_of(reply.json())

    def archive(self, id: str) -> bool:
        """Put a record into the recycling bin, from which it can be restored for 90 days."""
        return self._on_record("DELETE", id) is not None

    def erase(self, id: str) -> None:
        """Delete a record for good, and all that belongs to it."""
        self._api.call("POST", f"{self._contacts}/gdpr-delete", json={"objectId": id})

    def page(self, properties: Iterable[str], limit: int, after: str | None) -> Page:
        """Read a page of the list, which is in the order of ids and knows of everything at once."""
        params: dict[str, str | int] = {"limit": min(limit, PAGE_LIMIT), "properties": ",".join(properties)}
        if after is not None:
            params["after"] = after
        return _page(self._api.call("GET", self._contacts, params=params))

    def search(
        self, groups: Sequence[Sequence[Mapping[str, str]]], properties: Iterable[str], after: str | None = None
    ) -> Page:
        """Search: any of the groups, of which all filters have to hold. In the order of ids.

        New and changed contacts take "a few moments" to be found.
        """
        body: dict[str, Any] = {
            "filterGroups": [{"filters": [dict(filter) for filter in group]} for group in groups],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(properties),
            "limit": SEARCH_LIMIT,
        }
        if after is not None:
            body["after"] = after
        return _page(self._api.call("POST", f"{self._contacts}/search", json=body))

    def batch(self, kind: Kind, inputs: Sequence[Mapping[str, Any]]) -> BatchAnswer:
        """Write several records with one call.

        Where each input has an `objectWriteTraceId`, one that fails does not stop the others: the answer is a 207, and
        its errors name the traces.
        https://developers.hubspot.com/docs/api-reference/latest/error-handling#multi-status-errors
        """
        body = {"inputs": [dict(one) for one in inputs]}
        answer = self._api.call("POST", f"{self._contacts}/batch/{kind}", json=body).json()
        if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
            raise UnreadableAnswer("HubSpot's answer to a batch holds no results")
        errors = answer.get("errors")
        told = [one for one in (errors if isinstance(errors, list) else []) if isinstance(one, dict)]
        return BatchAnswer([record_of(one) for one in answer["results"]], told)

    def definitions(self) -> list[Mapping[str, Any]]:
        """Read what properties the account's contacts have."""
        answer = self._api.call("GET", self._definitions).json()
        found = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise UnreadableAnswer("HubSpot's answer holds no properties")
        return [one for one in found if isinstance(one, dict) and isinstance(one.get("name"), str)]

    def _on_record(
        self, method: str, id: str, *, params: Mapping[str, str] | None = None, json: dict[str, Any] | None = None
    ) -> Reply | None:
        """Make a call about one record; `None` if it is HubSpot that says that there is none."""
        try:
            return self._api.call(method, f"{self._contacts}/{quote(id, safe='')}", params=params, json=json)
        except ApiError as error:
            if is_missing(error):
                return None
            raise


def _there(record: Record) -> Record | None:
    return None if record.archived else record


def _page(reply: Reply) -> Page:
    answer = reply.json()
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        raise UnreadableAnswer("HubSpot's answer holds no page of contacts")
    paging = answer.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    records = [record_of(one) for one in answer["results"]]
    return Page(records, str(after) if isinstance(after, str | int) and after != "" else None, _clock(reply))


def _clock(reply: Reply) -> int:
    """When an answer was given, by the clock of the server: ours may be another one."""
    try:
        return int(parsedate_to_datetime(reply.headers.get("Date", "")).timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        return int(time.time() * 1000)
