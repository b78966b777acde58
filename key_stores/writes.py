"""What callers say of claims, baselines and writes, checked and turned into what stores work with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from key_stores import ids
from key_stores.base import Bury, ContactRef, DeletePair, Id, SavePair, Write
from key_stores.links import Key


class Saving(NamedTuple):
    """A pair to be saved; without a baseline, one that it has stays."""

    botmatic_id: str
    external_id: str
    baseline: bytes | None = None


class Removal(NamedTuple):
    """A pair to be removed."""

    botmatic_id: str
    external_id: str


class Burial(NamedTuple):
    """Tombstones to be left, and a pair to be removed if the two ids are one."""

    botmatic_id: str | None
    external_id: str | None
    milliseconds: int

    @property
    def keys(self) -> list[Key]:
        """The ids that are buried."""
        keys: list[Key] = []
        if self.botmatic_id is not None:
            keys.append(("b", self.botmatic_id))
        if self.external_id is not None:
            keys.append(("e", self.external_id))
        return keys

    @property
    def removal(self) -> Removal | None:
        """The pair that may be there; none if one id alone is buried."""
        if self.botmatic_id is None or self.external_id is None:
            return None
        return Removal(self.botmatic_id, self.external_id)


Checked = Saving | Removal | Burial


class Wanted(NamedTuple):
    """A contact to be claimed."""

    key: Key
    guards: list[str]


def as_savings(pairs: Iterable[tuple[Id, Id]]) -> list[Saving]:
    """Check (Botmatic id, external id) pairs that are to be saved."""
    return [Saving(*pair) for pair in ids.as_pairs(pairs)]


def as_baselines(pairs: Iterable[tuple[Id, Id, bytes]]) -> list[Saving]:
    """Check (Botmatic id, external id, baseline) that are to be saved."""
    return [
        Saving(ids.as_botmatic_id(botmatic_id), ids.as_external_id(external_id), _as_baseline(baseline))
        for botmatic_id, external_id, baseline in pairs
    ]


def as_burial(botmatic_id: Id | None, external_id: Id | None, seconds: float) -> Burial:
    """Check what is to be buried."""
    return Burial(*ids.as_either(botmatic_id, external_id, only_one=False), ids.as_milliseconds(seconds))


def as_writes(writes: Sequence[Write]) -> list[Checked]:
    """Check what is to be recorded.

    Raises:
        ValueError: One of them is no write.
    """
    return [_as_write(write) for write in writes]


def as_wanted(contacts: Sequence[ContactRef]) -> list[Wanted]:
    """Check the contacts that are to be claimed.

    Raises:
        ValueError: One of them is no `ContactRef`.
    """
    wanted = []
    for contact in contacts:
        if not isinstance(contact, ContactRef):
            raise ValueError(f"a contact to be claimed is a ContactRef, not {type(contact).__name__}")
        botmatic_id, external_id = ids.as_either(contact.botmatic_id, contact.external_id, only_one=True)
        key: Key = ("b", botmatic_id) if botmatic_id is not None else ("e", str(external_id))
        wanted.append(Wanted(key, ids.as_names(contact.guards)))
    return wanted


def _as_write(write: Write) -> Checked:
    if isinstance(write, SavePair):
        baseline = None if write.baseline is None else _as_baseline(write.baseline)
        return Saving(ids.as_botmatic_id(write.botmatic_id), ids.as_external_id(write.external_id), baseline)
    if isinstance(write, DeletePair):
        return Removal(ids.as_botmatic_id(write.botmatic_id), ids.as_external_id(write.external_id))
    if isinstance(write, Bury):
        return as_burial(write.botmatic_id, write.external_id, write.seconds)
    raise ValueError(f"what is recorded is a SavePair, a DeletePair or a Bury, not {type(write).__name__}")


def _as_baseline(value: bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"a baseline is bytes, not {type(value).__name__}")
    return value
