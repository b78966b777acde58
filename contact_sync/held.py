"""Contacts that are held: they may be several records, or none, and a person has to say which.

Each is a small record in the key store: ids, the field's name and a time; no values.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

from key_stores import Records
from mappers import Side

Decision = Literal["create"]

_PREFIX: Final = "held:"


@dataclass(frozen=True, slots=True)
class HeldContact:
    """A contact that is held.

    Attributes:
        side: The side that it is on: `botmatic` or `ext`.
        id: Its id there.
        reason: Why it is held.
        candidates: The ids of the other side's records that it may be; empty if none was found.
        since: Since when (ISO 8601, UTC).
        decision: What a person has decided, for when it comes again.
    """

    side: Side
    id: str
    reason: str
    candidates: tuple[str, ...] = ()
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    decision: Decision | None = None


class Held:
    """The held contacts in a key store.

    Args:
        records: Where they are kept.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    def find(self, installation: str, side: Side, id: str) -> HeldContact | None:
        """Read what is kept of a held contact; `None` if it is not held."""
        text = self._records.get_record(installation, _name(side, id))
        return None if text is None else _parse(side, id, text)

    def all(self, installation: str) -> list[HeldContact]:
        """Read all held contacts of an installation, oldest first."""
        found = []
        for name, text in self._records.get_records(installation).items():
            if name.startswith(_PREFIX):
                side, _, id = name.removeprefix(_PREFIX).partition(":")
                found.append(_parse(cast(Side, side), id, text))
        return sorted(found, key=lambda held: (held.since, held.id))

    def keep(self, installation: str, held: HeldContact) -> None:
        """Remember a held contact. One that is held already keeps its time."""
        before = self.find(installation, held.side, held.id)
        data: dict[str, Any] = {
            "v": 1,
            "since": held.since if before is None else before.since,
            "reason": held.reason,
            "candidates": list(held.candidates),
        }
        if held.decision is not None:
            data["decision"] = held.decision
        self._records.put_record(installation, _name(held.side, held.id), json.dumps(data, separators=(",", ":")))

    def mentions(self, installation: str, side: Side, id: str) -> bool:
        """Whether a contact is held, or another one is that it may be."""
        return any(id == held.id if held.side == side else id in held.candidates for held in self.all(installation))

    def forget(self, installation: str, side: Side, id: str) -> bool:
        """Forget a contact that is held, and also as what another one may be. Whether there was anything."""
        found = self.drop(installation, side, id)
        for held in self.all(installation):
            if held.side != side and id in held.candidates:
                rest = tuple(candidate for candidate in held.candidates if candidate != id)
                self.keep(installation, replace(held, candidates=rest, reason="it may be one of these records"))
                found = True
        return found

    def drop(self, installation: str, side: Side, id: str) -> bool:
        """Forget that a contact is held. Whether it was."""
        return self._records.delete_record(installation, _name(side, id))


def _name(side: Side, id: str) -> str:
    return f"{_PREFIX}{side}:{id}"


def _parse(side: Side, id: str, text: str) -> HeldContact:
    try:
        data: dict[str, Any] = json.loads(text)
        candidates: Sequence[str] = data.get("candidates", ())
        return HeldContact(side, id, data["reason"], tuple(candidates), data["since"], data.get("decision"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return HeldContact(side, id, "what is kept of it cannot be read", (), "")
