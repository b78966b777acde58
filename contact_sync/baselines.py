"""Baselines: for a pair and each field, what each side was last known to have, as a short keyed digest.

Nothing in it can be read: a digest says whether a value is the same as before, to whom has the key, and nothing else.
The key of an installation is derived from the sync's `secret_keys`; without any, it is made at random and kept in the
key store, beside the baselines, which then hide values from who sees the baselines alone.

The form, which no store looks into: a byte for the format, two that tell the key, two times of four bytes (when we last
wrote to the platform, and to the CRM; seconds since the epoch), then for each field three bytes (two bits say of which
side, the rest is a digest of the field's name) and six of the value's digest.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import Any, Final

from key_stores import Records
from mappers import Side

FORMAT: Final = 1
DIGEST_BYTES: Final = 6
KEY_BYTES: Final = 32

_HEAD: Final = struct.Struct(">B2sII")
_ENTRY: Final = struct.Struct(f">BH{DIGEST_BYTES}s")
_BOTH, _BOTMATIC, _EXT, _FORMER = range(4)
_NAME_BITS: Final = 22
_MOST_FORMER: Final = 3

RANDOM_KEY_SECONDS: Final = 30.0
"""For how long a key that is kept in the store is not asked for again."""

KEY_RECORD: Final = "baseline-key"
"""The name of the record that holds an installation's random key."""


class Key:
    """A key for the digests of one installation."""

    def __init__(self, key: bytes) -> None:
        self.tag = blake2b(key, digest_size=2, person=b"cs-key-tag").digest()
        self._key = key

    def __repr__(self) -> str:
        return "<Key>"

    def name(self, text: str) -> str:
        """Give a name that stands for a text, which cannot be found out from it without the key."""
        data = text.encode("utf-8", "surrogatepass")
        return blake2b(data, digest_size=16, key=self._key, person=b"cs-name").hexdigest()

    def hasher(self, botmatic_id: str, external_id: str) -> Any:
        """Begin digests that are bound to a pair."""
        begun = blake2b(digest_size=DIGEST_BYTES, key=self._key, person=b"cs-baseline")
        for id in (botmatic_id, external_id):
            data = id.encode("utf-8", "surrogatepass")
            begun.update(len(data).to_bytes(4))
            begun.update(data)
        return begun


