"""The story: how contacts move between a platform and a CRM, from the installation to the uninstallation.

Each step does one thing on one side, by real HTTP, and checks what came of it on the other. It returns what it has
checked, in a few words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from contact_sync.delivery import State
from contact_sync.demo.integration.fields import CONTACTS

from .down import crm_back, crm_down
from .merging import cleared, conflict, echo_stopped
from .tools import (
    agreement,
    answered,
    at_rest,
    crm_record,
    crm_total,
    expect,
    known,
    must,
    must_be,
    result_of,
    settled,
    until,
)
from .world import World


class Step(NamedTuple):
    """A step of the story.

    Attributes:
        title: What happens.
        play: Does it, and returns what was checked. Raises if something is wrong.
    """

    title: str
    play: Callable[[World], str]


def start(world: World) -> str:
    """Start the servers; the service says that it is ready."""
    world.tell("an HTTP server each …")
    world.start()
    ports = [url.rpartition(":")[2] for url in (world.platform.url, world.crm_server.url, world.service.url)]
    return "platform {}, CRM {}, service {}".format(*ports)


def install(world: World) -> str:
    """Install the integration, as a person on the platform does."""
    world.tell("the service asks the platform about the token …")
    result = answered(world.platform.install(f"{world.service.url}/"))
    must(result.get("success") is not False, f"the installation was refused: {result.get('error')}")
    must(world.notices.url, "the integration did not ask the CRM for notices")
    return "token confirmed; CRM will send notices"


def properties(world: World) -> str:
    """See that every field of the mapping has been declared on the platform, with its type."""
    wanted = {row["name"]: row["type"] for row in CONTACTS.properties()}
    must(world.platform.properties == wanted, "the platform's properties are not those of the mapping")
    kinds = Counter(wanted.values())
    return f"{len(wanted)} declared: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


def import_all(world: World) -> str:
    """Let the integration bring over all that the CRM has, and compare both sides."""
    total = crm_total(world)
    report = _import(world, total)
    must(report["created"] == total, f"{report['created']} of {total} were created")
    at_rest(world)
    found = agreement(world)
    return f"{report['created']} created, {found.fields:,} fields agree"


def import_again(world: World) -> str:
    """Do it again: nothing is made twice, and nothing is written."""
    total = crm_total(world)
    report = _import(world, total)
    must(report["created"] == 0, f"{report['created']} contacts were made a second time")
    must(len(world.platform.contacts) == total, "the platform has more contacts than before")
    must(report["updated"] == 0, f"{report['updated']} contacts were written again, though nothing had changed")
    return f"{report['unchanged']} unchanged; nothing is written"


def created_on_platform(world: World) -> str:
    """Make a contact on the platform; it is in the CRM, in the CRM's own forms."""
    id = world.platform.create_contact(
        {
            "email": "ottoline@example.com",
            "firstname": "Ottoline 🦉",
            "lastname": 'Ashgrove, "Otti"',
            "phone": "+44 7700 900042",
            "postcode": "01e05",
            "birthdate": "1991-02-28",
            "last_seen": "2025-03-01T08:30:00.000Z",
            "newsletter": True,
            "orders": 0,
            "balance": 12.5,
            "tags": '["vip", "été"]',
            "preferences": '{"language": "fr"}',
        }
    )
    expect(result_of(world, id, "contact_created"), "created")
    crm_id = str(world.partner_of_platform(id))
    record = crm_record(world, crm_id)
    must_be(record, "born_on", "28/02/1991")
    must_be(record, "last_seen_at", 1_740_817_800)
    must_be(record, "balance_cents", 1250)
    must_be(record, "order_count", 0)
    must_be(record, "tags", ["vip", "été"])
    must_be(record, "preferences", {"language": "fr"})
    must(record["address"]["postcode"] == "01e05", "the postcode is no longer the text that it was")
    return f"CRM {crm_id} created; born_on {record['born_on']}"


