"""What key stores raise.

KeyStoreError
├── StoreUnavailable    the backend cannot be reached, or did not answer in time: try again later
└── InvalidId           (also a ValueError) an id is empty, none, or of a wrong type
"""

from __future__ import annotations


class KeyStoreError(Exception):
    """The root of everything that a key store raises on purpose. Messages hold no ids and no credentials."""


class StoreUnavailable(KeyStoreError):
    """The backend cannot be reached or did not answer. Nothing is known about whether the call took effect."""


class InvalidId(KeyStoreError, ValueError):
    """An id is `None`, empty, neither text nor a whole number, or text that is no text (a lone surrogate)."""
