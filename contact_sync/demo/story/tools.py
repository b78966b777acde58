"""What steps are written with: waiting, asking, and saying what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from contact_sync.delivery import EventRecord, State
from contact_sync.demo.integration.fields import CONTACTS
from contact_sync.testing.sandbox import Delivery

from .check import Comparison, compare
from .world import World

WAIT_SECONDS: Final = 20.0
MOST_EVENTS: Final = 10_000


class StepFailed(Exception):
    """Something is not as it should be. The message says what."""


def must(holds: object, what: str) -> None:
    """Fail the step unless something holds."""
    if not holds:
        raise StepFailed(what)


def until(world: World, condition: Callable[[], object], what: str) -> None:
    """Wait until something holds; fail the step if it does not in time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        must(not world.interrupted, "stopped")
        must(time.monotonic() < deadline, f"{what}: not after {WAIT_SECONDS:g} s")
        time.sleep(0.02)


def answered(delivery: Delivery) -> dict[str, Any]:
    """Wait until the service has answered, and give what is in the answer."""
    delivery.wait(WAIT_SECONDS)
    answer = delivery.answer
    must(delivery.state == "delivered", f"the service answered {delivery.name} with {delivery.status or 'nothing'}")
    must(isinstance(answer, dict) and answer.get("success") is True, f"the service did not handle {delivery.name}")
    data = answer["data"]
    return data if isinstance(data, dict) else {}


def queued(delivery: Delivery) -> str:
    """Wait until the service has answered that it has an event in its inbox. The event's id there."""
    answer = answered(delivery)
    must(answer.get("queued") is True and answer.get("event_id"), f"the service did not queue {delivery.name}")
    return str(answer["event_id"])


def settled(world: World, delivery: Delivery) -> EventRecord:
    """Wait until an event has left the inbox: it is applied, or a dead letter."""
    id = queued(delivery)
    until(world, lambda: record_of(world, id).settled is not None, f"{delivery.name} {id} is settled")
    return record_of(world, id)


def record_of(world: World, id: str) -> EventRecord:
    """Look an event up in the inbox."""
    record = world.inbox.event(id)
    if record is None:
        raise StepFailed(f"event {id} is not in the inbox")
    return record


def result_of(world: World, id: str, name: str) -> EventRecord:
    """Wait for what came of the newest event about a platform contact."""
    ours = [delivery for delivery in world.platform.deliveries if (delivery.contact_id, delivery.name) == (id, name)]
    must(ours, f"the platform sent no {name} for contact {id}")
    return settled(world, ours[-1])


def expect(record: EventRecord, action: str) -> None:
    """Fail the step unless the sync did what it should have."""
    came = record.action or record.error
    must(record.state is State.APPLIED and record.action == action, f"expected {action}, got: {came}")


def unsettled(world: World) -> list[EventRecord]:
    """The events that wait or are in flight, the first in line first."""
    return world.inbox.events(states=[State.WAITING, State.IN_FLIGHT], limit=MOST_EVENTS)


def at_rest(world: World) -> None:
    """Wait until the platform has nothing more to tell, and nothing waits in the inbox."""

    def is_so() -> bool:
        told = len(world.platform.deliveries)
        world.platform.wait_idle(WAIT_SECONDS)
        backlog = world.backlog()
        # What was applied may have been told of by the platform meanwhile.
        return not backlog.waiting and not backlog.in_flight and len(world.platform.deliveries) == told

    until(world, is_so, "everything is applied")


def agreement(world: World) -> Comparison:
    """Compare all contacts of both sides, field by field; fail the step if they differ."""
    found = compare(world.platform.contacts, world.crm_contacts(), world.pairs(), CONTACTS)
    if found.differences:
        more = f" and {len(found.differences) - 3} more" if len(found.differences) > 3 else ""
        raise StepFailed("; ".join(found.differences[:3]) + more)
    return found


def crm_record(world: World, id: str) -> dict[str, Any]:
    """Read a CRM contact over HTTP, as the people at the front desk do."""
    found = world.desk.get_contact(id)
    must(found.success and found.contact is not None, f"the CRM has no contact {id}")
    return dict(found.contact or {})


def crm_total(world: World) -> int:
    """How many contacts the CRM has."""
    return len(world.crm_contacts())


def known(world: World, email: str) -> tuple[str, str]:
    """The ids of a contact that came with the import: the CRM's, and the platform's."""
    found = world.desk.get_contact_by_email(email).contacts or ()
    must(len(found) == 1, f"the CRM has {len(found)} contacts with the e-mail address looked for")
    crm_id = str(found[0]["id"])
    id = world.partner_of_crm(crm_id)
    must(id, f"CRM {crm_id} is not paired")
    return crm_id, str(id)


def must_be(contact: dict[str, Any], field: str, value: object) -> None:
    """Fail the step unless a field is what was written on the other side."""
    must(contact.get(field) == value, f"{field} is not what was written on the other side")
