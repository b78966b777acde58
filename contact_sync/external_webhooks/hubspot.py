"""HubSpot: its signatures (version 3), and what its webhooks tell of contacts."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from contact_sync.bodies import Unreadable
from contact_sync.errors import ConfigurationError

from .request import ExternalEvent, ExternalKind, ExternalRequest
from .scheme import (
    TOLERANCE,
    Refusal,
    Scheme,
    Verified,
    checked_secrets,
    checked_tolerance,
    fingerprint_of,
    header,
    hmacs,
    is_any,
    stale,
    whole_number,
)

CONTACT_TYPE: Final = "0-1"
"""What HubSpot calls contacts where an event can be about any kind of object."""

# The ones that HubSpot's documentation lists, and no others, are decoded before the URI is signed.
_DECODED: Final = {
    b"%3A": b":",
    b"%2F": b"/",
    b"%3F": b"?",
    b"%40": b"@",
    b"%21": b"!",
    b"%24": b"$",
    b"%27": b"'",
    b"%28": b"(",
    b"%29": b")",
    b"%2A": b"*",
    b"%2C": b",",
    b"%3B": b";",
}
_ENCODED: Final = re.compile(b"|".join(_DECODED), re.IGNORECASE)

_KINDS: Final[Mapping[str, ExternalKind]] = {
    "creation": "created",
    "propertyChange": "updated",
    "deletion": "deleted",
    "privacyDeletion": "deleted",
    "restore": "restored",
}


@dataclass(frozen=True, slots=True)
class HubSpotV3(Scheme):
    """HubSpot's signatures of version 3 (`X-HubSpot-Signature-v3`). The older ones sign no time and are not taken.

    Args:
        secrets: The app's client secret, or several that are in use.
        public_url: The URL to which HubSpot sends, as it is entered there, without what stands behind a question mark.
            It is signed; behind a proxy, a request does not tell it.
        tolerance: By how many seconds `X-HubSpot-Request-Timestamp` may differ from our time, either way.

    Raises:
        ConfigurationError: There is no secret, or the URL is none.
    """

    name: ClassVar[str] = "HubSpot v3"

    secrets: str | Sequence[str] = field(repr=False)
    public_url: str = field(kw_only=True)
    tolerance: float = field(default=TOLERANCE, kw_only=True)
    _keys: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        checked_tolerance("HubSpotV3", self.tolerance)
        secrets = checked_secrets("HubSpotV3", self.secrets)
        object.__setattr__(self, "_keys", tuple(secret.encode() for secret in secrets))
        url = urlsplit(self.public_url) if isinstance(self.public_url, str) else None
        if url is None or url.scheme not in ("https", "http") or not url.netloc or set(self.public_url) & set("?# "):
            raise ConfigurationError(
                "HubSpotV3: public_url: expected the URL to which HubSpot sends, such as "
                "'https://example.com/external', without '?' and what is behind it"
            )

    def verify(self, request: ExternalRequest, now: float) -> Verified | Refusal:
        given, time = header(request, "x-hubspot-signature-v3"), header(request, "x-hubspot-request-timestamp")
        if given is None or time is None:
            return Refusal("it lacks X-HubSpot-Signature-v3 or X-HubSpot-Request-Timestamp")
        milliseconds = whole_number(time)
        if milliseconds is None:
            return Refusal("its X-HubSpot-Request-Timestamp is no time")
        problem = stale(milliseconds / 1000, now, self.tolerance)
        if problem is not None:
            return problem
        uri = (f"{self.public_url}?{request.query}" if request.query else self.public_url).encode("utf-8", "replace")
        # HubSpot's documents decode some characters, and its own libraries none; which one it does is not told.
        messages = [
            request.method.encode("ascii", "replace") + form + (request.body or b"") + time
            for form in dict.fromkeys((_decoded(uri), uri))
        ]
        right = [base64.b64encode(each) for message in messages for each in hmacs(self._keys, "sha256", message)]
        if not is_any([given], right):
            return Refusal("the signature is not right; is public_url the URL that is entered at HubSpot?")
        return Verified(fingerprint_of(messages[0]))


def read_hubspot(request: ExternalRequest) -> Iterator[ExternalEvent]:
    """Read what HubSpot tells of contacts, in the order in which it happened: `contact.*`, and `object.*` of contacts.

    Mergers come first: whatever else is told of their winner would find it new, and make a contact of it.

    Creations, changes, deletions (also for privacy), restorations and mergers are taken; the account is the `portalId`.
    They hold ids alone, so records are read.
    """
    body = request.json()
    entries = [body] if isinstance(body, Mapping) else body
    if not isinstance(entries, list):
        raise Unreadable("the body must be a list of events")
    for entry in sorted(filter(_is_of_contact, entries), key=_place):
        yield from _events(entry)


def _decoded(uri: bytes) -> bytes:
    return _ENCODED.sub(lambda found: _DECODED[found[0].upper()], uri)


def _is_of_contact(entry: object) -> bool:
    if not isinstance(entry, Mapping):
        return False
    kind = _type(entry)[0]
    return kind == "contact" or (kind == "object" and entry.get("objectTypeId") == CONTACT_TYPE)


def _type(entry: Mapping[str, Any]) -> tuple[str, str]:
    kind, _, what = str(entry.get("subscriptionType") or entry.get("eventType") or "").partition(".")
    return kind, what


def _place(entry: Mapping[str, Any]) -> tuple[bool, float]:
    at = entry.get("occurredAt")
    return _type(entry)[1] != "merge", at if isinstance(at, int | float) else 0


def _events(entry: Mapping[str, Any]) -> Iterator[ExternalEvent]:
    what = _type(entry)[1]
    portal = entry.get("portalId")
    account = None if portal is None else str(portal)
    if what == "merge":
        primary = entry.get("primaryObjectId", entry.get("objectId", ""))
        winner = entry.get("newObjectId") or primary  # a merger may make a record of its own
        merged = entry.get("mergedObjectIds")
        ended = [*(merged if isinstance(merged, list) else []), primary]
        losers = [loser for loser in ended if str(loser) != str(winner)]
        for loser in losers:
            yield ExternalEvent("merged", loser, into=winner, account=account, raw=entry)
        if not losers:
            yield ExternalEvent("updated", winner, account=account, raw=entry)
    elif what in _KINDS:
        yield ExternalEvent(_KINDS[what], entry.get("objectId", ""), account=account, raw=entry)
