"""The scripts that make every step of an event one round trip, done whole or not at all.

All keys begin alike and have one `{hash tag}`, so that a cluster has them in one place. Their number does not grow with
the events that are kept:

    records    hash          id of an event → its record (JSON, no contact values)
    bodies     hash          id → what is to be applied; gone when it is applied
    delivered  hash          digest of a delivery → id
    names      hash          digest of an installation → its id
    waiting, failed, applied; and each with :<installation>
               sorted set    ids in the order of arrival; those in flight are in `waiting` as well
    flight     set           ids that a worker is applying
    contacts   sorted set    digest of a contact and id, in the order of their letters
    settled:applied, settled:failed
               sorted set    ids, by the millisecond at which they were settled
    look       sorted set    mailboxes, by the millisecond at which the sweep sees to them
    lanes:<installation>
               sorted set    mailboxes, by the millisecond at which a worker may take them: when they are due, or when
                             the lease of who has them ends
    turn       sorted set    installations that have mailboxes in which something waits, by the microsecond at which it
                             is their turn: when they were served last, or when something of them is due
    seq        number        the last place in the order of arrival

and for each mailbox in which something waits or has failed:

    queue:<mailbox>   sorted set   what waits, in order: `u` (an update) or `d` (a delete), and its id
    dead:<mailbox>    set          the ids of its dead letters
    box:<mailbox>     hash         inst: its installation; ready: when it is due; last, print: id and fingerprint of the
                                   latest event; applied: the latest that was applied; tried: the last that was tried
                                   and not applied; and while a worker has it, owner, until: its lease, and flight: what
                                   it applies

Digests are hexadecimal; times are milliseconds of Redis's own clock, so that machines need not agree on theirs. An
owner whose lease has ended may still settle, if nobody has taken the mailbox over.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

from key_stores.redis.scripts import Script

PREFIX: Final = "contact_sync:{events}:"


def _script(name: str) -> Script:
    folder = resources.files(__package__).joinpath("lua")
    return Script("".join(folder.joinpath(f"{part}.lua").read_text("utf-8") for part in ("prelude", name)))


SUBMIT: Final = _script("submit")
CLAIM: Final = _script("claim")
SETTLE: Final = _script("settle")
RENEW: Final = _script("renew")
SWEEP: Final = _script("sweep")
EXPIRE: Final = _script("expire")
ERASE: Final = _script("erase")
DROP: Final = _script("drop")
REPLAY: Final = _script("replay")
READ: Final = _script("read")
COUNT: Final = _script("count")
ABANDONED: Final = _script("abandoned")
CLOCK: Final = _script("clock")
