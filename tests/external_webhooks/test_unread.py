"""What becomes of the news of a record that cannot be read, or that is there though it is told to be deleted."""

from __future__ import annotations

import pytest

from contact_sync import NOT_FOUND, Result
from contact_sync.consumer import ResultLike
from contact_sync.external_events import STILL_THERE
from contact_sync.results import to_result
from contact_sync.testing import MemoryConsumer
from tests.external_webhooks.helpers import ANA, CrmWorld, crm_world, hubspot_event, hubspot_webhooks
from tests.sync.helpers import crm_with


def test_a_deletion_that_is_told_late_of_a_record_that_was_restored_deletes_nothing(crm: CrmWorld) -> None:
    crm.tell("created")
    said = crm.tell("deleted")
    assert (said["action"], said["reason"]) == ("skipped", "the record is there, so the news of its deletion is old")
    assert list(crm.contacts) == ["501"]


class Archiving(MemoryConsumer):
    """A CRM that puts records away, and still gives them, marked. Its consumer may see to that mark."""

    minds = True

    def get_contact(self, id: str) -> ResultLike:
        found = to_result(super().get_contact(id), "")
        away = found.contact is not None and found.contact.get("archived") is True
        return Result.failed(NOT_FOUND) if away and self.minds else found


@pytest.mark.parametrize("minds", [True, False])
def test_a_record_that_the_crm_still_gives_when_it_is_archived_has_to_be_not_found(minds: bool) -> None:
    """That is the consumer's to say. Where it does not, the contact stays, and the result says why."""
    archiving = Archiving([ANA], id_field="ref", email_field="email_address")
    archiving.minds = minds
    crm = crm_world(crm=archiving)
    crm.tell("created")
    archiving.update_contact({"ref": "e1", "archived": True})
    said = crm.tell("deleted")
    assert (said["action"], said.get("reason")) == (("deleted", None) if minds else ("skipped", STILL_THERE))
    assert list(crm.contacts) == ([] if minds else ["501"])


class Refused(Exception):
    """As HTTP clients raise it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status_code = status


UNREAD = [
    ConnectionError(),
    Refused(401),
    Refused(403),
    KeyError("properties"),
    Result.failed("the key is refused (HTTP 401)"),
    Result.ok("e1"),
    None,
]


@pytest.mark.parametrize("fault", UNREAD, ids=repr)
def test_what_is_not_known_to_be_gone_is_not_deleted(crm: CrmWorld, fault: object) -> None:
    """A record that could not be read may be there. So its news come again, with the same id too."""
    crm.tell("created")
    crm.world.crm.fail_next(fault, "get_contact")
    deleted = {"type": "contact.deleted", "data": {"id": "e1"}}
    answer = crm.post(deleted, id="m1")
    assert (answer.status_code, answer.get_json()["success"]) == (503, False)
    assert int(answer.headers["Retry-After"]) >= 1
    assert list(crm.contacts) == ["501"]
    crm.world.crm.delete_contact("e1")
    assert crm.post(deleted, id="m1").get_json()["results"][0]["action"] == "deleted"


@pytest.mark.parametrize("what", ["created", "updated", "restored"])
@pytest.mark.parametrize("fault", UNREAD, ids=repr)
def test_what_could_not_be_read_is_told_again(crm: CrmWorld, what: str, fault: object) -> None:
    """Also where only a person can mend that, such as a key that is refused: the CRM tells it again meanwhile."""
    crm.world.crm.fail_next(fault, "get_contact")
    told = {"type": f"contact.{what}", "data": {"id": "e1"}}
    assert crm.post(told, id="m1").status_code == 503
    assert crm.post(told, id="m1").get_json()["results"][0]["action"] == "created"


def test_records_that_cannot_be_read_do_not_keep_others_waiting() -> None:
    """They come again and again. A CRM that is away would keep them: that is told apart."""
    crm = crm_world(hubspot_webhooks(), crm=crm_with(ANA))
    crm.world.crm.fail_next(KeyError("properties"), "get_contact", times=5)
    answer = crm.hubspot([hubspot_event("contact.creation", id) for id in ("r1", "r2", "r3", "r4", "r5", "e1")])
    assert answer.status_code == 503
    assert [result["success"] for result in answer.get_json()["results"]] == [False] * 5 + [True]
    assert list(crm.contacts) == ["501"]