class Keys:
    """Gives each installation its keys.

    Args:
        secret_keys: The sync's; the first is for pairs that have no baseline yet, the others for those that have.
        records: Where a random key is kept if there are none.
        alone: Keeps other processes from making a key for an installation meanwhile.
    """

    def __init__(
        self, secret_keys: Sequence[str], records: Records, alone: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        self._secrets = [key.encode("utf-8", "surrogatepass") for key in secret_keys]
        self._records = records
        self._known: dict[str, tuple[float, tuple[Key, ...]]] = {}
        self._alone = alone

    def of(self, installation: str, packed: bytes | None = None) -> tuple[Key, ...]:
        """Give the keys of an installation, the one for new baselines first.

        Args:
            packed: What is to be read with them. If they do not fit, there may be another one in the store by now.

        Raises:
            KeyStoreError: The key is in the store, which cannot be asked.
        """
        until, keys = self._known.get(installation, (0.0, ()))
        unfit = packed is not None and bool(keys) and _tag_of(packed) not in [key.tag for key in keys]
        if self._secrets:
            if not keys:
                keys = tuple(map(Key, self._derived(installation)))
                unfit = packed is not None and _tag_of(packed) not in [key.tag for key in keys]
            if unfit and until < time.monotonic() and (kept := self._kept(installation)):
                keys = (*keys, Key(kept))  # of the time before there were secrets
            if unfit or installation not in self._known:
                self._known[installation] = time.monotonic() + RANDOM_KEY_SECONDS if unfit else 0.0, keys
        elif not keys or unfit or until < time.monotonic():
            keys = (Key(self._random(installation)),)
            # A random key goes with its installation; if that comes again, other processes have to learn the new one.
            self._known[installation] = time.monotonic() + RANDOM_KEY_SECONDS, keys
        return keys

    def forget(self, installation: str) -> None:
        """Forget the keys of an installation that is gone."""
        self._known.pop(installation, None)

    def _derived(self, installation: str) -> list[bytes]:
        id = installation.encode("utf-8", "surrogatepass")
        # Two steps, since a key of BLAKE2b has 64 bytes at the most and a secret may be of any length.
        masters = (blake2b(secret, digest_size=32, person=b"cs-baseline-root").digest() for secret in self._secrets)
        return [blake2b(id, digest_size=32, key=master, person=b"cs-baseline-of").digest() for master in masters]

    def _random(self, installation: str) -> bytes:
        kept = self._kept(installation)
        if kept is None:
            with self._alone(installation):
                kept = self._kept(installation)
                if kept is None:
                    kept = secrets.token_bytes(KEY_BYTES)
                    self._records.put_record(installation, KEY_RECORD, kept.hex())
        return kept

    def _kept(self, installation: str) -> bytes | None:
        text = self._records.get_record(installation, KEY_RECORD)
        return None if text is None else bytes.fromhex(text)


class Names:
    """The short names of a table's fields.

    Args:
        fields: The fields' keys, each once.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        self._names: dict[str, int] = {}
        self._prefixes: dict[str, bytes] = {}
        taken: set[int] = set()
        for key in sorted(fields):
            data, name = key.encode("utf-8", "surrogatepass"), -1
            while name in taken or name < 0:  # two fields of one name would be taken for each other
                digest = blake2b(data, digest_size=3, person=b"cs-field").digest()
                name, data = int.from_bytes(digest) >> (24 - _NAME_BITS), digest + data
            taken.add(name)
            self._names[key] = name
            whole = key.encode("utf-8", "surrogatepass")
            self._prefixes[key] = len(whole).to_bytes(4) + whole

    def of(self, field: str) -> int:
        """Give a field's short name, of 22 bits."""
        return self._names[field]

    def prefix(self, field: str) -> bytes:
        """Give what the digest of a field's value begins with."""
        return self._prefixes[field]


def _tag_of(packed: bytes) -> bytes:
    return packed[1:3]


def is_begun(packed: bytes | None) -> bool:
    """Whether a baseline has no fields yet: its pair was saved by an adoption that is to be finished."""
    return packed is not None and len(packed) == _HEAD.size


class Baseline:
    """The baseline of one pair: read from bytes, asked, moved, and packed again.

    Args:
        names: The short names of the fields.
        keys: The installation's.
        botmatic_id: The pair's id on the platform.
        external_id: The pair's id in the CRM.
        packed: What was kept; `None` if nothing was. What was made with a key that is not there any more is as good
            as nothing. Fields that have gone from the table keep their place.
    """

    def __init__(
        self, names: Names, keys: Sequence[Key], botmatic_id: str, external_id: str, packed: bytes | None = None
    ) -> None:
        self._names = names
        self._sides: dict[Side, dict[int, bytes]] = {"botmatic": {}, "ext": {}}
        self._former: dict[int, list[bytes]] = {}
        self._written: dict[Side, int] = {"botmatic": 0, "ext": 0}
        self._key = self._unpack(packed or b"", keys) or keys[0]
        self._begun = self._key.hasher(botmatic_id, external_id)
        self._before = packed
        self._digests: dict[tuple[str, type, object], bytes] = {}

    def _unpack(self, packed: bytes, keys: Sequence[Key]) -> Key | None:
        if len(packed) < _HEAD.size or packed[0] != FORMAT or (len(packed) - _HEAD.size) % _ENTRY.size:
            return None
        _, tag, botmatic, ext = _HEAD.unpack_from(packed)
        key = next((key for key in keys if key.tag == tag), None)
        if key is None:
            return None
        self._written = {"botmatic": botmatic, "ext": ext}
        for high, low, digest in _ENTRY.iter_unpack(packed[_HEAD.size :]):
            kind, name = high >> 6, (high & 0x3F) << 16 | low
            if kind == _FORMER:
                self._former.setdefault(name, []).append(digest)
            if kind in (_BOTH, _BOTMATIC):
                self._sides["botmatic"][name] = digest
            if kind in (_BOTH, _EXT):
                self._sides["ext"][name] = digest
        return key

    def changed(self, field: str, side: Side, value: object) -> bool | None:
        """Whether a side's canonical value differs from what it last had; `None` if that is not known."""
        known = self._sides[side].get(self._names.of(field))
        return None if known is None else known != self._digest(field, value)

    def is_former(self, field: str, value: object, now: float, seconds: float) -> bool:
        """Whether a value is one that the platform had before we wrote there, in the last so many seconds.

        Such a value is no edit: the platform told of it before what we wrote, and the news of that is still to come.
        """
        former = self._former.get(self._names.of(field))
        if not former or not self.wrote_lately("botmatic", now, seconds):
            return False
        return self._digest(field, value) in former

    def heard(self, field: str) -> None:
        """Note that the platform told of what we wrote last: what it had before would be an edit from now on."""
        self._former.pop(self._names.of(field), None)

    def wrote_lately(self, side: Side, now: float, seconds: float) -> bool:
        """Whether we wrote to a side in the last so many seconds."""
        return now - self._written[side] <= seconds

    def touch(self, side: Side, now: float) -> None:
        """Note that we may have written to a side, be it that it is not known what came of it."""
        self._written[side] = int(now)

    def agree(self, field: str, side: Side, value: object) -> None:
        """Move a field's baseline: this is what the side has now."""
        self._sides[side][self._names.of(field)] = self._digest(field, value)

    def wrote(self, field: str, side: Side, value: object, now: float) -> None:
        """Note what we have written to a side, or what it has made of it."""
        name, digest = self._names.of(field), self._digest(field, value)
        before = self._sides[side].get(name)
        if side == "botmatic" and before is not None and before != digest:
            self._former[name] = [d for d in self._former.get(name, ()) if d not in (before, digest)][
                1 - _MOST_FORMER :
            ]
            self._former[name].append(before)
        self._sides[side][name] = digest
        self.touch(side, now)

    def pack(self, now: float, seconds: float) -> bytes | None:
        """Give the bytes to keep; `None` if they are the same as before.

        Args:
            now: The time.
            seconds: How long former values are remembered.
        """
        botmatic, ext = self._sides["botmatic"], self._sides["ext"]
        entries = [(_BOTH, name, digest) for name, digest in botmatic.items() if ext.get(name) == digest]
        entries += [(_BOTMATIC, name, digest) for name, digest in botmatic.items() if ext.get(name) != digest]
        entries += [(_EXT, name, digest) for name, digest in ext.items() if botmatic.get(name) != digest]
        if self.wrote_lately("botmatic", now, seconds):
            entries += [(_FORMER, name, digest) for name, digests in self._former.items() for digest in digests]
        written = self._written
        head = _HEAD.pack(FORMAT, self._key.tag, written["botmatic"], written["ext"])
        packed = head + b"".join(
            _ENTRY.pack(kind << 6 | name >> 16, name & 0xFFFF, digest) for kind, name, digest in sorted(entries)
        )
        return None if packed == self._before else packed

    def _digest(self, field: str, value: object) -> bytes:
        # A value is often asked for several times: is it new, is it what was sent, is it what came back?
        asked = field, type(value), value
        known = self._digests.get(asked)
        if known is None:
            hasher = self._begun.copy()
            hasher.update(self._names.prefix(field) + _as_bytes(value))
            known = self._digests[asked] = hasher.digest()
        return known


def _as_bytes(value: object) -> bytes:
    """Write a canonical value so that no two are alike; an empty one is unlike all others."""
    if value is None:
        return b""
    return f"{'true' if value is True else 'false' if value is False else repr(value)}".encode("utf-8", "surrogatepass")
