"""Tokens that the processes of a deployment share: in the key store, sealed, and got by one at a time."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Protocol

from contact_sync.claims import LEASE_SECONDS, Claims
from contact_sync.errors import Busy, ConfigurationError
from contact_sync.vault import Vault
from key_stores import KeyStore, Leases, MemoryKeyStore, Records

from .token import Token

log = logging.getLogger(__name__)

_NAME: Final = "token"


class Place(Protocol):
    """Where the token of one account is kept."""

    lasting: bool
    """Whether it outlives this process."""

    def read(self) -> Token | None:
        """What is kept."""

    def write(self, token: Token) -> None:
        """Keep a token in place of the one before."""

    def turn(self) -> AbstractContextManager[None]:
        """Be the only one who gets a token for this account meanwhile."""


class OwnPlace:
    """This process's memory."""

    lasting = False

    def __init__(self) -> None:
        self._token: Token | None = None

    def read(self) -> Token | None:
        """What is kept."""
        return self._token

    def write(self, token: Token) -> None:
        """Keep a token in place of the one before."""
        self._token = token

    def turn(self) -> AbstractContextManager[None]:
        """There is nobody else."""
        return nullcontext()


class SharedTokens:
    """Lets processes share the tokens that their authorizations get, so that each is got once.

    Give the same key store and keys as to `ContactSync`. What is stored is encrypted with the first key, under a name
    that tells nothing. Without a key nothing is stored: each process gets its own tokens, and a refresh token that the
    server replaces is lost with the process.

    Args:
        key_store: Where they are stored. A store without leases or records shares nothing; a warning says so.
        secret_keys: As for `ContactSync`.

    Raises:
        ConfigurationError: The store is none, or a key is too short.
    """

    def __init__(self, key_store: KeyStore, secret_keys: Sequence[str] = ()) -> None:
        if not isinstance(key_store, KeyStore):
            raise ConfigurationError(
                f"key_store: expected a KeyStore, got {type(key_store).__name__}; open_key_store(url) opens one"
            )
        self._vault = Vault(secret_keys)
        self._records = key_store if isinstance(key_store, Records) else None
        self._leases = key_store if isinstance(key_store, Leases) else None
        if self._vault and not (self._records and self._leases):
            log.warning(
                "%s lacks records or leases, so each process gets tokens of its own, and a refresh token that the "
                "server replaces is lost with the process; use the Redis or the SQL store for this",
                type(key_store).__name__,
            )

    def place(self, account: Sequence[str], secret: str, seconds: float) -> Place:
        """Where the token of an account is kept.

        Args:
            account: What tells this account from others. Of secrets only such as are long and made at random.
            secret: What else does, and could be guessed from a digest, such as a password.
            seconds: How long it takes to get a token, at the most.
        """
        if not self._vault or self._records is None or self._leases is None:
            return OwnPlace()
        known = [*account, self._vault.digest(secret.encode("utf-8", "surrogatepass")).hex()] if secret else account
        data = json.dumps(list(known)).encode()
        digest = hashlib.blake2b(data, digest_size=16, person=b"contact_sync/aut").hexdigest()
        return _SharedPlace(f"consumer:{digest}", self._records, self._leases, self._vault, seconds)


class _SharedPlace:
    lasting = True

    def __init__(self, id: str, records: Records, leases: Leases, vault: Vault, seconds: float) -> None:
        self._id = id
        self._records = records
        self._vault = vault
        # Who waits has to outlast one who is at it, and the lease of one who died.
        self._claims = Claims(leases, MemoryKeyStore(), wait=max(seconds, LEASE_SECONDS) + 5)

    def read(self) -> Token | None:
        sealed = self._records.get_record(self._id, _NAME)
        if sealed is None:
            return None
        opened = self._vault.open(self._id, sealed)
        token = None if opened is None else Token.from_json(opened)
        if token is None:
            log.warning(
                "The token that the key store has for %s cannot be read: it was sealed with other secret_keys, or by "
                "a newer release. The declared credentials are used instead",
                self._id,
            )
        return token

    def write(self, token: Token) -> None:
        sealed = self._vault.seal(self._id, token.to_json())
        if sealed is not None:
            self._records.put_record(self._id, _NAME, sealed)

    @contextmanager
    def turn(self) -> Iterator[None]:
        try:
            with self._claims.hold(self._id, [_NAME]):
                yield
        except Busy:
            raise Busy("another process is getting a token, and is not done in time; try again later") from None