def adopted(world: World) -> str:
    """Make a contact whose e-mail address one CRM contact has: that one is taken, and blanks are filled."""
    loaded = world.records.add(  # as by a bulk load, of which CRMs send no notices
        {
            "properties": {"given_name": "Peregrine", "email": "Peregrine@Example.ORG", "phone": "+44 7700 900077"},
            "address": {"city": "Umeå"},
        }
    )
    before = crm_total(world)
    id = world.platform.create_contact({"email": "peregrine@example.org", "lastname": "Stillwater"})
    expect(result_of(world, id, "contact_created"), "adopted")
    crm_id = str(world.partner_of_platform(id))
    must(crm_id == str(loaded["id"]) and crm_total(world) == before, "a second CRM contact was made")
    must(crm_record(world, crm_id)["properties"]["family_name"] == "Stillwater", "the CRM's blank was not filled")
    contact = world.platform.contacts[id]
    must(contact.get("phone") == "+44 7700 900077", "the platform's blank was not filled")
    return f"CRM {crm_id} adopted; blanks filled both ways"


def ambiguous(world: World) -> str:
    """Make a contact whose e-mail address two CRM contacts have: neither is guessed at, and the event is kept."""
    before = crm_total(world)
    id = world.platform.create_contact({"email": "quills@example.org", "firstname": "Which Quill?"})
    result = result_of(world, id, "contact_created")
    refused = result.state is State.FAILED and "ambiguous match" in (result.error or "")
    must(refused, f"expected an ambiguous match, got: {result.action or result.error}")
    must(crm_total(world) == before, "the CRM has more contacts than before")
    world.platform.delete_contact(id)
    expect(result_of(world, id, "contact_deleted"), "skipped")
    must(crm_total(world) == before, "a CRM contact was deleted that belongs to another")
    must(world.inbox.drop(result.id).success, "the dead letter could not be dropped")
    return "ambiguous: a dead letter; nothing guessed"


def edited_on_platform(world: World) -> str:
    """Write and clear fields on the platform; the CRM has it, and what was not edited stays."""
    crm_id, id = known(world, "ivy@example.com")
    must(crm_record(world, crm_id)["notes"], "the contact has no notes that could be cleared")
    world.platform.update_contact(
        id, {"phone": "+1 202-555-0199", "birthdate": "2000-02-29", "balance": -0.01, "notes": None, "tags": "[]"}
    )
    expect(result_of(world, id, "contact_updated"), "updated")
    record = crm_record(world, crm_id)
    must(record["properties"]["phone"] == "+1 202-555-0199", "the phone number is not in the CRM")
    must(record["properties"]["given_name"] == "Ivy 🌿", "a field that was not edited has changed")
    must_be(record, "born_on", "29/02/2000")
    must_be(record, "balance_cents", -1)
    must_be(record, "notes", None)
    must_be(record, "tags", [])
    return f"CRM {crm_id}: 4 fields written, 1 cleared"


def edited_in_crm(world: World) -> str:
    """Write and clear fields in the CRM; the platform has it, and what was not edited stays."""
    crm_id, id = known(world, "zoe@example.net")
    street = world.platform.contacts[id].get("street")
    must(street, "the contact has no street that could stay")
    world.desk.update_contact(
        {
            "id": crm_id,
            "properties": {"family_name": "Müller", "phone": None},
            "opted_in": False,
            "order_count": 12,
            "customer_since": "1 Mar 2024",
        }
    )
    until(world, lambda: world.platform.contacts[id].get("orders") == 12, "the CRM's edit is on the platform")
    contact = world.platform.contacts[id]
    must_be(contact, "lastname", "Müller")
    must_be(contact, "newsletter", False)
    must_be(contact, "customer_since", "2024-03-01")
    must_be(contact, "street", street)
    must(not contact.get("phone"), "the phone number was not cleared on the platform")
    return f"platform {id}: 4 written, 1 cleared"


def created_in_crm(world: World) -> str:
    """Make a contact in the CRM; it is on the platform, and paired."""
    made = world.desk.create_contact(
        {"properties": {"given_name": "Ødgar", "email": "odgar@example.net"}, "address": {"postcode": "00501"}}
    )
    crm_id = str(made.id)
    until(world, lambda: world.partner_of_crm(crm_id), "the CRM's new contact is paired")
    id = str(world.partner_of_crm(crm_id))
    contact = world.platform.contacts[id]
    must_be(contact, "firstname", "Ødgar")
    must_be(contact, "postcode", "00501")
    return f"platform {id} created for CRM {crm_id}"


