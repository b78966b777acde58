"""Who is a contact, what its fields are, and how changes are told: by a Slack after its documents."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from contact_sync.consumer import Changes, CursorExpired, changes, pages
from contact_sync.consumers.slack import SlackConsumer
from contact_sync.results import Result
from mappers import Mapper, Mapping
from tests.consumers.slack.documented import NOW, DocumentedSlack, member

Make = Callable[..., SlackConsumer]

NO_CONTACTS = {
    "a bot": {"is_bot": True},
    "somebody of another workspace": {"is_stranger": True},
    "somebody who is only invited": {"is_invited_user": True},
    "a deactivated member": {"deleted": True},
}


def listed(consumer: SlackConsumer) -> list[str]:
    found = []
    for page in pages(consumer):
        assert page.success, page.error
        found += [contact["id"] for contact in page.contacts or ()]
    return found


def told(consumer: SlackConsumer, cursor: str | None) -> tuple[list[str], list[str], str]:
    """The ids of who has changed, of who is gone, and the cursor to go on from."""
    walked = list(changes(consumer, cursor))
    assert all(isinstance(page, Changes) for page in walked), walked
    whole = [page for page in walked if isinstance(page, Changes)]
    return (
        [contact["id"] for page in whole for contact in page.contacts],
        [id for page in whole for id in page.deleted],
        whole[-1].cursor,
    )


class TestWhoIsAContact:
    @pytest.mark.parametrize("flags", NO_CONTACTS.values(), ids=list(NO_CONTACTS))
    def test_who_is_no_contact_is_neither_listed_nor_read_nor_found(
        self, slack: DocumentedSlack, consumer: Make, flags: dict[str, Any]
    ) -> None:
        slack.members = {"U1": member("U1"), "U2": member("U2", **flags)}
        one = consumer()
        assert listed(one) == ["U1"]
        assert one.get_contact("U2").not_found
        assert one.get_contact_by_email("u2@example.org").not_found

    def test_slackbot_is_no_contact_though_it_says_that_it_is_no_bot(
        self, slack: DocumentedSlack, consumer: Make
    ) -> None:
        slack.members = {"USLACKBOT": member("USLACKBOT"), "U1": member("U1")}
        assert listed(consumer()) == ["U1"]
        assert consumer().get_contact("USLACKBOT").not_found

    def test_who_uses_the_app_is_a_person(self, slack: DocumentedSlack, consumer: Make) -> None:
        """`is_app_user` says that somebody has authorized the app that asks."""
        slack.members = {"U1": member("U1", is_app_user=True)}
        assert listed(consumer()) == ["U1"]

    def test_guests_are_contacts_unless_they_are_not_wanted(self, slack: DocumentedSlack, consumer: Make) -> None:
        guests = [member("U2", is_restricted=True), member("U3", is_restricted=True, is_ultra_restricted=True)]
        slack.members = {one["id"]: one for one in (member("U1"), *guests)}
        assert listed(consumer()) == ["U1", "U2", "U3"]
        assert listed(consumer(guests=False)) == ["U1"]
        assert consumer(guests=False).get_contact("U2").not_found

    def test_flags_may_be_missing_or_null(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.members = {"U1": {"id": "U1", "deleted": None, "is_bot": None, "profile": {}}}
        assert consumer().get_contact("U1").contact == {"id": "U1", "deleted": None, "is_bot": None, "profile": {}}

    @pytest.mark.parametrize("code", ["user_not_found", "user_not_visible"])
    def test_who_is_unknown_or_out_of_sight_is_not_found(
        self, slack: DocumentedSlack, consumer: Make, code: str
    ) -> None:
        slack.next.append((200, {}, {"ok": False, "error": code}))
        assert consumer().get_contact("U404").not_found


class TestTheirFields:
    @pytest.mark.parametrize("empty", [None, ""])
    def test_absent_null_and_empty_are_told_apart(
        self, slack: DocumentedSlack, consumer: Make, empty: str | None
    ) -> None:
        """Slack may give each. What is absent is not told of; the others clear the field on the platform."""
        mapper = Mapper([Mapping("id", "id", id=True), Mapping("job", "profile.title"), Mapping("p", "profile.phone")])
        one = member("U1", profile={"title": empty})
        del one["profile"]["phone"]
        slack.members = {"U1": one}
        contact = dict(consumer().get_contact("U1").contact or {})
        assert contact["profile"]["title"] == empty
        assert "phone" not in contact["profile"]
        mapped = mapper.to_botmatic(contact)
        assert (mapped["job"], "p" in mapped) == (None, False)

    def test_an_address_is_found_in_any_case(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.members = {"U1": member("U1", profile={"email": "ana@example.org"})}
        assert consumer().get_contact_by_email("Ana@Example.ORG").id == "U1"

    @pytest.mark.parametrize("found", ["other@example.org", "", None])
    def test_a_member_with_another_address_is_not_the_one(
        self, slack: DocumentedSlack, consumer: Make, found: str | None
    ) -> None:
        slack.next.append((200, {}, {"ok": True, "user": member("U1", profile={"email": found})}))
        assert consumer().get_contact_by_email("ana@example.org").not_found

    @pytest.mark.parametrize("email", ["", "ana", "a b@example.org", "x" * 400 + "@example.org"])
    def test_what_is_no_address_is_not_asked_for(self, slack: DocumentedSlack, consumer: Make, email: str) -> None:
        assert consumer().get_contact_by_email(email).not_found
        assert slack.calls == []

    def test_custom_fields_are_read_only_if_they_are_wanted(self, slack: DocumentedSlack, consumer: Make) -> None:
        """What `users.list` has of them is not all."""
        slack.members = {"U1": member("U1", profile={"fields": {"Xf1": {"value": "half"}}})}
        slack.values = {"U1": {"Xf1": {"value": "whole", "alt": ""}}}
        (page,) = pages(consumer())
        assert "fields" not in (page.contacts or [{}])[0]["profile"]
        assert [method for method, _ in slack.calls] == ["users.list"]

    def test_custom_fields_are_values_by_their_ids(self, slack: DocumentedSlack, consumer: Make) -> None:
        """A field that the workspace has and the member has nothing in is `None`; a hidden one is not told of."""
        slack.members = {id: member(id) for id in ("U1", "U2")}
        slack.fields = [
            {"id": "Xf1", "label": "Department", "type": "text", "is_hidden": False},
            {"id": "Xf2", "label": "Starts on", "type": "date"},
            {"id": "Xf3", "label": "Secret", "type": "text", "is_hidden": True},
        ]
        slack.values = {"U1": {"Xf1": {"value": "Sales", "alt": ""}}}  # and of U2 an empty list, as Slack does
        one = consumer(custom_fields=True)
        (page,) = pages(one)
        assert [contact["profile"]["fields"] for contact in page.contacts or ()] == [
            {"Xf1": "Sales", "Xf2": None},
            {"Xf1": None, "Xf2": None},
        ]
        assert len(slack.asked("team.profile.get")) == 1
        read = one.get_contact("U1").contact or {}
        assert read["profile"]["fields"] == {"Xf1": "Sales", "Xf2": None}
        assert len(slack.asked("team.profile.get")) == 1

    def test_somebody_who_is_gone_since_the_page_was_read_is_left_out(
        self, slack: DocumentedSlack, consumer: Make
    ) -> None:
        slack.members = {id: member(id) for id in ("U1", "U2")}
        answers = [
            {"ok": True, "members": list(slack.members.values())},
            {"ok": True, "profile": {"fields": []}},
            {"ok": False, "error": "user_not_found"},
        ]
        slack.next.extend((200, {}, answer) for answer in answers)
        assert listed(consumer(custom_fields=True)) == ["U2"]

    def test_the_fields_are_named_for_the_mapping_to_be_checked(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.fields = [{"id": "Xf1", "label": "Department", "type": "text"}]
        fields = {field.name: field for field in consumer(custom_fields=True).list_fields()}
        assert (fields["profile.fields.Xf1"].label, fields["profile.fields.Xf1"].type) == ("Department", "text")
        assert all(field.read_only for field in fields.values())
        assert [name for name, field in fields.items() if field.unique] == ["id", "profile.email"]
        contact = member("U1")
        assert set(contact) - {"profile", "deleted", "is_bot"} <= set(fields)
        assert {f"profile.{name}" for name in contact["profile"]} - {"profile.fields"} <= set(fields)
        assert {field.name for field in consumer().list_fields()} == set(fields) - {"profile.fields.Xf1"}


class TestPages:
    def test_slack_is_always_asked_for_a_bounded_page(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.members = {f"U{n}": member(f"U{n}") for n in range(5)}
        assert len(listed(consumer(page_size=2))) == 5
        assert [call["limit"] for call in slack.asked("users.list")] == ["2", "2", "2"]
        assert all("team_id" not in call for call in slack.asked("users.list"))

    def test_an_organisations_token_names_the_workspace(self, slack: DocumentedSlack, consumer: Make) -> None:
        assert listed(consumer(team_id="T012AB3C4")) == []
        assert slack.asked("users.list")[0]["team_id"] == "T012AB3C4"

    def test_a_page_of_bots_alone_does_not_end_numbered_pages(self, slack: DocumentedSlack, consumer: Make) -> None:
        people = {f"U{n}": member(f"U{n}", is_bot=n < 4) for n in range(7)}
        slack.members = people
        one = consumer(page_size=2)
        numbered = [[contact["id"] for contact in one.list_contacts(n, 2).contacts or ()] for n in (1, 2, 3)]
        assert numbered == [["U4", "U5"], ["U6"], []]

    def test_a_cursor_that_comes_again_ends_the_walk_as_a_failure(self, slack: DocumentedSlack, consumer: Make) -> None:
        page = {"ok": True, "members": [], "response_metadata": {"next_cursor": "again"}}
        slack.next.extend([(200, {}, page)] * 3)
        (failure,) = pages(consumer())
        assert failure.error == "Slack gave a page's cursor for the second time; the walk would not end"

    @pytest.mark.parametrize("members", [None, {}, ["U1"], [{"name": "ana"}], [{"id": 7}], [{"id": ""}]])
    def test_a_page_without_members_is_a_failure(self, slack: DocumentedSlack, consumer: Make, members: object) -> None:
        slack.next.append((200, {}, {"ok": True, "members": members}))
        (failure,) = pages(consumer())
        assert failure.error == "Slack's answer holds no members"


class TestChanges:
    def test_who_has_changed_since_is_told_and_who_is_deactivated_is_gone(
        self, slack: DocumentedSlack, consumer: Make
    ) -> None:
        slack.members = {f"U{n}": member(f"U{n}") for n in range(4)}
        one = consumer(page_size=3)
        everybody, gone, cursor = told(one, None)
        assert (everybody, gone) == (["U0", "U1", "U2", "U3"], [])
        slack.now += 1000
        assert told(one, cursor)[:2] == ([], [])
        slack.edit("U1", title="Engineer")
        slack.delete("U2")
        assert told(one, cursor)[:2] == (["U1"], ["U2"])

    @pytest.mark.parametrize("flag", ["is_stranger", "is_bot"])
    def test_a_member_who_becomes_no_contact_is_gone(self, slack: DocumentedSlack, consumer: Make, flag: str) -> None:
        """So are those who never were one, and have changed: nobody knows here, and nothing comes of it."""
        slack.members = {"U1": member("U1"), "U2": member("U2", **{flag: True}), "U3": member("U3", **{flag: True})}
        one = consumer()
        everybody, gone, cursor = told(one, None)
        assert (everybody, gone) == (["U1"], [])
        slack.now += 1000
        for id in ("U1", "U2"):
            slack.members[id] |= {"updated": slack.now, flag: True}
        assert told(one, cursor)[:2] == ([], ["U1", "U2"])

    def test_who_is_only_invited_is_not_told_of_as_gone(self, slack: DocumentedSlack, consumer: Make) -> None:
        """Or else the sync would keep them out when they come."""
        slack.members = {"U1": member("U1"), "U2": member("U2", is_invited_user=True)}
        one = consumer()
        cursor = told(one, None)[2]
        slack.now += 1000
        slack.members["U2"] |= {"updated": slack.now}
        ids, gone, cursor = told(one, cursor)
        assert (ids, gone) == ([], [])
        slack.now += 1000
        slack.members["U2"] |= {"updated": slack.now, "is_invited_user": False}
        assert told(one, cursor)[:2] == (["U2"], [])

    def test_a_member_who_becomes_an_unwanted_guest_is_gone(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.members = {"U1": member("U1", updated=NOW, is_restricted=True)}
        assert told(consumer(guests=False), "1")[:2] == ([], ["U1"])

    def test_changes_during_the_walk_are_told_by_the_next_one(self, slack: DocumentedSlack, consumer: Make) -> None:
        """The cursor is from the walk's beginning, and some minutes before."""
        slack.members = {f"U{n}": member(f"U{n}") for n in range(4)}
        one = consumer(page_size=2)
        walk = changes(one, None)
        next(walk)
        slack.now += 60
        slack.edit("U0", title="Engineer")  # its page is read already
        last = list(walk)[-1]
        assert isinstance(last, Changes)
        slack.now += 5000
        assert told(one, last.cursor)[0] == ["U0"]

    def test_slacks_clock_counts_and_not_ours(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.now = 1_000_000_000
        slack.members = {"U1": member("U1", updated=slack.now)}
        one = consumer()
        cursor = told(one, None)[2]
        slack.edit("U1", title="Engineer")
        assert told(one, cursor)[0] == ["U1"]

    def test_a_walk_that_was_broken_off_goes_on_where_it_was(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.members = {f"U{n}": member(f"U{n}") for n in range(5)}
        one = consumer(page_size=2)
        first = next(changes(one, None))
        assert isinstance(first, Changes)
        rest, _, cursor = told(one, first.cursor)
        assert rest == ["U2", "U3", "U4"]
        slack.now += 1000
        slack.edit("U0", title="Engineer")
        assert told(one, cursor)[0] == ["U0"]

    def test_a_page_that_slack_does_not_know_any_more_begins_the_walk_anew(
        self, slack: DocumentedSlack, consumer: Make
    ) -> None:
        slack.members = {"U1": member("U1")}
        place = base64.b64encode(b"user:U99").decode()
        with pytest.raises(CursorExpired):
            list(changes(consumer(), f"0 5 {place}"))

    @pytest.mark.parametrize("cursor", ["yesterday", "-1", "5 ", "5 6", "5 6 a b", "5 6 " + "x" * 600])
    def test_a_cursor_that_is_none_of_ours_is_expired(self, consumer: Make, cursor: str) -> None:
        with pytest.raises(CursorExpired):
            list(changes(consumer(), cursor))

    def test_members_of_whom_slack_does_not_say_when_are_always_told(
        self, slack: DocumentedSlack, consumer: Make
    ) -> None:
        slack.members = {"U1": member("U1", updated=None)}
        assert told(consumer(), str(NOW))[0] == ["U1"]

    def test_a_failure_on_the_way_is_told(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.members = {f"U{n}": member(f"U{n}") for n in range(4)}
        one = consumer(page_size=2, custom_fields=True)
        slack.next.extend([(200, {}, slack.list_page(2, "")), (200, {}, {"ok": False, "error": "internal_error"})])
        (failure,) = changes(one, None)
        assert isinstance(failure, Result)
        assert (failure.error, failure.retryable) == ("Slack answers internal_error to team.profile.get", True)
