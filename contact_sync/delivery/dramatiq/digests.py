"""What stands for installations, contacts and deliveries in key names: digests, so that an id may be anything."""

from __future__ import annotations

from hashlib import blake2b

from mappers import Side


def installation_digest(installation: str) -> str:
    """The name of an installation."""
    return _digest(b"cs-installation", installation)


def mailbox_digest(installation: str, contact: str, side: Side = "botmatic") -> str:
    """The name of a contact's mailbox. The same id on the two sides stands for two contacts."""
    return _digest(b"cs-mailbox" if side == "botmatic" else b"cs-mailbox-ext", installation, contact)


def contact_digest(contact: str) -> str:
    """What a contact's events begin with in the list of all contacts, whatever their installation.

    It is short: who looks a contact up compares its id as well.
    """
    return _digest(b"cs-contact", contact)[:16]


def delivery_digest(installation: str, delivery_id: str) -> str:
    """The name of a delivery, so that the sender's id may be as long as it likes."""
    return _digest(b"cs-delivery", installation, delivery_id)


def _digest(kind: bytes, *parts: str) -> str:
    digest = blake2b(digest_size=16, person=kind)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(4))
        digest.update(data)
    return digest.hexdigest()
