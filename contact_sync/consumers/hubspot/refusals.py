"""What HubSpot's errors mean, for the sync: missing, there already, for now, or for good.

The form of errors, whose fields are all optional, is that of
https://developers.hubspot.com/docs/api-reference/latest/error-handling; the limits and their `policyName` are those of
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines.

HubSpot's own messages may hold addresses and other values, so none is passed on: what is said names codes, scopes, and
the properties that were sent.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from contact_sync.consumer import EXISTS
from contact_sync.consumers.http import ApiError, Reply, UnreadableAnswer
from contact_sync.failures import parse_retry_after
from contact_sync.results import NOT_FOUND, Result

TEN_SECONDS: Final = 10.0
"""How long the window of the limit `TEN_SECONDLY_ROLLING` is."""

LOCKED_SECONDS: Final = 2.0
"""How long a locked record is to be left alone (HTTP 423)."""

_HOUR: Final = 3600.0

_MISSING: Final = frozenset({"OBJECT_NOT_FOUND", "NOT_FOUND", "RESOURCE_NOT_FOUND"})
_CONFLICT: Final = frozenset({"CONFLICT", "OBJECT_ALREADY_EXISTS"})
_FOR_NOW: Final = frozenset({"RATE_LIMITS", "RATE_LIMIT", "LOCKED", "INTERNAL_ERROR", "TIMEOUT", "TRANSIENT_ERROR"})

# Whole messages in HubSpot's own words: some repeat a value that was sent, and that may say whatever it likes.
_ID: Final = "([1-9][0-9]{0,18})"
_EXISTING: Final = (
    re.compile(rf"Contact already exists\. Existing ID: *{_ID}\.?"),
    re.compile(rf"A contact with email .* already exists\. Existing ID: *{_ID}\.?", re.DOTALL),
    re.compile(rf"Cannot set PropertyValueCoordinates\{{.*\}} on [0-9]+\. {_ID} already has that value\.?", re.DOTALL),
)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,60}")
_SCOPE: Final = re.compile(r"[a-z][a-z0-9._-]{0,80}")
_SCOPES: Final = ("requiredGranularScopes", "requiredScopes", "missingScopes")

Said = Mapping[str, Any]
"""What an error says: the body of an answer, or one of the `errors` of a batch."""


def said_by(reply: Reply) -> Said:
    """Read what an answer says; nothing if it is no JSON object, such as a page of a proxy."""
    try:
        said = reply.json()
    except UnreadableAnswer:
        return {}
    return said if isinstance(said, dict) else {}


def is_missing(error: ApiError) -> bool:
    """Whether it is HubSpot that says so of a record: a wrong address gives a 404, too, as a page of HTML."""
    said = said_by(error.reply)
    spoken = said.get("status") == "error" or "correlationId" in said or said.get("category") in _MISSING
    return error.status_code == 404 and spoken


def refused(error: ApiError, sent: Collection[str] = ()) -> Result:
    """Give the failure that an answer stands for.

    Args:
        sent: The properties that were sent or searched for. Only these are named.
    """
    status, said = error.status_code, said_by(error.reply)
    wait = parse_retry_after(error.headers.get("Retry-After"))
    if status == 401:
        return Result.failed(_about_the_token(said))
    if status == 403:
        return Result.failed(_about_scopes(said))
    if status == 423:
        wait = LOCKED_SECONDS if wait is None else wait
        return Result.failed("HubSpot has locked the record (HTTP 423)", retryable=True, retry_after=wait)
    if status == 429:
        return _too_many(said, wait)
    if status >= 500:
        return Result.failed(f"HubSpot has failed (HTTP {status})", retryable=True, retry_after=wait, in_doubt=True)
    if status in (408, 425, 477):  # 477: the account is being moved to another data center
        return Result.failed(f"HubSpot asks to come later (HTTP {status})", retryable=True, retry_after=wait)
    if status == 404 and not is_missing(error):
        return Result.failed("HubSpot does not know this address (HTTP 404); check base_url and version")
    return failure_of(said, sent, f"HTTP {status}", conflict=status == 409)


def failure_of(said: Said, sent: Collection[str], where: str, *, conflict: bool = False) -> Result:
    """Give the failure that an error stands for, whose HTTP status says nothing more.

    Args:
        said: What HubSpot says.
        sent: The properties that were sent.
        where: From where it is, for the message.
        conflict: Whether it is known that something is there already.
    """
    category = said.get("category")
    if category in _MISSING:
        return Result.failed(NOT_FOUND)
    if category in _FOR_NOW:
        return Result.failed(f"HubSpot says {category} ({where})", retryable=True, retry_after=TEN_SECONDS)
    existing = existing_id(said)
    if conflict or category in _CONFLICT or existing is not None:
        there = "HubSpot has another contact with the same e-mail address, or another value that has to be unique"
        return Result.failed(f"{there} ({where})", id=existing, reason=EXISTS if existing is None else None)
    codes = [where, *([category] if isinstance(category, str) and _CODE.fullmatch(category) else [])]
    faults = {name: sorted(found) for name, found in sorted(_faults(said, sent).items())}
    about = "".join(f"; {name}: {', '.join(found) or 'refused'}" for name, found in faults.items())
    return Result.failed(f"HubSpot refuses this ({', '.join(codes)}){about}")


def existing_id(said: Said) -> str | None:
    """The id of the record that is in the way: in a field of its own if HubSpot gives one, else in its message.

    It is what HubSpot says, and is to be looked at before anything is done with that record (`Lookups.verified`).
    """
    for id in _texts(_object(said.get("context")).get("existingId")):
        return id
    for id in _texts(_object(said.get("identityProfile")).get("vid")):
        return id
    for part in (said, *_parts(said)):
        message = str(part.get("message") or "")
        for form in _EXISTING:
            if found := form.fullmatch(message):
                return found[1]
    return None


def _too_many(said: Said, wait: float | None) -> Result:
    policy = f"{said.get('policyName')} {said.get('message')}".casefold()
    if "daily" in policy:
        # It ends at midnight where the account is, which is not told; that is on the hour nearly everywhere.
        wait = _HOUR - time.time() % _HOUR if wait is None else wait
        text = "the account's daily limit of HubSpot calls is used up (HTTP 429); it starts anew at its midnight"
        return Result.failed(text, retryable=True, retry_after=wait)
    if wait is None:
        wait = 1.0 if "secondly" in policy and "ten_secondly" not in policy else TEN_SECONDS
    return Result.failed("HubSpot is called too often (HTTP 429)", retryable=True, retry_after=wait)


def _about_the_token(said: Said) -> str:
    if said.get("category") == "EXPIRED_AUTHENTICATION":
        return "HubSpot's token has expired (HTTP 401); give the consumer an auth that renews it (OAuth2RefreshToken)"
    return "HubSpot does not take the token (HTTP 401); check it, and that its app or key is still there"


def _about_scopes(said: Said) -> str:
    contexts = [_object(part.get("context")) for part in (said, *_parts(said))]
    named = [text for context in contexts for key in _SCOPES for text in _texts(context.get(key))]
    scopes = list(dict.fromkeys(scope for scope in named if _SCOPE.fullmatch(scope)))
    if not scopes:
        return "HubSpot refuses this to the token (HTTP 403); check the scopes of its app or key"
    return f"the token lacks a scope (HTTP 403); HubSpot asks for {', '.join(scopes)}"


def _faults(said: Said, sent: Collection[str]) -> dict[str, set[str]]:
    """What is wrong with which of the properties that were sent."""
    faults: dict[str, set[str]] = {}
    for part in (*_parts(said), *_listed(said.get("message"))):
        names = [*_texts(_object(part.get("context")).get("propertyName")), part.get("in"), part.get("name")]
        codes = {
            code for code in (part.get("code"), part.get("error")) if isinstance(code, str) and _CODE.fullmatch(code)
        }
        for name in names:
            if isinstance(name, str) and name in sent:
                faults.setdefault(name, set()).update(codes)
    return faults


def _listed(message: object) -> list[Said]:
    """The list of faults that is written into a message: `Property values were not valid: [{"name": …}]`."""
    text = message if isinstance(message, str) else ""
    start, end = text.find("[{"), text.rfind("]")
    try:
        found = json.loads(text[start : end + 1]) if 0 <= start < end else []
    except (ValueError, RecursionError):
        return []
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _parts(said: Said) -> Iterator[Said]:
    parts = said.get("errors")
    yield from (part for part in (parts if isinstance(parts, list) else []) if isinstance(part, dict))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(one) for one in values if isinstance(one, str | int) and not isinstance(one, bool) and one != ""]
