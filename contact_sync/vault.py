"""What is kept of secrets: encrypted with the user's secret keys, and bound to the installation that it belongs to.

Tokens of installations, and events that wait to be applied.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from .errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

SHORTEST_KEY: Final = 32

_SEALED: Final = b"\x01"
"""What begins with it is encrypted. No JSON does."""


class Vault:
    """Seals and opens tokens.

    Args:
        secret_keys: Texts of at least 32 characters, made at random. The first one seals; all of them open, so that a
            key can be replaced: put the new one in front, and drop the old one when every installation has been
            installed again or moved, which seals its tokens anew. None at all: nothing is sealed.

    Raises:
        ConfigurationError: A key is too short or no text, or `cryptography` is not installed.
    """

    def __init__(self, secret_keys: Sequence[str] = ()) -> None:
        if isinstance(secret_keys, str | bytes):
            raise ConfigurationError("secret_keys: expected a list of texts, got one; write secret_keys=[key]")
        if not isinstance(secret_keys, Sequence):
            raise ConfigurationError(f"secret_keys: expected a list of texts, got {type(secret_keys).__name__}")
        for number, key in enumerate(secret_keys, 1):
            if not isinstance(key, str) or len(key) < SHORTEST_KEY:
                raise ConfigurationError(
                    f"secret_keys: key {number} is not a text of at least {SHORTEST_KEY} characters; make one with "
                    "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
                )
        self._fernet = _fernet(secret_keys) if secret_keys else None
        self._first = _fernet(secret_keys[:1]) if secret_keys else None
        self._digest_key = _digest_key(secret_keys[0]) if secret_keys else b""

    def __bool__(self) -> bool:
        """Whether there is a key."""
        return self._fernet is not None

    def seal(self, installation: str, token: str) -> str | None:
        """Encrypt a token for an installation; `None` without a key."""
        if self._fernet is None:
            return None
        return self._fernet.encrypt(json.dumps([installation, token]).encode()).decode("ascii")

    def open(self, installation: str, sealed: str) -> str | None:
        """Decrypt a token. `None` if no key opens it, or if it was sealed for another installation."""
        return _opened(self._fernet, installation, sealed)

    def is_current(self, installation: str, sealed: str) -> bool:
        """Whether the first key opens a token: it need not be sealed anew."""
        return _opened(self._first, installation, sealed) is not None

    def seal_event(self, installation: str, body: bytes) -> bytes:
        """Encrypt an event for an installation; without a key it stays as it is."""
        if self._fernet is None:
            return body
        owner = installation.encode("utf-8", "surrogatepass")
        return _SEALED + self._fernet.encrypt(len(owner).to_bytes(4) + owner + body)

    def open_event(self, installation: str, sealed: bytes) -> bytes | None:
        """Decrypt an event. `None` if no key opens it, or if it was sealed for another installation."""
        if not sealed.startswith(_SEALED):
            return sealed  # stored before there were keys
        if self._fernet is None:
            return None
        from cryptography.fernet import InvalidToken

        try:
            opened = self._fernet.decrypt(sealed[len(_SEALED) :])
        except InvalidToken:
            return None
        owner = installation.encode("utf-8", "surrogatepass")
        head = len(owner).to_bytes(4) + owner
        return opened[len(head) :] if opened.startswith(head) else None

    def digest(self, data: bytes) -> bytes:
        """A digest of 16 bytes by which an event's copy is recognised; keyed if there are keys."""
        return hashlib.blake2b(data, digest_size=16, key=self._digest_key, person=b"contact_sync/evt").digest()


def _opened(fernet: MultiFernet | None, installation: str, sealed: str) -> str | None:
    if fernet is None:
        return None
    from cryptography.fernet import InvalidToken

    try:
        owner, token = json.loads(fernet.decrypt(sealed.encode("ascii", "replace")))
    except (InvalidToken, ValueError, TypeError):
        return None
    return token if owner == installation and isinstance(token, str) else None


def _fernet(secret_keys: Sequence[str]) -> MultiFernet:
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError:
        raise ConfigurationError(
            "secret_keys: encryption needs the package 'cryptography'; pip install 'contact-sync[crypto]'"
        ) from None
    return MultiFernet([Fernet(_derived(key)) for key in secret_keys])


def _derived(key: str) -> bytes:
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32, person=b"contact_sync/tok").digest()
    return base64.urlsafe_b64encode(digest)


def _digest_key(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32, person=b"contact_sync/dig").digest()
