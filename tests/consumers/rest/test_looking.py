"""Looking for a record by the value of a field."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.consumer import ask, offers

from .script import Script

ANN = {"id": "7", "email": "ann@example.com"}


def ids(result: Any) -> list[str]:
    return [one["id"] for one in result.contacts or [result.contact]]


def test_one_record_comes_as_one_and_several_as_several(api: Script) -> None:
    api.then([ANN]).then([]).then([ANN, {**ANN, "id": "8"}]).then([]).then([])
    crm = api.consumer()
    one, several, none = (crm.get_contact_by_email("ann@example.com") for _ in range(3))
    assert (one.contact, one.id) == (ANN, "7")
    assert (ids(several), several.contact) == (["7", "8"], None)
    assert none.not_found


def test_what_comes_is_compared_whole_and_without_case(api: Script) -> None:
    """Many APIs find what begins with a value, or holds it."""
    others = [{"id": "1", "email": "joann@example.com"}, {"id": "2", "email": None}, {"id": "3"}]
    api.then([*others, {"id": "4", "email": "Ann@Example.com"}]).then([])
    assert ids(api.consumer().get_contact_by_email("ann@example.com")) == ["4"]


@pytest.mark.parametrize(("compare", "found"), [("exact", ["2"]), ("trust", ["1", "2", "3"])])
def test_how_it_is_compared_can_be_declared(api: Script, compare: str, found: list[str]) -> None:
    api.then([{"id": "1", "phone": "+33 6"}, {"id": "2", "phone": "x"}, {"id": "3", "phone": "X"}]).then([])
    crm = api.consumer(f"find: {{fields: [phone], compare: {compare}}}")
    assert ids(crm.find_contact("phone", "x")) == found


def test_a_field_may_hold_a_list_or_lie_deeper(api: Script) -> None:
    api.then([{"id": "1", "p": {"mails": ["a@b.c", "d@e.f"]}}, {"id": "2", "p": {"mails": [{"x": "d@e.f"}]}}]).then([])
    assert ids(api.consumer("record: {email: p.mails}").get_contact_by_email("d@e.f")) == ["1"]


def test_records_without_the_field_cannot_be_compared(api: Script) -> None:
    """To say that nobody has it would make a second record."""
    for _ in range(2):
        api.then([{"id": "1"}]).then([])
    assert ask(api.consumer(), "get_contact_by_email", "a@b.c").error == (
        "find: the records that the API gives do not hold the field 'email', so they cannot be compared with what was "
        "looked for; let it give that field, or declare compare: trust"
    )
    assert api.consumer("record: {omits_empty: true}").get_contact_by_email("a@b.c").not_found


@pytest.mark.parametrize(
    ("quoting", "asked"),
    [
        ("json", '''email = "o'\\"x\\\\"'''),
        ("sql", """email = 'o''"x\\'"""),
        ("backslash", """email = 'o\\'"x\\\\'"""),
        ("url", "email = o%27%22x%5C"),
    ],
)
def test_a_value_is_quoted_within_a_filter(api: Script, quoting: str, asked: str) -> None:
    api.then([])
    api.consumer(f"find: {{query: {{q: '{{field}} = {{value:{quoting}}}'}}}}").get_contact_by_email("o'\"x\\")
    assert api.calls[0].query["q"] == asked


def test_a_value_can_go_into_the_path_and_into_the_body(api: Script) -> None:
    api.then([]).then([])
    api.consumer("find: {path: '/contacts/by/{field}/{value}', query: {}}").get_contact_by_email("a/b?@c")
    api.consumer(
        "find: {verb: POST, path: /search, body: {where: [{'{field}': '{value}'}], n: 1}, query: {}}"
    ).get_contact_by_email("a&b")
    assert [(call.path, call.query, call.body) for call in api.calls] == [
        ("/contacts/by/email/a%2Fb%3F%40c", {}, None),
        ("/search", {}, {"where": [{"email": "a&b"}], "n": 1}),
    ]


@pytest.mark.parametrize("value", [".", ".."])
def test_a_value_that_would_be_another_path_is_found_nowhere(api: Script, value: str) -> None:
    crm = api.consumer("find: {path: '/by/{value}', query: {}}")
    assert crm.get_contact_by_email(value).not_found
    assert api.calls == []


