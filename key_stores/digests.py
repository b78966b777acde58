"""Digests of ids and names, for keys of a fixed length and for what must not be readable in a backend."""

from __future__ import annotations

from hashlib import blake2b


def installation_digest(integration_id: str) -> bytes:
    """Give the 16 bytes that stand for an installation in key names and locks."""
    return blake2b(integration_id.encode(), digest_size=16, person=b"installation").digest()


def lease_digest(integration_id: str, name: str) -> bytes:
    """Give the 16 bytes that stand for a lease. The name may be personal data, so it is kept nowhere."""
    return blake2b(name.encode(), digest_size=16, person=b"lease", key=installation_digest(integration_id)).digest()
