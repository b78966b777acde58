"""A HubSpot account in memory, as strict as the real one: what it takes, what it refuses, and what it answers."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from .payloads import payload

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
RECORD_ID = re.compile(r"[0-9]+")
ALWAYS = ("createdate", "hs_object_id", "lastmodifieddate")

Properties = dict[str, str]


class Refused(Exception):
    """What HubSpot answers in place of doing what it was asked for.

    Args:
        name: Of a payload.
        answer: In place of one: status, headers and body.
        fields: What to put into the payload.
    """

    def __init__(self, name: str, /, answer: dict[str, Any] | None = None, **fields: Any) -> None:
        super().__init__(name)
        self.name = name
        self.answer = payload(name, **fields) if answer is None else answer


@dataclass
class Contact:
    """A record."""

    id: int
    properties: Properties
    created: datetime
    modified: datetime
    archived: datetime | None = None

    def value(self, name: str) -> str | None:
        """A property's value, of those too that HubSpot sets by itself."""
        own = {
            "hs_object_id": str(self.id),
            "createdate": stamp(self.created),
            "lastmodifieddate": stamp(self.modified),
            "hs_calculated_phone_number": international(self.properties.get("phone", "")),
            "hs_calculated_mobile_number": international(self.properties.get("mobilephone", "")),
        }
        return own.get(name) or self.properties.get(name) or None

    @property
    def addresses(self) -> set[str]:
        """All of its addresses."""
        further = self.properties.get("hs_additional_emails", "").split(";")
        return {one for one in (self.properties.get("email", ""), *further) if one}


