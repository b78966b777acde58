"""What is remembered of contacts that are in no pair: what they were merged into, with whom they were paired that are
found to be gone, and of which a create may have taken effect though its answer got lost.

Each is a small record in the key store: ids, times, and a digest of what a contact looks like; no values.
"""

from __future__ import annotations

import time
from typing import Final

from key_stores import Records
from mappers import Side

from .baselines import Keys

DOUBT_SECONDS: Final = 30.0
"""For how long a side is waited for to tell of a contact whose creation there is in doubt."""

DOUBT_MARGIN: Final = 5.0
"""For how much longer that is remembered than the tombstone stays that makes the contact wait: otherwise the tombstone
would be taken for that of a deleted contact in the end."""

LOOKS_SECONDS: Final = 600.0
"""For how long such a contact is recognised when the side tells of it."""

_LOOKS: Final = "looks:"
_GRAVE: Final = "grave:"


OTHER: Final[dict[Side, Side]] = {"botmatic": "ext", "ext": "botmatic"}


class Traces:
    """The traces of contacts in a key store.

    Args:
        records: Where they are kept.
        keys: Keys for the names of what contacts look like.
    """

    def __init__(self, records: Records, keys: Keys) -> None:
        self._records = records
        self._keys = keys

    # Mergers

    def note_merger(self, installation: str, side: Side, loser: str, winner: str) -> None:
        """Remember that one contact has become a part of another."""
        self._records.put_record(installation, f"merged:{side}:{loser}", winner)

    def winner_of(self, installation: str, side: Side, id: str) -> str | None:
        """Follow a contact to the one that it is a part of by now, through any number of mergers; `None` if to none."""
        seen = {id}
        winner = None
        while (further := self._records.get_record(installation, f"merged:{side}:{winner or id}")) is not None:
            if further in seen:
                break
            seen.add(further)
            winner = further
        return winner

    # Pairs whose other record was found to be gone

    def note_gone(self, installation: str, side: Side, id: str, partner: str) -> None:
        """Remember with whom a contact was paired that was found to be gone: news of its delete may still come."""
        self._records.put_record(installation, f"gone:{side}:{id}", partner)
        self._records.put_record(installation, f"left:{OTHER[side]}:{partner}", id)

    def partner_of_gone(self, installation: str, side: Side, id: str) -> str | None:
        """With whom a contact was paired that was found to be gone; `None` if that one is gone as well by now."""
        return self._records.get_record(installation, f"gone:{side}:{id}")

    def all_gone(self, installation: str, side: Side) -> list[str]:
        """The contacts of a side that were found to be gone, and whose partners are still there."""
        start = f"gone:{side}:"
        names = self._records.get_records(installation)
        return [name.removeprefix(start) for name in names if name.startswith(start)]

    def drop_gone(self, installation: str, side: Side, id: str) -> None:
        """Forget with whom a contact was paired that was found to be gone."""
        partner = self.partner_of_gone(installation, side, id)
        if partner is not None:
            self._records.delete_record(installation, f"gone:{side}:{id}")
            self._records.delete_record(installation, f"left:{OTHER[side]}:{partner}")

    def gone_too(self, installation: str, side: Side, id: str) -> None:
        """Take note that a contact is gone whose partner was found to be gone before."""
        partner = self._records.get_record(installation, f"left:{side}:{id}")
        if partner is not None:
            self.drop_gone(installation, OTHER[side], partner)

    def was_left(self, installation: str, side: Side, id: str) -> bool:
        """Whether a contact is in no pair because its partner was found to be gone, and is not gone itself."""
        return self._records.get_record(installation, f"left:{side}:{id}") is not None

    # Pairs that are buried

    def note_grave(self, installation: str, botmatic_id: str, external_id: str, seconds: float) -> None:
        """Remember for as long as their tombstones stay who was paired with whom, so that both can be forgotten."""
        self._records.put_record(installation, f"{_GRAVE}{external_id}", f"{time.time() + seconds:.3f}:{botmatic_id}")

    def buried_with(self, installation: str, side: Side, id: str) -> str | None:
        """With whom a contact was paired that is buried; `None` if that is not known."""
        for name, value in self._records.get_records(installation).items():
            if name in (f"gone:{side}:{id}", f"left:{side}:{id}"):
                return value
            if name.startswith(_GRAVE):
                graves = {"ext": name.removeprefix(_GRAVE), "botmatic": value.partition(":")[2]}
                if graves[side] == id:
                    return graves[OTHER[side]]
        return None

    # Creates in doubt

    def note_doubt(self, installation: str, side: Side, id: str, looks: str, *, waits: bool) -> None:
        """Remember that a contact of a side may have been created on the other one, and what it looks like.

        Args:
            waits: Whether the other side is to be waited for before it is tried again.
        """
        now = time.time()
        if waits:
            self._records.put_record(installation, f"doubt:{side}:{id}", f"{now + DOUBT_SECONDS + DOUBT_MARGIN:.0f}")
        self._records.put_record(
            installation, self._name(installation, looks), f"{now + LOOKS_SECONDS:.0f}:{side}:{id}"
        )

    def seconds_in_doubt(self, installation: str, side: Side, id: str) -> float:
        """For how much longer it is in doubt whether a contact was created on the other side; 0 if it is not."""
        ends = self._records.get_record(installation, f"doubt:{side}:{id}")
        return 0.0 if ends is None else max(0.0, float(ends) - time.time())

    def are_doubts(self, installation: str) -> bool:
        """Whether any contact of an installation could be recognised by what it looks like. Drops what has ended."""
        now, found = time.time(), False
        for name, value in self._records.get_records(installation).items():
            if name.startswith((_LOOKS, _GRAVE)):
                ended = float(value.partition(":")[0]) <= now
                found |= name.startswith(_LOOKS) and not ended
                if ended:
                    self._records.delete_record(installation, name)
        return found

    def looks_like(self, installation: str, side: Side, looks: str) -> str | None:
        """Which contact of a side, whose creation on the other one is in doubt, looks like that."""
        ends, _, owner = (self._records.get_record(installation, self._name(installation, looks)) or "0").partition(":")
        of, _, id = owner.partition(":")
        return id if of == side and float(ends) > time.time() else None

    def settle_doubt(self, installation: str, side: Side, id: str, looks: str | None = None) -> None:
        """Forget that something was in doubt."""
        self._records.delete_record(installation, f"doubt:{side}:{id}")
        if looks is not None:
            self._records.delete_record(installation, self._name(installation, looks))

    def _name(self, installation: str, looks: str) -> str:
        return f"{_LOOKS}{self._keys.of(installation)[0].name(looks)}"

    def mention(self, installation: str, side: Side, id: str) -> bool:
        """Whether anything is known of a contact, on either end."""
        return bool(self._about(installation, side, id))

    def forget(self, installation: str, side: Side, id: str) -> bool:
        """Forget all that is known of a contact, on either end. Whether there was anything."""
        found = False
        for name in self._about(installation, side, id):
            found |= self._records.delete_record(installation, name)
        return found

    def _about(self, installation: str, side: Side, id: str) -> list[str]:
        """The names of all records that mention a contact."""
        found = []
        own = {f"{kind}:{side}:{id}" for kind in ("merged", "gone", "left", "doubt")}
        for name, value in self._records.get_records(installation).items():
            winner = name.startswith(f"merged:{side}:") and value == id
            partner = name.startswith((f"gone:{OTHER[side]}:", f"left:{OTHER[side]}:")) and value == id
            looks = name.startswith(_LOOKS) and value.endswith(f":{side}:{id}")
            grave = name.startswith(_GRAVE) and id == (
                name.removeprefix(_GRAVE) if side == "ext" else value.partition(":")[2]
            )
            if name in own or winner or partner or looks or grave:
                found.append(name)
        return found
