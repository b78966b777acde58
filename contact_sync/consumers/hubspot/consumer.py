"""The contacts of a HubSpot account, through its CRM API."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from requests.auth import AuthBase

from contact_sync.consumer import (
    PAGE_SIZE,
    Changes,
    CRMField,
    ExternalAPIConsumer,
    ManyResults,
    RateBudget,
    ResultLike,
    ask,
)
from contact_sync.consumers.auth import BearerAuth
from contact_sync.consumers.http import Api, ApiError, Timeouts
from contact_sync.errors import ConfigurationError, ContactSyncError
from contact_sync.results import NOT_FOUND, Result

from .batches import Batches, ResultOf
from .calls import BATCH_LIMIT, Calls, Kind, Page
from .changes import changed, patiently
from .fields import READ_ONLY_PROPERTIES, checked_properties, crm_fields
from .lookups import Lookups, merger, tried
from .records import EMAIL_PROPERTY, ID, Record, contact_of, is_record_id, is_whole, written
from .refusals import refused

BASE_URL: Final = "https://api.hubapi.com"

BUDGET: Final = RateBudget(100, per=10)
"""What every account takes: 100 calls in ten seconds of one app. Professional and Enterprise accounts take 190, OAuth
apps 110 of each account, and searches are limited to 5 a second.
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines"""

INDEX_LAG: Final = 300.0
"""How long after a change a search is taken not to know of it, in seconds. HubSpot says "a few moments"."""


class HubSpotConsumer(ExternalAPIConsumer):
    """Keeps contacts in a HubSpot account. Safe to call from several threads.

        HubSpotConsumer(token, properties=fields_of(mappings))

    Contacts are flat: the record's `id`, which is text, beside the properties under HubSpot's internal names. HubSpot
    gives those properties alone that it is asked for; one that the account does not have is left out, and one that is
    empty is `None`. Values are text, as HubSpot has them; the types of the mapping make numbers and dates of them.

    Archived records count as gone. Of records that were merged, see `get_contact`.

    Args:
        token: The token of a private app, or a service key: one that does not run out.
        properties: The properties to ask for (`fields_of`).
        auth: In place of a token, what authorizes each request, such as `OAuth2RefreshToken` for an app's OAuth.
        base_url: HubSpot's address.
        version: Of the API: `v3`, or a dated one (`2026-03`). HubSpot supports v3 until September 2027.
        delete: What a delete does: `archive` puts the record into the recycling bin, for 90 days; `gdpr` erases it for
            good, with all that belongs to it.
        unique_keys: The properties of which no two contacts have the same value: `email`, and those that the account
            has declared so (`hasUniqueValue`). Contacts are found by them at once, without the search's lag; and
            where a write is refused since another record has such a value, that record is named.
        read_only_fields: The properties that cannot be written. An account has more than the default; all are named by
            `[field.name for field in consumer.list_fields() if field.read_only]`.
        rate_budget: How many calls are made in what time, in this process.
        index_lag: How far `list_changed` reaches back, in seconds, for what the search did not know of yet.
        timeouts: How long a call may take.

    Raises:
        ConfigurationError: An argument is missing or wrong. The message names it.
    """

    partial_updates = True
    batch_size = BATCH_LIMIT
    clear_value = ""

    def __init__(
        self,
        token: str | None = None,
        *,
        properties: Iterable[str],
        auth: AuthBase | None = None,
        base_url: str = BASE_URL,
        version: str = "v3",
        delete: Literal["archive", "gdpr"] = "archive",
        unique_keys: Collection[str] = (EMAIL_PROPERTY,),
        read_only_fields: Collection[str] = READ_ONLY_PROPERTIES,
        rate_budget: RateBudget | None = BUDGET,
        index_lag: float = INDEX_LAG,
        timeouts: Timeouts | None = None,
    ) -> None:
        if (token is None) == (auth is None):
            raise ConfigurationError("HubSpotConsumer: give either a token or an auth")
        if delete not in ("archive", "gdpr"):
            raise ConfigurationError('delete: expected "archive" or "gdpr"')
        self.properties = checked_properties(properties)
        self.unique_keys = frozenset(unique_keys)
        self.read_only_fields = frozenset(read_only_fields)
        self.rate_budget = rate_budget
        self._erases = delete == "gdpr"
        self._index_lag = index_lag
        self._api = Api(base_url, auth=auth if token is None else BearerAuth(token), timeouts=timeouts)
        self._calls = Calls(self._api, version)
        self._lookups = Lookups(self._calls, self.properties, self.unique_keys)
        results: dict[Kind, ResultOf] = {"create": self._created, "update": self._updated, "upsert": _upserted}
        self._batches = Batches(self._calls, results, self._alone, self._lookups.verified)

    def create_contact(self, contact: dict[str, Any]) -> Result:
        """Create a record. Where one has the e-mail address, be it a further one of it, or the value of another unique
        key, the failure names it.

        HubSpot takes no contact without one of `email`, `firstname` and `lastname`.
        """

        def create() -> Result:
            properties = {name: text for name, text in written(contact).items() if text != ""}
            return self._created(None, self._calls.create(properties))

        return self._lookups.verified(tried(create, contact), contact)

    def get_contact(self, id: str) -> Result:
        """Read a record.

        When two records are merged in HubSpot, a third one with an id of its own comes of them, and both former ids
        lead to it. So the id of a record that was merged gives the record that it is a part of now: the contact has
        that one's `id`, and the result's `reason` says so. An update of a former id reaches that record, too; a delete
        does not, and is `NOT_FOUND`. `list_changed` tells of mergers.
        """
        return self._lookups.by_id(id)

    def get_contact_by_email(self, email: str) -> Result:
        """Find a record by an e-mail address, its first or a further one, whatever the case. It is found at once."""
        return self._lookups.by_email(email)

    def find_contact(self, field: str, value: str) -> Result:
        """Find records by a property. By one of `unique_keys` they are found at once, by others once the search knows.

        Phone numbers are found as they are written, or in international form (`+33612345678`) if HubSpot could make
        that of what is written.
        """
        return self._lookups.by(field, value)

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> Result:
        """Read a page. HubSpot's have no numbers, so the ones before are read as well; `iter_contacts` does not."""
        if page < 1 or limit < 1:
            return Result.failed("pages are numbered from 1, and hold at least one contact")

        def read() -> Result:
            found = self._calls.page(self.properties, limit, None)
            for _ in range(page - 1):
                if found.after is None:
                    return Result.ok(contacts=[])
                found = self._calls.page(self.properties, limit, found.after)
            return self._page(found)

        return tried(read)

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        """Walk over every record, in the order of ids. Where HubSpot is called too often, the walk waits for it."""
        if page_size < 1:
            yield Result.failed(f"a page holds at least one record, not {page_size}")
            return
        after: str | None = None
        try:
            while True:
                page = patiently(self._calls.page, self.properties, page_size, after)
                yield self._page(page)
                after = page.after
                if after is None:
                    return
        except ApiError as error:
            yield refused(error)

    def update_contact(self, contact: dict[str, Any]) -> Result:
        """Change the properties that the contact has besides its id; an empty one is cleared."""
        id = str(contact.get(ID) or "")
        if not is_record_id(id):
            return Result.failed(NOT_FOUND)
        if len(contact) == 1:
            return self._lookups.by_id(id)  # HubSpot refuses an update of nothing

        def update() -> Result:
            record = self._calls.update(id, written(contact))
            return Result.failed(NOT_FOUND) if record is None else self._updated(id, record)

        return self._lookups.verified(tried(update, contact), contact)

    def delete_contact(self, id: str) -> Result:
        """Archive a record, or erase it, as `delete` says. What is archived already is not found, and not erased."""
        return self._put_away(id, erase=self._erases)

    def archive_contact(self, id: str) -> Result:
        """Put a record into HubSpot's recycling bin, from where people can restore it for 90 days."""
        return self._put_away(id, erase=False)

    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        """Create up to 100 records with one call.

        Those without an e-mail address are created one by one: it tells the results of a batch apart.
        """
        return self._batches.create(contacts)

    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        """Update up to 100 records with one call."""
        return self._batches.update(contacts)

    def upsert_contacts(self, contacts: Sequence[Mapping[str, Any]]) -> list[Result]:
        """Create contacts, or write over those that have their e-mail address, 100 with each call.

        For loads of your own. The sync does not use it: what is there already is written over without a look at it.
        Give whole contacts, since HubSpot does not support partial upserts by e-mail address.
        https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide

        Returns:
            A result for each, in the order given, whose `action` is `created` or `updated`.
        """
        return self._batches.upsert([{name: contact[name] for name in contact if name != ID} for contact in contacts])

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        """Tell of records that were created or changed, and of mergers.

        HubSpot's search does not tell of those that were archived: a full pull finds them missing.
        """
        try:
            yield from changed(self._calls, self.properties, cursor, self._index_lag)
        except ApiError as error:
            yield refused(error)

    def list_fields(self) -> list[CRMField]:
        """Name the properties of the account's contacts.

        Raises:
            ContactSyncError: HubSpot refuses, and the message says why; a scope may be missing.
        """
        try:
            return crm_fields(self._calls.definitions())
        except ApiError as error:
            refusal = refused(error)
            if refusal.retryable:
                raise
            raise ContactSyncError(refusal.error) from error

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _put_away(self, id: str, *, erase: bool) -> Result:
        """Archive or erase a record that is there under this very id.

        HubSpot answers a delete with success also where nothing was there, and a former id of a merged record leads to
        one that others are paired with. So it is looked for first.
        """
        if not is_record_id(id):
            return Result.failed(NOT_FOUND)

        def put_away() -> Result:
            record = self._calls.read(id, self.properties[:1])
            if record is None or record.id != id:
                return Result.failed(NOT_FOUND)
            if erase:
                self._calls.erase(id)
                return Result.ok(id)
            return Result.ok(id) if self._calls.archive(id) else Result.failed(NOT_FOUND)

        return tried(put_away)

    def _alone(self, kind: Kind, contact: Mapping[str, Any]) -> Result:
        return ask(self, f"{kind}_contact", dict(contact))

    def _page(self, page: Page) -> Result:
        return Result.ok(contacts=[contact_of(record, self.properties) for record in page.records])

    def _created(self, _: str | None, record: Record) -> Result:
        return Result.ok(record.id, contact=contact_of(record, self.properties))

    def _updated(self, id: str | None, record: Record) -> Result:
        # The answer to an update has not all of the record. Half of one is not to be taken for the whole.
        whole = contact_of(record, self.properties) if is_whole(record, self.properties) else None
        return Result.ok(record.id, contact=whole, reason=merger(id, record))


def _upserted(_: str | None, record: Record) -> Result:
    return Result.ok(record.id, action="created" if record.new else "updated")
