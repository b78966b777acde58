"""Each delivery once: one that is repeated while it is worked on is told to come later, one that is done is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from contact_sync.abilities import Abilities
from contact_sync.claims import Claims
from contact_sync.installations import RESERVED


@dataclass(slots=True)
class Entry:
    """A delivery that was let in.

    Attributes:
        is_known: Whether it was done before.
        is_done: Set by who works on it: whether it need not come again.
    """

    is_known: bool
    is_done: bool = False


class Once:
    """Remembers deliveries in the key store.

    While one is worked on, it is claimed: a copy that comes meanwhile is sent away, and one over which a process died
    is worked on when it comes again. That it is done is remembered as it is of contacts that are gone, by a tombstone.

    Args:
        abilities: The key store.
    """

    def __init__(self, abilities: Abilities) -> None:
        self._tombstones = abilities.tombstones
        self._claims = Claims(abilities.leases, abilities.claims, wait=0.0)

    @contextmanager
    def entering(self, signed: str | None, named: str | None, seconds: float) -> Iterator[Entry]:
        """Let a delivery in.

        One that is sent again has its name, and is signed anew; a copy is signed as the original is, and may have any
        name: that is not remembered, or it would keep out the delivery whose name it is.

        Args:
            signed: The key of this very request, as it is signed.
            named: The key of the delivery, by the name that its sender has for it. One of the two there is at least.
            seconds: How long they are remembered once it is done.

        Raises:
            Busy: It is being worked on.
            KeyStoreError: The store cannot say.
        """
        keys = [key for key in (signed, named) if key is not None]
        with self._claims.hold(RESERVED, keys):
            before = {key for key in keys if self._tombstones.is_buried(RESERVED, external_id=key)}
            entry = Entry(is_known=bool(before))
            yield entry
            if signed not in before and (entry.is_known or entry.is_done):
                for key in keys:
                    if key not in before:
                        self._tombstones.bury_ids(RESERVED, None, key, seconds)


def delivery_key(path: str, kind: Literal["signed", "named"], what: bytes) -> str:
    """What a delivery is known by: a digest, since an id may be anything."""
    digest = blake2b(digest_size=16, person=b"cs-delivery-ext")
    for part in (path.encode("utf-8", "surrogatepass"), kind.encode(), what):
        digest.update(len(part).to_bytes(4))
        digest.update(part)
    return f"delivery:{digest.hexdigest()}"
