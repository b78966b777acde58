"""Asymmetric signatures, for which the package `cryptography` is needed."""

from __future__ import annotations

from collections.abc import Callable

from contact_sync.errors import ConfigurationError


def load_public_key(number: int, key: bytes) -> Callable[[bytes, bytes], bool]:
    """Make what says whether a signature is that of a message.

    Args:
        number: The key's place among the secrets, for messages.
        key: The public key, 32 bytes.

    Raises:
        ConfigurationError: It is no key, or `cryptography` is not installed.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise ConfigurationError(
            "StandardWebhooks: secrets: a public key needs the package 'cryptography'; pip install "
            "'contact-sync[crypto]'"
        ) from None
    try:
        public = Ed25519PublicKey.from_public_bytes(key)
    except ValueError:
        raise ConfigurationError(f"StandardWebhooks: secrets: number {number} is no Ed25519 public key") from None

    def is_right(signature: bytes, message: bytes) -> bool:
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return is_right
