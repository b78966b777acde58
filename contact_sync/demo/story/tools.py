"""What steps are written with: waiting, asking, and saying what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from contact_sync.testing.sandbox import Delivery

from .world import World

WAIT_SECONDS: Final = 20.0


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


def result_of(world: World, id: str, name: str) -> dict[str, Any]:
    """Wait for the answer to the newest event about a platform contact: what the sync made of it."""
    ours = [delivery for delivery in world.platform.deliveries if (delivery.contact_id, delivery.name) == (id, name)]
    must(ours, f"the platform sent no {name} for contact {id}")
    return answered(ours[-1])


def expect(result: dict[str, Any], action: str) -> dict[str, Any]:
    """Fail the step unless the sync did what it should have."""
    came = result.get("action") or result.get("error")
    must(result.get("success") is True and result.get("action") == action, f"expected {action}, got: {came}")
    return result


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