def deleted(world: World) -> str:
    """Delete a contact on each side; it is gone from the other, and the pair with it."""
    crm_id, id = known(world, "number@example.net")
    world.platform.delete_contact(id)
    expect(result_of(world, id, "contact_deleted"), "deleted")
    must(world.desk.get_contact(crm_id).not_found, f"CRM {crm_id} is still there")
    must(world.partner_of_crm(crm_id) is None, "the pair is still there")
    other_crm_id, other_id = known(world, "template@example.org")
    world.desk.delete_contact(other_crm_id)
    until(world, lambda: other_id not in world.platform.contacts, f"platform {other_id} is gone")
    until(world, lambda: world.partner_of_crm(other_crm_id) is None, "the pair is gone")
    return f"CRM {crm_id}, platform {other_id}: pairs gone"


def late_event(world: World) -> str:
    """Send an update of a contact that is deleted: it does not come back."""
    crm_id, id = known(world, "formula@example.net")
    contact = world.platform.contacts[id]
    world.platform.delete_contact(id)
    expect(result_of(world, id, "contact_deleted"), "deleted")
    before = crm_total(world)
    expect(settled(world, world.platform.send_event("contact_updated", contact)), "skipped")
    must(crm_total(world) == before, f"a late update has brought CRM {crm_id} back")
    return "skipped: it does not come back"


def check_both(world: World) -> str:
    """Compare all contacts of both sides, field by field."""
    at_rest(world)
    found = agreement(world)
    must(found.pairs == len(world.platform.contacts) == crm_total(world), "the sides differ in size")
    must(not world.backlog().failed, "there are dead letters in the inbox")
    world.agreed = found
    return f"{found.pairs} contacts, {found.fields:,} fields: no difference"


def uninstall(world: World) -> str:
    """Uninstall the integration: no pair is left, nor any event, and the CRM sends no more notices."""
    result = answered(world.platform.uninstall())
    must(result.get("success") is not False, f"the uninstallation failed: {result.get('error')}")
    left = world.count_pairs()
    must(left == 0, f"{left} pairs are left")
    must(not world.inbox.events(), "the inbox still has events")
    must(world.notices.url is None, "the CRM still sends notices")
    return f"{left} pairs left; CRM notices stopped"


STORY: Final = (
    Step("Start all three servers", start),
    Step("Install", install),
    Step("Properties on the platform", properties),
    Step("Import from the CRM", import_all),
    Step("Import once more", import_again),
    Step("New on the platform", created_on_platform),
    Step("… e-mail known to the CRM", adopted),
    Step("… e-mail of two in the CRM", ambiguous),
    Step("Edit on the platform", edited_on_platform),
    Step("Edit in the CRM", edited_in_crm),
    Step("The platform's echo of it", echo_stopped),
    Step("Clear on either side", cleared),
    Step("Both edit one field", conflict),
    Step("New in the CRM", created_in_crm),
    Step("Delete on either side", deleted),
    Step("Update after the delete", late_event),
    Step("The CRM goes down", crm_down),
    Step("The CRM is back", crm_back),
    Step("Check both sides", check_both),
    Step("Uninstall", uninstall),
)


def reinstall(world: World) -> str:
    """Begin anew with an empty workspace, so that both sides are alive for who wants to try it by hand."""
    for id in world.platform.contacts:
        world.platform.delete_contact(id)
    install(world)
    return import_all(world)


def _import(world: World, total: int) -> dict[str, Any]:
    """Let the platform ask the integration for an import, and follow it."""
    action = world.platform.send_action("import_contacts")
    done = 0
    while action.state == "waiting" and done < total:
        done = len(world.platform.contacts)
        world.tell(f"{done} of {total}")
        world.platform.changes.wait_for(lambda: action.state != "waiting", 0.05)
    report = answered(action)
    must(report.get("success") is True, f"{len(report.get('failed', ()))} failed: {report.get('failed', ())[:3]}")
    return report
