"""The steps in which the CRM goes down and comes back: what is told of meanwhile waits, and arrives once, in order."""

from __future__ import annotations

from typing import Final

from contact_sync.delivery.runs import FOLDED
from contact_sync.demo.crm import Entry
from contact_sync.demo.integration.app import OWN_NAME

from .tools import agreement, at_rest, known, must, queued, record_of, unsettled, until
from .world import World

NEW: Final = ("isolde@example.com", "tibor@example.org", "wanda@example.net")
"""The e-mail addresses of those who are new while the CRM is down."""

CITIES: Final = ("Kobe", "Osaka", "Nara", "Kyoto", "Uji")
"""Where somebody moves meanwhile, from one to the next."""

ENOUGH_TRIES: Final = 3
"""How often something has been tried before the CRM comes back."""

MOST_WRITES: Final = 2
"""How many writes a contact comes to: what was tried already is repeated as it was, and what came after it is one."""


def crm_down(world: World) -> str:
    """Take the CRM down, and let people on the platform go on: each edit is answered at once, and waits."""
    at_rest(world)
    _, mover = known(world, "misaki@example.org")
    _, leaver = known(world, "minseo@example.com")
    written, told = _written(world), len(world.platform.deliveries)
    world.outage.begin()
    newcomer, *_ = [world.platform.create_contact({"email": email, "tags": '["new"]'}) for email in NEW]
    world.platform.update_contact(newcomer, {"firstname": "Isolde", "orders": 1})
    for city in CITIES:
        world.platform.update_contact(mover, {"city": city})
    world.platform.update_contact(leaver, {"notes": "Wants to leave"})
    world.platform.delete_contact(leaver)
    edits = world.platform.deliveries[told:]
    ids = {queued(edit) for edit in edits}
    must(all(len(edit.attempts) == 1 for edit in edits), "the platform had to send something twice")
    until(world, lambda: _all_tried(world), "everything was tried, in vain")
    must({record.id for record in unsettled(world)} == ids, "not all that was answered with 200 waits")
    must(_written(world) == written, "something was written to a CRM that is down")
    must(not world.backlog().failed, "something was given up")
    return f"{len(ids)} queued with 200 and wait; {world.outage.refused} tries"


def crm_back(world: World) -> str:
    """Let the CRM come back: what has waited arrives by itself, in order, once, and several edits by one write."""
    waited = unsettled(world)
    before = {record.contact: world.partner_of_platform(record.contact) for record in waited}
    written = len(_written(world))
    world.outage.end()
    until(world, lambda: not _tell_what_waits(world), "what has waited is applied")
    at_rest(world)
    must(not world.backlog().failed, "something was given up")
    came = [record_of(world, record.id) for record in waited]
    new = _written(world)[written:]
    for contact, partner in before.items():
        id = partner or world.partner_of_platform(contact)
        said = [record.action for record in came if record.contact == contact and record.action != FOLDED]
        seen = [entry.did for entry in new if entry.id == id]
        must(said == seen, f"CRM {id} was {seen}, though the inbox says {said}")
        must(len(seen) <= MOST_WRITES, f"CRM {id} was {seen}: edits that wait should be written as one")
    must(len({entry.id for entry in new}) == len(before), "the CRM has records that nobody has told of")
    agreement(world)
    return f"{len(waited)} arrived in order, by {len(new)} writes; 0 wait"


def _written(world: World) -> list[Entry]:
    """What the integration has written in the CRM."""
    return world.crm_journal.entries(OWN_NAME)


def _all_tried(world: World) -> bool:
    """Whether each contact's first in line was tried, and one of them several times. The rest waits behind them."""
    _tell_what_waits(world)
    first: dict[str, int] = {}
    for record in unsettled(world):
        first.setdefault(record.contact, record.tries)
    return bool(first) and min(first.values()) >= 1 and max(first.values()) >= ENOUGH_TRIES


def _tell_what_waits(world: World) -> int:
    """Say how many events wait. Their number."""
    backlog = world.backlog()
    waiting = backlog.waiting + backlog.in_flight
    world.tell(f"{waiting} wait, {world.outage.refused} tries so far")
    return waiting