@dataclass
class Portal:
    """The account. Times are its own, and move on by themselves; `wait` moves them further.

    Attributes:
        contacts: The records, archived ones too, by id.
        former: The ids of records that were merged, with that of the record that came of them.
        lagging: Whether searches do not know of what is written from now on, until `catch_up`.
        tells_traces: Whether the results of batches have the trace ids of their inputs.
        search_window: How many contacts a search gives in all.
    """

    contacts: dict[int, Contact] = field(default_factory=dict)
    former: dict[int, int] = field(default_factory=dict)
    lagging: bool = False
    tells_traces: bool = False
    search_window: int = 10_000
    definitions: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.definitions = {one["name"]: one for one in payload("properties")["results"]}
        self._last_id = 171_591_000_000
        self._ahead = 0.0
        self._searched: dict[int, Contact] = {}

    # Time, and the index of the search

    @property
    def now(self) -> datetime:
        """The account's time."""
        return datetime.fromtimestamp(time.time() + self._ahead, UTC)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += seconds

    def catch_up(self) -> None:
        """Let searches know of everything."""
        self._searched = copy.deepcopy(self.contacts)

    # One contact

    def create(self, properties: Mapping[str, object]) -> Contact:
        """Create a record."""
        values = self._checked(properties)
        if not any(values.get(name) for name in ("email", "firstname", "lastname")):
            raise Refused("400_invalid_input", message="one of email, firstname and lastname is required")
        self._check_unique(values, None)
        self._last_id += 1
        now = self.now
        values = {name: value for name, value in values.items() if value} | {"lifecyclestage": "lead"}
        return self._write(Contact(self._last_id, values, now, now))

    def find(self, id: str, id_property: str | None = None) -> Contact:
        """Find a record by its id, by a former id, or by a property that is unique."""
        found = None
        if id_property is None:
            if RECORD_ID.fullmatch(id):
                found = self.contacts.get(self.former.get(int(id), int(id)))
        elif id_property == "email":
            found = self.by_address(id)
        elif not self.definitions.get(id_property, {}).get("hasUniqueValue"):
            raise Refused("400_invalid_input", message=f"{id_property} is no unique property")
        else:
            found = next((one for one in self.there() if one.properties.get(id_property) == id), None)
        if found is None or found.archived:
            raise Refused("404_record")
        return found

    def update(self, id: str, properties: Mapping[str, object]) -> Contact:
        """Change a record, also by a former id."""
        contact = self.find(id)
        values = self._checked(properties)
        if not values:
            raise Refused("400_invalid_input", message="No properties found to update, please provide at least one.")
        self._check_unique(values, contact)
        kept = {name: value for name, value in (contact.properties | values).items() if value}
        return self._write(Contact(contact.id, kept, contact.created, self.now))

    def archive(self, id: str) -> None:
        """Archive a record. It is no fault if there is none, and a former id is as good."""
        try:
            contact = self.find(id)
        except Refused:
            return
        contact.archived = self.now
        self._write(contact)

    def erase(self, id: str) -> None:
        """Delete a record for good."""
        contact = self.find(id)
        del self.contacts[contact.id]
        self._searched.pop(contact.id, None)

    def merge(self, primary: str, other: str) -> Contact:
        """Merge two records into a third one, as HubSpot does since 2025; both ids lead to that from now on."""
        winner, loser = self.find(primary), self.find(other)
        self._last_id += 1
        values = {**loser.properties, **winner.properties}
        further = (winner.addresses | loser.addresses) - {values.get("email", "")}
        if further:
            values["hs_additional_emails"] = ";".join(sorted(further))
        parts = [*winner.properties.get("hs_merged_object_ids", "").split(";"), str(winner.id), str(loser.id)]
        values["hs_merged_object_ids"] = ";".join(part for part in parts if part)
        for former in (winner.id, loser.id):
            del self.contacts[former]
            self._searched.pop(former, None)
            self.former[former] = self._last_id
        for former, now in self.former.items():
            self.former[former] = self._last_id if now in (winner.id, loser.id) else now
        return self._write(Contact(self._last_id, values, self.now, self.now))

    def there(self) -> list[Contact]:
        """The records that are not archived, in the order of ids."""
        return sorted((one for one in self.contacts.values() if not one.archived), key=lambda one: one.id)

    def by_address(self, address: str) -> Contact | None:
        """Find a record by any of its addresses, whatever the case."""
        return next((one for one in self.there() if address.casefold() in one.addresses), None)

    # Many contacts

    def page(self, limit: int, after: str | None) -> tuple[list[Contact], str | None]:
        """Give a page of the list, and the id with which the next one begins."""
        if not 1 <= limit <= 100:
            raise Refused("400_invalid_input", message=f"limit {limit} is not between 1 and 100")
        if after is not None and not RECORD_ID.fullmatch(after):
            raise Refused("400_invalid_input", message="after is no place in the list")
        there = [one for one in self.there() if after is None or one.id >= int(after)]
        return there[:limit], str(there[limit].id) if len(there) > limit else None

    def search(self, body: Mapping[str, Any]) -> tuple[int, list[Contact], str | None]:
        """Search in what the index knows: the number of hits, those of a page, and where the next one begins."""
        limit, after = body.get("limit", 10), body.get("after", "0")
        groups = body.get("filterGroups", [])
        if not isinstance(limit, int) or not 1 <= limit <= 200:
            raise Refused("400_invalid_input", message=f"limit {limit} is not between 1 and 200")
        if not isinstance(after, str) or not after.isdecimal():
            raise Refused("400_invalid_input", message="after has to be an integer")
        if int(after) + limit > self.search_window:
            raise Refused("400_search_window")
        if len(groups) > 5 or any(len(group["filters"]) > 6 for group in groups) or len(body.get("sorts", [])) > 1:
            raise Refused("400_invalid_input", message="there are too many filters or sorts")
        for name in [one["propertyName"] for group in groups for one in group["filters"]]:
            if name not in self.definitions:
                raise _invalid({name: ("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')})
        if not self.lagging:
            self.catch_up()
        known = [one for one in self._searched.values() if not one.archived]
        hits = [one for one in known if any(all(_passes(one, f) for f in g["filters"]) for g in groups)]
        for sort in body.get("sorts", []):
            name, down = sort["propertyName"], sort["direction"] == "DESCENDING"
            hits.sort(key=lambda one: _comparable(name, one.value(name) or ""), reverse=down)
        start = int(after)
        return len(hits), hits[start : start + limit], str(start + limit) if len(hits) > start + limit else None

    # What it refuses

    def _checked(self, properties: Mapping[str, object]) -> Properties:
        """Check properties, and give them as HubSpot keeps them."""
        faults: dict[str, tuple[str, str]] = {}
        values: Properties = {}
        for name, value in properties.items():
            definition = self.definitions.get(name)
            if not isinstance(value, str):
                raise Refused("400_invalid_input", message=f"Cannot deserialize the value of {name}")
            if definition is None:
                faults[name] = "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'
            elif definition["modificationMetadata"]["readOnlyValue"] or definition["calculated"]:
                faults[name] = "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'
            elif value and (fault := _unfit(name, value, definition)):
                faults[name] = fault
            else:
                values[name] = value.lower() if name == "email" else value
        if faults:
            raise _invalid(faults)
        return values

    def _check_unique(self, values: Properties, own: Contact | None) -> None:
        email = values.get("email")
        other = self.by_address(email) if email else None
        if other is not None and (own is None or other.id != own.id):
            raise Refused("409_contact", id=str(other.id))
        for name, definition in self.definitions.items():
            value = values.get(name) if definition["hasUniqueValue"] else None
            for one in self.there() if value else ():
                if one.properties.get(name) == value and (own is None or one.id != own.id):
                    id = str(own.id if own else 0)
                    raise Refused("400_unique_value", name=name, value=value, id=id, other=str(one.id))

    def _write(self, contact: Contact) -> Contact:
        self.contacts[contact.id] = contact
        return contact


def stamp(moment: datetime) -> str:
    """Write a time as HubSpot does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def international(number: str) -> str | None:
    """What HubSpot makes of a phone number, for an account in France."""
    digits = re.sub(r"[^0-9+]", "", number)
    if re.fullmatch(r"\+[0-9]{6,15}", digits):
        return digits
    return f"+33{digits[1:]}" if re.fullmatch(r"0[1-9][0-9]{8}", digits) else None


def _unfit(name: str, value: str, definition: Mapping[str, Any]) -> tuple[str, str] | None:
    if name == "email" and not ADDRESS.fullmatch(value):
        return "INVALID_EMAIL", f"Email address {value} is invalid"
    kind = definition["type"]
    try:
        if kind == "number":
            float(value)
        elif kind == "date":
            date.fromisoformat(value)
    except ValueError:
        return f"INVALID_{kind.upper()}", f"{value} was not a valid {kind}."
    options = [option["value"] for option in definition["options"]]
    if options and value not in options:
        return "INVALID_OPTION", f"{value} was not one of the allowed options: {options}"
    return None


def _invalid(faults: Mapping[str, tuple[str, str]]) -> Refused:
    listed = [
        {"isValid": False, "message": message, "error": code, "name": name, "localizedErrorMessage": message}
        for name, (code, message) in faults.items()
    ]
    errors = [
        {"message": message, "code": code, "context": {"propertyName": [name]}}
        for name, (code, message) in faults.items()
    ]
    return Refused("400_validation", message=f"Property values were not valid: {json.dumps(listed)}", errors=errors)


def _passes(contact: Contact, filter: Mapping[str, str]) -> bool:
    name, wanted = filter["propertyName"], filter["value"]
    value = contact.value(name)
    if name == "email" and filter["operator"] == "EQ":
        return wanted.casefold() in contact.addresses
    if value is None:
        return False
    here, there = _comparable(name, value), _comparable(name, wanted)
    return bool({"EQ": here == there, "GT": here > there, "GTE": here >= there}[filter["operator"]])


def _comparable(name: str, value: str) -> Any:
    if name == "hs_object_id":
        return int(value or 0)
    if name in ("createdate", "lastmodifieddate"):
        return int(value) if value.isdecimal() else int(datetime.fromisoformat(value).timestamp() * 1000)
    return value.casefold()


def as_written(names: Sequence[str], contact: Contact, template: str, properties: Sequence[str]) -> dict[str, Any]:
    """Give a record as an answer has it.

    Args:
        names: The properties that were asked for; those that are not defined are left out, empty ones are `null`.
        template: Of the payload whose further properties the answer of a write has; empty for a read.
        properties: The names of all that are defined.
    """
    further = payload(template)["properties"] if template else {}
    told = {name: contact.value(name) for name in names if name in properties}
    told |= {name: contact.value(name) for name in ALWAYS}
    answer: dict[str, Any] = {
        "id": str(contact.id),
        "properties": {**further, **told} if template else told,
        "createdAt": stamp(contact.created),
        "updatedAt": stamp(contact.modified),
        "archived": contact.archived is not None,
    }
    return answer | {"url": f"https://app.hubspot.com/contacts/44237313/record/0-1/{contact.id}"}
