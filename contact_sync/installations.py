"""Who is installed here: remembered in the key store, by installation.

An installation's id is `token:` and a digest of its token or, where the user gives `installation_id(auth)`, `client:`
and what that returns. What is remembered of each is one record: its tokens' digests and, with `secret_keys`, the tokens
themselves, encrypted. Records of all installations lie together under one reserved id, so that they can be listed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from .abilities import Abilities
from .claims import Claims
from .errors import ContactSyncError
from .vault import Vault

log = logging.getLogger(__name__)

RESERVED: Final = "contact_sync"
"""The id in the key store under which the records lie. No installation's id looks like it."""

FORMAT: Final = 1
MOST_TOKENS: Final = 20
"""How many tokens of one client are remembered; the oldest go first."""


def token_digest(token: str) -> str:
    """A digest by which a token can be recognised and from which it cannot be found out (32 hexadecimal digits)."""
    data = token.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16, person=b"contact_sync/ins").hexdigest()


def token_installation_id(token: str) -> str:
    """The id of the installation that a token makes where no `installation_id` is given."""
    return f"token:{token_digest(token)}"


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token of an installation, as it is remembered."""

    digest: str
    since: str
    sealed: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """What is remembered of an installation.

    Attributes:
        id: Its id.
        tokens: Its tokens, oldest first.
    """

    id: str
    tokens: tuple[KnownToken, ...] = ()

    @property
    def since(self) -> str:
        """When its oldest token was installed (ISO 8601, UTC)."""
        return self.tokens[0].since if self.tokens else ""

    def has(self, token: str) -> bool:
        """Whether this is one of its tokens."""
        digest = token_digest(token)
        return any(hmac.compare_digest(digest, known.digest) for known in self.tokens)


class Installations:
    """The installations in a key store.

    Args:
        abilities: The key store.
        claims: Who works on what: two requests never write one installation at once.
        vault: What encrypts tokens.
        only_one: Whether the first installation keeps all others out until it uninstalls.
    """

    def __init__(self, abilities: Abilities, claims: Claims, vault: Vault, *, only_one: bool = False) -> None:
        self._abilities = abilities
        self._claims = claims
        self._vault = vault
        self.only_one = only_one
        self._in_memory: dict[tuple[str, str], str] = {}

    @property
    def seals(self) -> bool:
        """Whether tokens are kept readable beyond this process: there are secret keys."""
        return bool(self._vault)

    def find(self, id: str) -> Installation | None:
        """Read what is remembered of an installation; `None` if it is not installed."""
        text = self._abilities.records.get_record(RESERVED, id)
        return None if text is None else _parse(id, text)

    def all(self) -> list[Installation]:
        """Read all installations, oldest first."""
        found = [_parse(id, text) for id, text in self._abilities.records.get_records(RESERVED).items()]
        return sorted(found, key=lambda installation: (installation.since, installation.id))

    @contextmanager
    def changing(self, *ids: str) -> Iterator[None]:
        """Keep others from installing or uninstalling these meanwhile (or any, where there may be one only).

        Raises:
            Busy: Another request does, for too long.
        """
        with self._claims.hold(RESERVED, ["all"] if self.only_one else [f"one:{id}" for id in ids]):
            yield

    def admits(self, id: str) -> bool:
        """Whether an installation is let in: always or, where there may be one only, if it is that or there is none."""
        if not self.only_one or self.find(id) is not None:
            return True
        others = self.all()
        if others:
            log.warning(
                "Refused the installation %s: %s is installed here, and one CRM account serves all. Uninstall that one "
                'first (contact-sync installations), or let every workspace in with installations="any".',
                id,
                others[0].id,
            )
        return not others

    def remember(self, id: str, token: str) -> None:
        """Remember a token of an installation. The second time it changes nothing, unless the first key is another."""
        digest = token_digest(token)
        if not self._vault:
            self._in_memory[id, digest] = token
        known = self.find(id) or Installation(id)
        before = next((entry for entry in known.tokens if entry.digest == digest), None)
        if before is None:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            entry = KnownToken(digest, now, self._vault.seal(id, token))
            self._write(replace(known, tokens=(*known.tokens, entry)[-MOST_TOKENS:]))
        elif self._vault and not (before.sealed and self._vault.is_current(id, before.sealed)):
            entry = replace(before, sealed=self._vault.seal(id, token))
            self._write(replace(known, tokens=tuple(entry if each is before else each for each in known.tokens)))

    def forget(self, id: str, token: str) -> bool:
        """Forget a token and, if it was the last one, the installation with everything that is kept for it.

        Returns:
            Whether the installation is gone. A token that is not one of its tokens takes nothing with it, as long as
            there are others.
        """
        known = self.find(id)
        if known is not None:
            digest = token_digest(token)
            rest = tuple(entry for entry in known.tokens if entry.digest != digest)
            if rest:
                self._write(replace(known, tokens=rest))
                return False
        self.erase(id)
        return True

    def erase(self, id: str) -> None:
        """Forget an installation whole: its pairs and records first, then that it is installed."""
        self._drop_from_memory(id)
        self._abilities.forget(id)
        self._abilities.records.delete_record(RESERVED, id)

    def move(self, old: str, new: str) -> int:
        """Give an installation another id, with its pairs and tokens; as when `installation_id` is introduced.

        Safe to run again after it was interrupted. Tombstones and other records are not taken along.

        Returns:
            How many pairs were moved.

        Raises:
            LookupError: There is nothing under the old id, or the store cannot walk over its pairs.
        """
        listing = self._abilities.listing
        if listing is None:
            raise LookupError("this key store cannot list its pairs, so they cannot be moved")
        source = self.find(old)
        if source is None and listing.count_pairs(old) == 0:
            raise LookupError(f"there is no installation {old}")
        if old == new:
            return 0  # what is erased in the end is what was moved
        moved = 0
        for batch in _batches(listing.iter_pairs(old)):
            self._abilities.batches.save_many(new, batch)
            moved += len(batch)
        if source is not None:
            target = self.find(new) or Installation(new)
            fresh = tuple(self._resealed(old, new, entry) for entry in source.tokens)
            have = {entry.digest for entry in target.tokens}
            tokens = (*target.tokens, *(entry for entry in fresh if entry.digest not in have))
            self._write(replace(target, tokens=tokens[-MOST_TOKENS:]))
        self.erase(old)
        return moved

    def token_of(self, id: str) -> str | None:
        """The newest token with which can be spoken for an installation, or `None` if none is kept readable."""
        known = self.find(id)
        for entry in reversed(known.tokens if known else ()):
            token = self._in_memory.get((id, entry.digest)) or (entry.sealed and self._vault.open(id, entry.sealed))
            if token:
                return token
        return None

    def _drop_from_memory(self, id: str, *, keep: Collection[str] = ()) -> None:
        for key in list(self._in_memory):  # other threads may add meanwhile
            if key[0] == id and key[1] not in keep:
                self._in_memory.pop(key, None)

    def _resealed(self, old: str, new: str, entry: KnownToken) -> KnownToken:
        token = entry.sealed and self._vault.open(old, entry.sealed)
        return replace(entry, sealed=self._vault.seal(new, token) if token else None)

    def _write(self, installation: Installation) -> None:
        tokens = [
            {"digest": entry.digest, "since": entry.since} | ({"sealed": entry.sealed} if entry.sealed else {})
            for entry in installation.tokens
        ]
        text = json.dumps({"v": FORMAT, "tokens": tokens}, separators=(",", ":"))
        self._abilities.records.put_record(RESERVED, installation.id, text)
        self._drop_from_memory(installation.id, keep={entry.digest for entry in installation.tokens})


def _parse(id: str, text: str) -> Installation:
    try:
        data: dict[str, Any] = json.loads(text)
        version = data["v"]
        if version == FORMAT:
            return Installation(id, tuple(KnownToken(t["digest"], t["since"], t.get("sealed")) for t in data["tokens"]))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ContactSyncError(f"what the key store has of the installation {id} cannot be read") from None
    raise ContactSyncError(f"the installation {id} has a record of format {version!r}; this release reads {FORMAT}")


def _batches(pairs: Iterator[tuple[str, str]], size: int = 500) -> Iterator[Sequence[tuple[str, str]]]:
    batch: list[tuple[str, str]] = []
    for pair in pairs:
        batch.append(pair)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
