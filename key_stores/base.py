"""The contract of a key store: pairs of ids, and the abilities that a store may have beyond them.

A store keeps, for each installation, pairs of a Botmatic id and an external id. **One-to-one is an invariant**: at any
moment an id is in at most one pair, and the two directions are each other's inverse, also under concurrent calls from
several threads, processes and machines, and when a process dies in the middle of a call.

Ids are text; whole numbers are taken and become text (`0` is `"0"`). `None`, `""`, booleans and everything else raise
`InvalidId`, and so does text with a lone surrogate, which is half a character. An id may hold any other characters, NUL
too, and be of any reasonable length (10 kB at least): it is only an id, and no combination of ids may ever be mistaken
for another. `key_stores.as_id` does the checking. Names, owners and lengths of time that are not as described raise
`ValueError`. What is refused changes nothing.

Every method raises `StoreUnavailable` when the backend cannot be reached or does not answer in time. None of them
ever answers `False` or `None` for that, and none pretends success.

A user's own store needs `KeyStore` alone. The engine uses the other classes of this module where a store has them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence

Id = str | int
"""What callers may give as an id. Stores keep and give back text."""


class KeyStore(ABC):
    """Pairs of ids. Five methods to write; their docstrings are the contract, `key_stores.testing` checks it."""

    @abstractmethod
    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        """Save a pair, atomically. Any other pair that either id was in is removed in the same step.

        Returns:
            `True`, also when the pair was there already.
        """

    @abstractmethod
    def get_botmatic_id(self, integration_id: Id, external_id: Id) -> str | None:
        """Look up the Botmatic id that is paired with an external id; `None` if it is in no pair."""

    @abstractmethod
    def get_external_id(self, integration_id: Id, botmatic_id: Id) -> str | None:
        """Look up the external id that is paired with a Botmatic id; `None` if it is in no pair."""

    @abstractmethod
    def delete_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        """Remove exactly this pair, atomically.

        Returns:
            `True` if the two were paired with each other. `False`, with nothing touched, if they were not, be it that
            one of them is in another pair.
        """

    @abstractmethod
    def delete_all_ids(self, integration_id: Id) -> bool:
        """Remove everything that is kept for an installation: pairs, tombstones, records.

        Other installations are untouched, also those whose id begins like this one. Leases in progress stay.

        Returns:
            `True`, also when there was nothing.
        """

    def close(self) -> None:
        """Close what the store opened itself; a client that it was given stays open. May be called twice."""
        return


class PairBatches(ABC):
    """Ability: many pairs in one round trip."""

    @abstractmethod
    def save_many(self, integration_id: Id, pairs: Iterable[tuple[Id, Id]]) -> bool:
        """Save (Botmatic id, external id) pairs, in order, as `save_ids` does, all or none. Returns `True`."""

    @abstractmethod
    def get_botmatic_ids(self, integration_id: Id, external_ids: Sequence[Id]) -> dict[str, str]:
        """Look up many external ids. The answer holds the known ones alone: external id → Botmatic id."""

    @abstractmethod
    def get_external_ids(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, str]:
        """Look up many Botmatic ids. The answer holds the known ones alone: Botmatic id → external id."""


class PairListing(ABC):
    """Ability: counting and walking over an installation's pairs."""

    @abstractmethod
    def count_pairs(self, integration_id: Id) -> int:
        """Count the pairs of an installation."""

    @abstractmethod
    def iter_pairs(self, integration_id: Id) -> Iterator[tuple[str, str]]:
        """Walk over (Botmatic id, external id), in no order, without loading them all at once.

        A pair that is there from beginning to end is given exactly once; one that comes or goes meanwhile may be.
        """


class Tombstones(ABC):
    """Ability: remembering for a while that a contact is gone, so that a late update does not bring it back."""

    @abstractmethod
    def bury_ids(self, integration_id: Id, botmatic_id: Id | None, external_id: Id | None, seconds: float) -> bool:
        """Remove the pair, if the two were paired with each other, and leave a tombstone on each id given; atomically.

        One of the two may be `None` for a contact that was never paired. Saving a pair lifts the tombstones of its
        ids.

        Args:
            seconds: How long the tombstones stay; longer than 0.

        Returns:
            `True` if a pair was removed.
        """

    @abstractmethod
    def is_buried(self, integration_id: Id, *, botmatic_id: Id | None = None, external_id: Id | None = None) -> bool:
        """Whether a tombstone lies on the id given. Exactly one of the two is given."""


class Leases(ABC):
    """Ability: leases that are seen by all processes. A lease ends by itself when its time is over."""

    @abstractmethod
    def acquire_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        """Take all the named leases, or none, in one step and without waiting.

        Args:
            names: What is leased; any text that is not empty. It may be personal data: stores keep a digest of it.
            owner: Who takes it; a text that no other holder uses. The same owner may take a lease that it holds again:
                it is extended.
            seconds: How long the leases last, from now.

        Returns:
            Whether they are taken. `False` if at least one is held by another owner.
        """

    @abstractmethod
    def renew_leases(self, integration_id: Id, names: Sequence[str], owner: str, seconds: float) -> bool:
        """Extend leases that the owner still holds, all or none. `False` if it lost at least one of them."""

    @abstractmethod
    def release_leases(self, integration_id: Id, names: Sequence[str], owner: str) -> None:
        """Give back those of the leases that the owner still holds. Others are left as they are."""


class Records(ABC):
    """Ability: small named texts for an installation: its tokens, settings, checkpoints."""

    @abstractmethod
    def put_record(self, integration_id: Id, name: str, value: str) -> None:
        """Write a record, whether or not there is one of that name."""

    @abstractmethod
    def get_record(self, integration_id: Id, name: str) -> str | None:
        """Read a record; `None` if there is none."""

    @abstractmethod
    def get_records(self, integration_id: Id) -> dict[str, str]:
        """Read all records of an installation, by name."""

    @abstractmethod
    def delete_record(self, integration_id: Id, name: str) -> bool:
        """Remove a record. Whether there was one."""


class Ping(ABC):
    """Ability: saying whether the backend is there."""

    @abstractmethod
    def ping(self) -> None:
        """Return if the backend answers; raise `StoreUnavailable` otherwise."""
