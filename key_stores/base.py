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
from dataclasses import dataclass, field

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
        """Remove everything that is kept for an installation: pairs, baselines, tombstones, records, claims.

        Other installations are untouched, also those whose id begins like this one. Leases of `Leases` in progress
        stay; claims of `ContactClaims` end, so that what is still under way records nothing any more.

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


class Baselines(ABC):
    """Ability: a few bytes beside a pair, which say what both sides last agreed on.

    To a store they are opaque. They belong to that very pair: saving it again by `save_ids` or `save_many` leaves them
    as they are; they are gone with it, also when one of its ids is paired with another.
    """

    @abstractmethod
    def save_baselines(self, integration_id: Id, pairs: Iterable[tuple[Id, Id, bytes]]) -> bool:
        """Save (Botmatic id, external id, baseline), in order, as `save_many` does, all or none. Returns `True`.

        A baseline replaces the one before it; it may be of any length (4 kB at least), `b""` is one as well.
        """

    @abstractmethod
    def get_baselines(self, integration_id: Id, botmatic_ids: Sequence[Id]) -> dict[str, bytes]:
        """Look up the baselines of many pairs in one round trip. Those that have none are absent from the answer."""


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


@dataclass(frozen=True, slots=True)
class ContactRef:
    """A contact that is to be claimed.

    Attributes:
        botmatic_id: Its id on the platform; or
        external_id: its id in the CRM. Exactly one of the two is given.
        guards: Names that are leased as well if the contact turns out to be in no pair: what it may be recognised by.
            Any texts that are not empty. They may be personal data: stores keep a digest of them.
    """

    botmatic_id: Id | None = None
    external_id: Id | None = None
    guards: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class KnownContact:
    """What a store knows of a claimed contact.

    Attributes:
        botmatic_id: The pair's id on the platform; for a contact in no pair the id that was given, or `None`.
        external_id: The pair's id in the CRM, likewise.
        baseline: The pair's baseline; `None` if it has none, or the store keeps none.
        buried: Whether a tombstone lies on the id that was given.
    """

    botmatic_id: str | None
    external_id: str | None
    baseline: bytes | None = field(default=None, repr=False)
    buried: bool = False

    @property
    def paired(self) -> bool:
        """Whether the contact is in a pair."""
        return self.botmatic_id is not None and self.external_id is not None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim that was had.

    Attributes:
        contacts: What is known of each contact, in the order in which they were asked for.
        leases: What is leased, to be given to `renew_claim` and `record`. Opaque: only the store reads it.
    """

    contacts: tuple[KnownContact, ...]
    leases: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SavePair:
    """To be recorded: a pair, as `save_ids` saves it. A baseline replaces the pair's own; `None` leaves it as it is."""

    botmatic_id: Id
    external_id: Id
    baseline: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DeletePair:
    """To be recorded: that a pair is no more, as `delete_ids` removes it."""

    botmatic_id: Id
    external_id: Id


@dataclass(frozen=True, slots=True)
class Bury:
    """To be recorded: tombstones for so many seconds, as `bury_ids` leaves them."""

    botmatic_id: Id | None
    external_id: Id | None
    seconds: float


Write = SavePair | DeletePair | Bury


class ContactClaims(ABC):
    """Ability: claiming contacts, and recording what was done with them; each in one step and one round trip.

    A claim on a contact is a lease on its id and, if it is paired, on the other id of the pair: whoever comes from
    either side waits. These leases and those of `Leases` do not touch each other.
    """

    @abstractmethod
    def claim(self, integration_id: Id, contacts: Sequence[ContactRef], owner: str, seconds: float) -> Claimed | None:
        """Claim all these contacts, or none, without waiting, and say what is known of them.

        Args:
            contacts: The contacts. The same one may be given twice.
            owner: Who claims; a text that no other holder uses. The same owner may claim again what it holds: that is
                extended.
            seconds: How long the claim lasts, from now.

        Returns:
            The claim; `None` if anything of it is held by another owner.
        """

    @abstractmethod
    def renew_claim(self, integration_id: Id, leases: Sequence[str], owner: str, seconds: float) -> bool:
        """Extend leases of claims that the owner still holds, all or none. `False` if it lost at least one of them."""

    @abstractmethod
    def record(
        self,
        integration_id: Id,
        leases: Sequence[str],
        owner: str,
        writes: Sequence[Write] = (),
        *,
        release: bool = True,
    ) -> bool:
        """Record what was done under a claim, in order, all or nothing, and give the claim back.

        Args:
            leases: What the claim has leased.
            owner: Who claimed.
            writes: What to record; may be empty.
            release: Whether the leases are given back, those that the owner still holds.

        Returns:
            `False`, with nothing recorded, if the owner does not hold all of the leases any more.
        """


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
