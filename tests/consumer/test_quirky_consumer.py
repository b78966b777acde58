"""The CRM with quirks: each one can be seen, people edit its records, and it tells of it."""

from __future__ import annotations

import uuid
from typing import Any, get_args

import pytest

from contact_sync.consumer import ask, pages
from contact_sync.errors import ConfigurationError
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import Quirks, QuirkyConsumer
from contact_sync.testing.crm import Notice, Write
from contact_sync.testing.crm.answers import MISSING, Answer, says_missing
from contact_sync.testing.crm.quirks import Missing

ANA = {"id": "1", "email": "ana@example.org", "phone": "+331", "first_name": "Ana"}


def crm(careful: bool = True, **quirks: Any) -> QuirkyConsumer:
    return QuirkyConsumer(Quirks(**quirks), [ANA], careful=careful)


class TestWhatACarelessConsumerShows:
    def test_an_update_of_a_missing_record_succeeds_and_does_nothing(self) -> None:
        one = crm(careful=False, update_missing="succeeds")
        assert ask(one, "update_contact", {"id": "7", "first_name": "Bea"}).success
        assert (list(one.records), one.writes) == (["1"], [])

    def test_an_update_of_a_missing_record_creates_it(self) -> None:
        one = crm(careful=False, update_missing="creates", ids="number")
        assert ask(one, "update_contact", {"id": "7", "first_name": "Bea"}).id == "7"
        assert one.records["7"] == {"id": 7, "first_name": "Bea"}

    def test_a_second_delete_succeeds(self) -> None:
        one = crm(careful=False, delete_again="succeeds")
        assert ask(one, "delete_contact", "1").success
        assert ask(one, "delete_contact", "1").success
        assert one.writes == [("delete_contact", "1", {})]

    def test_what_is_not_sent_is_blanked(self) -> None:
        one = crm(careful=False, replaces=True)
        ask(one, "update_contact", {"id": "1", "email": "ana@example.org"})
        assert one.records["1"] == {"id": "1", "email": "ana@example.org", "phone": None, "first_name": None}

    def test_of_pages_by_cursor_there_is_one(self) -> None:
        one = QuirkyConsumer(Quirks(paging="cursor"), [ANA, {**ANA, "id": "2"}], careful=False)
        assert [len(ask(one, "list_contacts", page, 1).contacts or ()) for page in (1, 2)] == [1, 0]
        assert [page.contacts for page in pages(one, 1)] == [[ANA], [{**ANA, "id": "2"}]]

    @pytest.mark.parametrize("shape", get_args(Missing))
    def test_what_is_missing_is_not_found_in_every_shape(self, shape: Missing) -> None:
        one = crm(careful=False, not_found=shape)
        for method, given in (
            ("get_contact", "7"),
            ("update_contact", {"id": "7", "first_name": "Bea"}),
            ("delete_contact", "7"),
        ):
            assert ask(one, method, given).error == NOT_FOUND


