"""What `contact_sync` raises.

    ContactSyncError
    ├── ConfigurationError      (also a ValueError) an argument or setting is missing or wrong
    ├── Busy                    (also a TimeoutError) somebody else works on the same contact for too long
    ├── ClaimLost               what was claimed for this work is not ours any more
    └── DeliveryUnavailable     what keeps accepted events cannot be reached, or not now

Everything that goes wrong *while syncing* is a failed `Result`, never an exception. Exceptions are for set-up: they
reach the developer at import time or in a command, before any contact moves.
"""

from __future__ import annotations


class ContactSyncError(Exception):
    """The root of everything that `contact_sync` raises on purpose. Messages hold no secrets and no contact values."""


class ConfigurationError(ContactSyncError, ValueError):
    """An argument or setting is missing or wrong. The message names it and says what to do."""


class Busy(ContactSyncError, TimeoutError):
    """Somebody else held the claim on a contact for longer than it was waited for. Try again later."""


class ClaimLost(ContactSyncError):
    """A claim ended while its holder worked, so it stopped there and recorded nothing. Try again later."""


class DeliveryUnavailable(ContactSyncError):
    """What keeps accepted events cannot be reached or did not answer. Nothing is known about the call; try again."""
