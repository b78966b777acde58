"""`ConsumerContract`: finding a contact by its e-mail address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import pytest

from contact_sync.sides import hits

from .contract_applies import needs
from .contract_probe import Probe, Record, said
from .paths import value_at

LOCAL_PARTS: Final = {
    "plus": "ann+news",
    "apostrophe": "o'brien",
    "percent": "ann%2bnews",
    "ampersand": "ann&page=2",
    "equals and question mark": "a=b?c",
    "hash and slash": "ann#1/2",
    "underscore": "ann_b",
    "accents": "zoë.łukasz",
    "cyrillic": "анна",
}
"""What stands before the @ of addresses that have to survive a URL or a search expression."""

NOT_THE_ADDRESS: Final[Mapping[str, Callable[[str], str]]] = {
    "the same without its first letter": lambda email: email[1:],
    "the same without its last letter": lambda email: email[:-1],
    "the same with a letter more": lambda email: f"x{email}",
    "the local part alone": lambda email: email.split("@")[0],
    "a star for the domain": lambda email: f"{email.split('@')[0]}@*",
    "a percent sign for the domain": lambda email: f"{email.split('@')[0]}@%",
    "an underscore for a letter": lambda email: f"_{email[1:]}",
    "a dot for a letter": lambda email: f".{email[1:]}",
    "a star": lambda _: "*",
    "a percent sign": lambda _: "%",
    "an SQL condition": lambda _: "' OR '1'='1",
    "a filter expression": lambda email: f'" or email eq "{email}',
    "a further query parameter": lambda email: f"nobody@example.com&email={email}",
    "10 kB": lambda email: "x" * 10_000 + email,
}
"""Look-ups that are near an address of a record without being it."""


class LookupTests:
    """Look-ups by e-mail address."""

    def test_a_contact_is_found_by_its_email(self, probe: Probe) -> None:
        """The look-up gives the whole contact, with its id."""
        record = probe.record()
        probe.record()
        _assert_finds(probe, _email(probe, record), record)

    def test_an_unknown_email_is_not_found(self, probe: Probe) -> None:
        """An address that no record has is NOT_FOUND."""
        probe.record()
        result = probe.ask("get_contact_by_email", probe.address("unknown"))
        assert result.not_found, (
            f"get_contact_by_email with an address that no record has {said(result)}. Answer Result.failed(NOT_FOUND), "
            "also where the CRM answers with an empty list"
        )

    @needs("create")
    @pytest.mark.parametrize("local", LOCAL_PARTS.values(), ids=list(LOCAL_PARTS))
    def test_special_characters_in_an_email_survive(self, probe: Probe, local: str) -> None:
        """A contact whose address holds special characters is found by it; if the CRM refuses it, nothing is found."""
        email = probe.address(local)
        contact = probe.contact(email=email)
        created = probe.ask("create_contact", contact)
        if created.success and created.id is not None:
            _assert_finds(probe, email, Record(created.id, contact))
        else:
            result = probe.ask("get_contact_by_email", email)
            assert not result.success, (
                f"get_contact_by_email({email!r}) found something, though no record has that address; quote the "
                "address in the URL or search expression"
            )

    @pytest.mark.parametrize("near", NOT_THE_ADDRESS.values(), ids=list(NOT_THE_ADDRESS))
    def test_a_look_up_is_for_the_whole_address(self, probe: Probe, near: Callable[[str], str]) -> None:
        """What is only a part of an address, or a pattern, finds nothing."""
        email = _email(probe, probe.record())
        wanted = near(email)
        result = probe.ask("get_contact_by_email", wanted)
        assert not result.success, (
            f"get_contact_by_email({wanted[:100]!r}) found something, though the only record near has the address "
            f"{email!r}; look for the whole address, quote it in the URL or search expression, and drop what the CRM "
            "gives beyond it"
        )

    @needs("create")
    def test_two_records_with_one_email_are_both_given(self, probe: Probe) -> None:
        """If the CRM takes a second record with an address, the look-up gives both; else creating it fails."""
        first = probe.create()
        email = _email(probe, first)
        result = probe.ask("create_contact", probe.contact(email=email))
        if not result.success:
            assert result.id in (None, first.id), (
                f"creating a second record with an address failed with the id {result.id!r}; the id of such a failure "
                f"is adopted, so it has to be that of the record in the way, {first.id!r}"
            )
            assert not result.retryable, "creating a second record with an address will fail again: it is not retryable"
            return
        assert result.id != first.id, (
            "create_contact answered success with the id of a record that was there; answer "
            "Result.failed(<why>, id=<its id>), so that it is adopted"
        )
        both = {first.id, result.id}
        found = probe.settled(
            lambda: probe.ask("get_contact_by_email", email), lambda it: set(map(probe.id_of, hits(it))) == both
        )
        assert found.success, f"get_contact_by_email with an address that two records have {said(found)}"
        assert set(map(probe.id_of, hits(found))) == both, (
            "get_contact_by_email with an address that two records have must not pick one: answer "
            f"Result.ok(contacts=[…]) with both; it {said(found)}"
        )

    @needs("update")
    def test_a_changed_email_is_followed(self, probe: Probe) -> None:
        """After an update of the address, the contact is found by the new one alone."""
        record = probe.record()
        old, new = _email(probe, record), probe.address("changed")
        result = probe.ask("update_contact", probe.change(record.id, email=new))
        assert result.success, f"update_contact with a new e-mail address {said(result)}"
        found = probe.settled(lambda: probe.ask("get_contact_by_email", new), lambda it: it.success)
        assert found.success, f"get_contact_by_email with the new address {said(found)}"
        found = probe.settled(lambda: probe.ask("get_contact_by_email", old), lambda it: not it.success)
        assert not found.success, "get_contact_by_email still finds the contact by the address that it had before"


def _email(probe: Probe, record: Record) -> str:
    return str(value_at(record.sent, probe.declared.email_field))


def _assert_finds(probe: Probe, email: str, record: Record) -> None:
    __tracebackhide__ = True
    found = probe.settled(lambda: probe.ask("get_contact_by_email", email), lambda it: it.success)
    assert found.success, (
        f"get_contact_by_email({email!r}) has to find the record that was created, but it {said(found)}"
    )
    contacts = hits(found)
    assert len(contacts) == 1, (
        f"get_contact_by_email of an address that one record has {said(found)}; answer Result.ok(contact=…)"
    )
    assert probe.id_of(contacts[0]) == record.id, (
        f"get_contact_by_email({email!r}) gave the record {probe.id_of(contacts[0])!r}, not {record.id!r}, which has "
        "that address"
    )
    lost = probe.lost(record.sent, contacts[0])
    assert not lost, f"get_contact_by_email has to give the whole contact, as get_contact does; {'; '.join(lost)}"