def test_a_look_up_can_be_answered_with_the_record_itself(api: Script) -> None:
    crm = api.consumer(
        "record: {item: data, gone: {away: true}}\nfind: {path: '/lookup/{value}', query: {}, item: data}"
    )
    api.then({"data": ANN}).then({}, 404).then({"data": {**ANN, "away": True}}).then({"data": {**ANN, "email": "x"}})
    results = [crm.get_contact_by_email("ann@example.com") for _ in range(4)]
    assert results[0].contact == ANN
    assert [result.not_found for result in results[1:]] == [True, True, True]


class TestFields:
    """By which fields the API can look."""

    def test_by_email_alone_unless_others_are_declared(self, api: Script) -> None:
        """What looks like an address is looked for as one, whatever the field; the engine is told of the lack."""
        api.then([ANN]).then([])
        crm = api.consumer()
        assert crm.find_contact("phone", "+33").not_found
        assert ids(crm.find_contact("mail", "ann@example.com")) == ["7"]
        assert api.asked("email") == [("ann@example.com",)] * 2
        assert not offers(crm, "find_contact")

    def test_a_declared_field_is_asked_for_by_its_name(self, api: Script) -> None:
        api.then([{"id": "1", "phone": "+33"}]).then([])
        crm = api.consumer("find: {fields: [email, phone]}")
        assert ids(crm.find_contact("phone", "+33")) == ["1"]
        assert api.asked("phone", "email") == [("+33", None)] * 2
        assert offers(crm, "find_contact")

    def test_another_field_is_a_failure(self, api: Script) -> None:
        """To say that nobody has it would be a guess."""
        crm = api.consumer("find: {fields: [email, phone]}")
        assert crm.find_contact("name", "Ann").error == (
            "find: the declaration names no look-up by the field 'name'; add it to find.fields if the API has one"
        )

    def test_an_empty_value_is_found_nowhere_without_a_call(self, api: Script) -> None:
        crm = api.consumer("find: {fields: [email, phone]}")
        assert crm.get_contact_by_email("").not_found
        assert crm.find_contact("phone", "").not_found
        assert api.calls == []


class TestManyPages:
    """A loose search may give more than a page."""

    @pytest.mark.parametrize("declared", ["", "paging: {max_size: 2}", "paging: {size: null}", "paging: offset"])
    def test_a_page_is_followed_by_the_next_until_one_is_empty(self, api: Script, declared: str) -> None:
        """However many it holds: an API may give fewer than it is asked for, and say so nowhere."""
        api.then([{"id": "1", "email": "x"}, {"id": "2", "email": "x"}]).then([ANN]).then([])
        assert ids(api.consumer(declared).get_contact_by_email("ann@example.com")) == ["7"]
        assert len(api.calls) == 3

    def test_nothing_found_costs_one_call(self, api: Script) -> None:
        api.then([])
        assert api.consumer().get_contact_by_email("ann@example.com").not_found
        assert len(api.calls) == 1

    def test_a_boolean_or_an_error_beyond_the_end_is_the_end(self, api: Script) -> None:
        api.then({"items": [ANN], "more": False})
        more = api.consumer("record: {list: items}\npaging: {more: more}")
        assert ids(more.get_contact_by_email("ann@example.com")) == ["7"]
        api.then([ANN]).then({}, 404)
        assert ids(api.consumer("paging: {past_end: 404}").get_contact_by_email("ann@example.com")) == ["7"]

    def test_an_api_that_gives_all_it_finds_on_each_page_is_asked_no_further(self, api: Script) -> None:
        api.then([ANN]).then([ANN])
        assert ids(api.consumer().get_contact_by_email("ann@example.com")) == ["7"]

    def test_a_cursor_is_followed_as_in_lists(self, api: Script) -> None:
        crm = api.consumer("record: {list: items}\npaging: {type: cursor, next: next}")
        api.then({"items": [], "next": "x"}).then({"items": [ANN]})
        assert ids(crm.get_contact_by_email("ann@example.com")) == ["7"]

    def test_an_address_of_its_own_has_no_pages_unless_it_is_said(self, api: Script) -> None:
        api.then([ANN]).then([ANN]).then([])
        api.consumer("find: {path: /search}").get_contact_by_email("ann@example.com")
        api.consumer("find: {path: /search, paging: offset}").get_contact_by_email("ann@example.com")
        assert api.asked("page", "offset") == [(None, None), (None, "0"), (None, "1")]

    def test_too_many_are_a_failure(self, api: Script) -> None:
        for n in range(21):
            api.then([{"id": str(n), "email": "x"}])
        result = api.consumer("paging: {max_size: 1}").get_contact_by_email("a@b.c")
        assert "more than 20 pages of records for one value" in str(result.error)