class TestQuirks:
    def test_ids_look_as_they_do_in_the_crm(self) -> None:
        made = {ids: QuirkyConsumer(Quirks(ids=ids)).create_contact({}) for ids in ("text", "number", "path")}
        assert made == {"text": Result.ok("1"), "number": {"success": True, "id": 1}, "path": Result.ok("/contacts/1")}
        one = QuirkyConsumer(Quirks(ids="uuid"))
        id = ask(one, "create_contact", {}).id
        assert str(uuid.UUID(id)) == id
        one = crm(ids="number")
        assert ask(one, "get_contact", "1").contact == {**ANA, "id": 1}

    def test_a_given_id_is_never_made_up_again(self) -> None:
        assert ask(crm(), "create_contact", {}).id == "2"

    def test_a_missing_record_has_seven_shapes(self) -> None:
        assert set(MISSING) == set(get_args(Missing))
        assert all(map(says_missing, MISSING.values()))
        for other in (
            Answer.of(200, {"contact": {}}),
            Answer(204),
            Answer(500),
            Answer(401),
            Answer(200, "<p>", "text/html"),
        ):
            assert not says_missing(other)

    @pytest.mark.parametrize(("how", "id"), [("with_id", "1"), ("without_id", None)])
    def test_a_taken_address_is_refused_in_any_case(self, how: str, id: str | None) -> None:
        one = crm(unique_emails=how, case_sensitive_lookup=True, trims=True)
        made = ask(one, "create_contact", {"email": " ANA@example.org"})
        assert (made.success, made.id, made.error) == (False, id, "a record with that e-mail address exists already")
        other = ask(one, "create_contact", {"email": ""}).id
        assert ask(one, "update_contact", {"id": other, "email": "Ana@example.org"}).id == id
        assert ask(one, "update_contact", {"id": "1", "email": "Ana@example.org"}).success
        assert len(one.records) == 2

    @pytest.mark.parametrize(("exact", "found"), [(True, False), (False, True)])
    def test_an_address_may_be_found_in_its_own_case_alone(self, exact: bool, found: bool) -> None:
        one = crm(case_sensitive_lookup=exact)
        assert ask(one, "get_contact_by_email", "ANA@example.org").success is found
        assert ask(one, "find_contact", "email", "Ana@example.org").success is found
        assert ask(one, "get_contact_by_email", "ana@example.org").contact == ANA

    def test_any_field_is_searched_for_its_whole_text(self) -> None:
        one = crm()
        assert ask(one, "find_contact", "phone", "+331").contact == ANA
        assert ask(one, "find_contact", "phone", "+33").error == NOT_FOUND

    def test_addresses_and_phones_are_written_its_own_way(self) -> None:
        one = crm(normalises=True)
        made = ask(one, "create_contact", {"email": "Bea@Example.org", "phone": "+33 (0)1-23", "first_name": "BEA "})
        assert made.contact == {
            "id": "2",
            "email": "bea@example.org",
            "phone": "+330123",
            "first_name": "BEA ",
        }
        assert ask(one, "update_contact", {"id": "2", "phone": "0033 45"}).contact == one.records["2"]
        phones = [
            ask(one, "update_contact", {"id": "2", "phone": phone}).contact for phone in ("0033 45", "06 12", "n/a")
        ]
        assert [(phone or {})["phone"] for phone in phones] == ["+3345", "0612", "n/a"]

    def test_text_is_trimmed(self) -> None:
        one = crm(trims=True)
        ask(one, "update_contact", {"id": "1", "first_name": " Ana\n"})
        assert one.records["1"]["first_name"] == "Ana"

    @pytest.mark.parametrize(
        ("quirks", "gives"),
        [
            ({}, False),
            ({"returns_record": True}, True),
            ({"normalises": True}, True),
            ({"trims": True, "returns_record": False}, False),
        ],
    )
    def test_writes_give_the_record_or_not(self, quirks: dict[str, Any], gives: bool) -> None:
        one = crm(**quirks)
        assert (ask(one, "create_contact", {"a": "b"}).contact == {"a": "b", "id": "2"}) is gives
        assert (ask(one, "update_contact", {"id": "1"}).contact == ANA) is gives

    def test_it_may_ask_for_the_changed_fields_alone(self) -> None:
        assert (crm().partial_updates, crm(partial=True).partial_updates) == (False, True)

    def test_a_careful_consumer_sends_a_crm_that_replaces_the_whole_record(self) -> None:
        one = crm(replaces=True)
        ask(one, "update_contact", {"id": "1", "first_name": "Anna"})
        assert one.records["1"] == {**ANA, "first_name": "Anna"}
        assert one.writes == [("update_contact", "1", {**ANA, "first_name": "Anna"})]

    @pytest.mark.parametrize("sent", [None, ""])
    @pytest.mark.parametrize(("clears", "left"), [("none", {"phone": None}), ("empty", {"phone": ""}), ("absent", {})])
    def test_a_cleared_field_reads_as_the_crm_has_it(self, clears: str, left: dict[str, Any], sent: Any) -> None:
        one = crm(clears=clears)
        ask(one, "update_contact", {"id": "1", "phone": sent})
        assert one.records["1"] == {name: value for name, value in ANA.items() if name != "phone"} | left

    @pytest.mark.parametrize("paging", ["number", "offset", "cursor"])
    @pytest.mark.parametrize("shift", [False, True])
    def test_a_walk_during_which_a_record_is_edited_holds_all_or_not(self, paging: str, shift: bool) -> None:
        quirks = Quirks(paging=paging, pages_shift=shift)  # type: ignore[arg-type]  # the literals are there
        one = QuirkyConsumer(quirks, [{"name": str(n)} for n in range(5)])
        walk = pages(one, 2)
        ids = [contact["id"] for contact in next(walk).contacts or ()]
        one.person_update("1", {"name": "edited"})
        ids += [contact["id"] for page in walk for contact in page.contacts or ()]
        skipped = shift and paging != "cursor"
        assert ids == (["1", "2", "4", "5", "1"] if skipped else ["1", "2", "3", "4", "5"])

    def test_what_is_archived_is_hidden_and_not_lost(self) -> None:
        one = crm(archives=True, tells_own_writes=True, unique_emails="with_id")
        assert ask(one, "archive_contact", "1").success
        assert (one.records, one.archived) == ({}, {"1": ANA})
        assert ask(one, "get_contact", "1").error == NOT_FOUND
        assert ask(one, "get_contact_by_email", "ana@example.org").error == NOT_FOUND
        assert ask(one, "archive_contact", "1").error == NOT_FOUND
        assert one.writes == [("archive_contact", "1", {})]
        assert one.take_notice("1") == Notice("deleted", "1", ANA)

    def test_without_archives_archiving_fails(self) -> None:
        assert "has no archive_contact" in str(ask(crm(), "archive_contact", "1").error)

    @pytest.mark.parametrize("seconds", [None, 7])
    def test_every_third_call_is_too_many(self, seconds: int | None) -> None:
        one = crm(limit_every=3, limit_retry_after=seconds)
        results = [ask(one, "get_contact", "1") for _ in range(6)]
        assert [result.success for result in results] == [True, True, False] * 2
        assert (results[2].retryable, results[2].retry_after) == (True, seconds)

    def test_a_walk_by_cursor_can_meet_a_limit(self) -> None:
        one = QuirkyConsumer(Quirks(paging="cursor", limit_every=2), [ANA, {**ANA, "id": "2"}])
        assert [page.retryable for page in pages(one, 1)] == [False, True]

    @pytest.mark.parametrize(
        ("quirks", "says"),
        [
            ({"ids": "guid"}, "'ids' must be one of text, number, uuid, path"),
            ({"unique_emails": True}, "'unique_emails' must be one of no, with_id, without_id"),
            ({"partial": 1}, "'partial' must be a boolean"),
            ({"returns_record": 0}, "'returns_record' must be a boolean"),
            ({"limit_every": -1}, "'limit_every' must be a whole number"),
            ({"limit_every": True}, "'limit_every' must be a whole number"),
            ({"limit_retry_after": float("nan")}, "'limit_retry_after' must be seconds"),
            ({"limit_retry_after": "7"}, "'limit_retry_after' must be seconds"),
        ],
    )
    def test_what_is_no_quirk_is_refused(self, quirks: dict[str, Any], says: str) -> None:
        with pytest.raises(ConfigurationError, match=says):
            Quirks(**quirks)


