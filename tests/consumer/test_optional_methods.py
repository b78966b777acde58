"""What a consumer of six methods has beside them, and what it says of the rest."""

from __future__ import annotations

import pytest

from contact_sync.consumer import ExternalAPIConsumer, ask
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import MemoryConsumer

ANA = {"email": "ana@example.org", "phone": "+33 1 23", "id": "1"}


class SixMethods(MemoryConsumer):
    """Leaves what is optional as it is given."""

    find_contact = ExternalAPIConsumer.find_contact
    archive_contact = ExternalAPIConsumer.archive_contact


def test_updates_are_whole_unless_the_consumer_says_otherwise() -> None:
    assert ExternalAPIConsumer.partial_updates is False
    assert SixMethods().partial_updates is False


def test_an_address_is_looked_up_as_one() -> None:
    crm = SixMethods([ANA])
    assert ask(crm, "find_contact", "properties.email", "ana@example.org") == Result.ok("1", contact=ANA)
    assert ask(crm, "find_contact", "email", "bea@example.org").error == NOT_FOUND
    assert [call.method for call in crm.calls] == ["get_contact_by_email"] * 2


def test_an_address_that_several_records_have_gives_all_of_them() -> None:
    found = ask(SixMethods([ANA, {**ANA, "id": "2"}]), "find_contact", "email", "ana@example.org")
    assert [contact["id"] for contact in found.contacts or ()] == ["1", "2"]


@pytest.mark.parametrize("value", ["+33 1 23", "", "@", "ana@", "@example.org", "ana @example.org", "a@b@c", "a@b\n"])
def test_what_is_no_address_is_not_found_and_asks_nothing(value: str) -> None:
    crm = SixMethods([ANA])
    assert ask(crm, "find_contact", "phone", value).error == NOT_FOUND
    assert crm.calls == []


def test_archiving_fails_until_it_is_written() -> None:
    """A default that answered success would let records live on that were to be put away."""
    crm = SixMethods([ANA])
    assert ask(crm, "archive_contact", "1") == Result.failed(
        "SixMethods has no archive_contact; write one, or let records be deleted"
    )
    assert crm.records == {"1": ANA}
