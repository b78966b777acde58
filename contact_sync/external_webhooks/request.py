"""A CRM's request, and what a reader makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from contact_sync.bodies import parse_json
from contact_sync.events import EXTERNAL_EVENTS
from contact_sync.webhook import Request

ExternalKind = Literal["created", "updated", "deleted", "merged", "restored"]
"""What may have happened to a record."""

EVENT_NAMES: Final[Mapping[ExternalKind, str]] = {kind: f"contact_{kind}" for kind in get_args(ExternalKind)}
assert set(EVENT_NAMES.values()) == EXTERNAL_EVENTS  # noqa: S101 - of two constants


@dataclass(frozen=True, slots=True)
class ExternalRequest(Request):
    """A request of a CRM's, as it came. What readers and, for the CRM's requests, `ingest` middleware receive.

    Attributes:
        method: The HTTP method.
        path: The path, without what stands behind it.
        query: What stands behind the path's question mark, as it came. Left out of `repr`.
    """

    method: str = "POST"
    path: str = "/"
    query: str = field(default="", repr=False)

    def json(self) -> Any:
        """Parse the body.

        Raises:
            Unreadable: It is no JSON in UTF-8, or nested too deeply. A reader lets that pass: it is answered with 400.
        """
        headers = self.headers
        return parse_json(headers.get("content-type", ""), headers.get("content-encoding", ""), self.body or b"")


@dataclass(frozen=True, slots=True)
class ExternalEvent:
    """Something that has happened to a record of the CRM.

    Attributes:
        kind: What has happened.
        id: The record's id.
        contact: The record, in the form in which the consumer gives records, as JSON can carry it. What it leaves out
            stays as it is, unless the consumer's `omits_empty` says otherwise. Left out itself, the record is read,
            which is better where news may come late or in the wrong order. It is read anyhow where the scheme signs no
            time, since the request may be an old one's copy. Not in `repr`.
        into: Of a record that was merged into another one, the id of that one.
        account: What the CRM calls the account (HubSpot's portal, Slack's workspace), for `identify`.
        raw: What the CRM said of it, for listeners. Left out of `repr`.
    """

    kind: ExternalKind
    id: str | int
    contact: Mapping[str, Any] | None = field(default=None, repr=False)
    into: str | int | None = None
    account: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in EVENT_NAMES:
            raise ValueError(f"kind: expected one of {', '.join(EVENT_NAMES)}")

    @property
    def is_thin(self) -> bool:
        """Whether it says of a record that it is there and has changed, and no more."""
        return self.contact is None and self.kind in ("created", "updated")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A request that asks whether somebody is there: it is answered with its own text, as `{"challenge": …}`."""

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError("text: expected a text")


Reader = Callable[[ExternalRequest], Iterable[ExternalEvent] | Challenge]
"""Reads what a request tells of. It was verified before. What it raises, but `Unreadable`, is answered with 503."""


def gathered(events: Iterable[ExternalEvent]) -> list[ExternalEvent]:
    """Make one of several events that say of a record that it has changed: it is read once.

    Those that stand before and behind something else of the same record stay apart.
    """
    kept: list[ExternalEvent] = []
    last: dict[tuple[str | None, str], int] = {}
    for event in events:
        record = (event.account, str(event.id))
        before = kept[last[record]] if record in last else None
        if before is not None and before.is_thin and event.is_thin:
            if event.kind == "created":
                kept[last[record]] = event
            continue
        last[record] = len(kept)
        kept.append(event)
    return kept