class TestNotices:
    def test_what_people_do_is_told_in_order_for_each_record(self) -> None:
        one = QuirkyConsumer()
        id, other = one.person_create({"name": "Ana"}), one.person_create({"name": "Bea"})
        one.person_update(id, {"name": "Anna"})
        one.person_update(id, {"name": "Anna"})
        one.person_delete(id)
        assert one.pending() == {id: 3, other: 1}
        assert [one.take_notice(id) for _ in range(4)] == [
            Notice("created", id, {"id": id, "name": "Ana"}),
            Notice("updated", id, {"id": id, "name": "Anna"}),
            Notice("deleted", id, {"id": id, "name": "Anna"}),
            None,
        ]
        assert one.pending() == {other: 1}
        assert one.writes == []

    def test_a_merge_fills_blanks_and_tells_of_both(self) -> None:
        one = QuirkyConsumer()
        winner = one.person_create({"name": "Ana", "phone": None, "more": {"city": "", "zip": "1"}})
        loser = one.person_create({"name": "A.", "phone": "+331", "more": {"city": "Aix", "zip": "2"}})
        one.take_notice(winner)
        one.take_notice(loser)
        one.person_merge(loser, winner)
        whole = {"id": winner, "name": "Ana", "phone": "+331", "more": {"city": "Aix", "zip": "1"}}
        assert one.records == {winner: whole}
        assert one.take_notice(winner) == Notice("updated", winner, whole)
        gone = one.take_notice(loser)
        assert gone is not None
        assert (gone.kind, gone.winner, gone.record["phone"]) == ("merged", winner, "+331")

    def test_a_merge_that_changes_nothing_tells_of_the_loser_alone(self) -> None:
        one = QuirkyConsumer(contacts=[ANA, {"id": "2", "first_name": "A."}])
        one.person_merge("2", "1")
        assert one.pending() == {"2": 1}

    def test_a_merge_is_of_two_records(self) -> None:
        one = crm()
        with pytest.raises(ValueError, match="into itself"):
            one.person_merge("1", "1")
        with pytest.raises(LookupError):
            one.person_merge("1", "7")
        assert (one.records, one.pending()) == ({"1": ANA}, {})

    @pytest.mark.parametrize("tells", [False, True])
    def test_what_the_api_writes_is_told_or_not(self, tells: bool) -> None:
        one = crm(tells_own_writes=tells)
        ask(one, "update_contact", {"id": "1", "first_name": "Anna"})
        ask(one, "update_contact", {"id": "1", "first_name": "Anna"})
        ask(one, "delete_contact", "1")
        ask(one, "create_contact", {})
        assert one.pending() == ({"1": 2, "2": 1} if tells else {})
        assert [write[:2] for write in one.writes] == [
            ("update_contact", "1"),
            ("update_contact", "1"),
            ("delete_contact", "1"),
            ("create_contact", "2"),
        ]

    def test_a_notice_keeps_the_record_as_it_was(self) -> None:
        one = QuirkyConsumer()
        id = one.person_create({"tags": ["a"]})
        one.person_update(id, {"tags": ["b"]})
        notice = one.take_notice(id)
        assert notice is not None
        assert notice.record["tags"] == ["a"]

    def test_nobody_edits_what_is_not_there(self) -> None:
        one = QuirkyConsumer()
        with pytest.raises(LookupError):
            one.person_update("7", {})
        with pytest.raises(LookupError):
            one.person_delete("7")


class TestFaults:
    def test_a_call_fails_before_or_after_it_takes_effect(self) -> None:
        one = crm()
        one.fail_next(TimeoutError(), "create_contact", after=True)
        one.fail_next(ConnectionError(), "create_contact")
        results = [ask(one, "create_contact", {"name": name}) for name in ("lost", "refused", "fine")]
        assert [(result.success, result.retryable) for result in results] == [(False, True)] * 2 + [(True, False)]
        assert [write.fields for write in one.writes] == [{"name": "lost"}, {"name": "fine"}]
        assert [call.method for call in one.calls] == ["create_contact"] * 3

    def test_a_page_by_cursor_that_fails_ends_the_walk(self) -> None:
        one = crm(paging="cursor")
        one.fail_next(Result.failed("away", retryable=True), "iter_contacts")
        assert list(one.iter_contacts()) == [Result.failed("away", retryable=True)]

    def test_an_update_without_an_id_is_refused(self) -> None:
        assert ask(crm(), "update_contact", {"first_name": "Bea"}).error == "the contact has no 'id'"

    def test_nothing_shown_holds_a_value(self) -> None:
        one = crm(tells_own_writes=True)
        ask(one, "update_contact", {"id": "1", "first_name": "Secret"})
        shown = f"{one!r} {one.writes!r} {one.take_notice('1')!r} {Answer.of(200, {'name': 'Secret'})!r}"
        assert "Secret" not in shown
        assert repr(Write("update_contact", "1", {"b": "Secret", "a": 1})) == "Write('update_contact', '1', ['a', 'b'])"
