"""The ways in which lists are paged, and what becomes of pages that lead nowhere."""

from __future__ import annotations

import pytest

from contact_sync.consumer import ask, pages
from contact_sync.consumers.rest import RestConsumer

from .script import Script

A, B, C = ({"id": id} for id in "abc")


def walked(crm: RestConsumer, size: int = 2) -> list[list[str]]:
    """The ids of each page of a walk, which ends well."""
    result = []
    for page in pages(crm, size):
        assert page.success, page.error
        result.append([contact["id"] for contact in page.contacts or ()])
    return result


def listed(crm: RestConsumer, page: int, limit: int = 2) -> list[str]:
    result = ask(crm, "list_contacts", page, limit)
    assert result.success, result.error
    return [contact["id"] for contact in result.contacts or ()]


def ended(crm: RestConsumer) -> str:
    """How a walk fails."""
    *_, last = pages(crm, 2)
    assert not last.success
    return str(last.error)


class TestByNumber:
    """`page` and `offset`."""

    def test_pages_have_numbers_from_one_and_the_walk_ends_with_an_empty_one(self, api: Script) -> None:
        api.then([A, B]).then([C]).then([])
        assert walked(api.consumer()) == [["a", "b"], ["c"]]
        assert api.asked("page", "limit") == [("1", "2"), ("2", "2"), ("3", "2")]

    def test_numbers_and_parameters_are_as_declared(self, api: Script) -> None:
        api.then([A, B])
        assert listed(api.consumer("paging: {type: page, page: p, first: 0, size: per_page}"), 3) == ["a", "b"]
        assert api.asked("p", "per_page") == [("2", "2")]

    def test_a_boolean_in_the_answer_spares_the_last_call(self, api: Script) -> None:
        api.then({"items": [A, B], "more": True}).then({"items": [C], "more": False})
        assert walked(api.consumer("record: {list: items}\npaging: {more: more}")) == [["a", "b"], ["c"]]

    def test_an_error_beyond_the_end_is_the_end(self, api: Script) -> None:
        api.then([A]).then({"detail": "Invalid page."}, 404).then({"detail": "Invalid page."}, 404)
        crm = api.consumer("paging: {past_end: 404}")
        assert walked(crm) == [["a"]]
        assert listed(crm, 9) == []

    def test_an_offset_counts_what_has_come(self, api: Script) -> None:
        """The API gives less than it is asked for, and nothing is left out for it."""
        api.then([A]).then([B, C]).then([])
        assert walked(api.consumer("paging: {type: offset, offset: skip}")) == [["a"], ["b", "c"]]
        assert api.asked("skip") == [("0",), ("1",), ("3",)]

    def test_a_page_is_asked_for_by_its_offset(self, api: Script) -> None:
        api.then([C])
        assert listed(api.consumer("paging: offset"), 3) == ["c"]
        assert api.asked("offset", "limit") == [("4", "2")]

    def test_parameters_go_into_the_body_where_it_is_so_declared(self, api: Script) -> None:
        api.then([A]).then([])
        declared = "list: {verb: POST, path: /search, body: {kind: person}}\npaging: {in: body}"
        assert walked(api.consumer(declared)) == [["a"]]
        assert [call.body for call in api.calls] == [
            {"kind": "person", "page": 1, "limit": 2},
            {"kind": "person", "page": 2, "limit": 2},
        ]
        assert api.asked("page") == [(None,), (None,)]

    def test_more_than_a_page_may_hold_is_asked_for_in_several(self, api: Script) -> None:
        api.then([A, B]).then([C]).then([])
        assert listed(api.consumer("paging: {max_size: 2}"), 1, 5) == ["a", "b", "c"]
        assert api.asked("limit") == [("2",), ("2",), ("2",)]

    def test_where_pages_have_a_size_of_their_own_they_are_cut_to_the_limit(self, api: Script) -> None:
        api.then([A, B, C]).then([])
        crm = api.consumer("paging: {size: null}")
        assert listed(crm, 2) == ["c"]
        assert api.asked("page", "limit") == [("1", None), ("2", None)]

    def test_an_api_that_gives_more_than_it_is_asked_for_is_found_out(self, api: Script) -> None:
        """Cutting such a page would leave the rest out."""
        api.then([A, B, C])
        result = ask(api.consumer(), "list_contacts", 1, 2)
        assert result.error == (
            "list: the API gives more records than it is asked for; see paging.size, or write size: null"
        )

    def test_an_api_that_ignores_the_number_is_found_out(self, api: Script) -> None:
        api.then([A, B]).then([A, B])
        assert "gave the same records twice" in ended(api.consumer())

    @pytest.mark.parametrize(("page", "limit"), [(0, 2), (1, 0), (-1, 2)])
    def test_a_page_that_cannot_be_is_a_failure_without_a_call(self, api: Script, page: int, limit: int) -> None:
        assert not ask(api.consumer(), "list_contacts", page, limit).success
        assert not next(pages(api.consumer(), min(page, limit))).success
        assert api.calls == []


CURSOR = "record: {list: items}\npaging: {type: cursor, cursor: after, next: meta.next}"


class TestByCursor:
    """`cursor`: the answer holds the cursor of the next page."""

    def test_the_cursor_is_handed_back(self, api: Script) -> None:
        api.then({"items": [A, B], "meta": {"next": "x/+="}}).then({"items": [C], "meta": {"next": None}})
        assert walked(api.consumer(CURSOR)) == [["a", "b"], ["c"]]
        assert api.asked("after", "limit") == [(None, "2"), ("x/+=", "2")]

    @pytest.mark.parametrize("end", [{"meta": {"next": ""}}, {"meta": {}}, {}, {"meta": {"next": False}}, {"meta": 5}])
    def test_without_a_cursor_the_walk_ends(self, api: Script, end: dict[str, object]) -> None:
        api.then({"items": [A], **end})
        assert walked(api.consumer(CURSOR)) == [["a"]]

    def test_a_number_is_a_cursor_too(self, api: Script) -> None:
        api.then({"items": [A], "meta": {"next": 0}}).then({"items": [B]})
        assert walked(api.consumer(CURSOR)) == [["a"], ["b"]]
        assert api.asked("after") == [(None,), ("0",)]

    def test_a_boolean_can_end_the_walk_though_there_is_a_cursor(self, api: Script) -> None:
        api.then({"items": [A], "meta": {"next": "x"}, "more": True})
        api.then({"items": [B], "meta": {"next": "y"}, "more": False})
        assert walked(api.consumer(CURSOR.replace("next: ", "more: more, next: "))) == [["a"], ["b"]]

    def test_an_empty_page_with_a_cursor_does_not_end_it(self, api: Script) -> None:
        api.then({"items": [], "meta": {"next": "x"}}).then({"items": [A]})
        assert walked(api.consumer(CURSOR)) == [["a"]]

    def test_a_cursor_that_comes_again_ends_it_as_a_failure(self, api: Script) -> None:
        api.then({"items": [A], "meta": {"next": "x"}}).then({"items": [B], "meta": {"next": "x"}})
        assert ended(api.consumer(CURSOR)) == "the API gave the cursor of the next page twice; a walk has to end"

    @pytest.mark.parametrize("odd", [{"a": 1}, [], True, 1.5])
    def test_what_cannot_be_a_cursor_is_a_failure(self, api: Script, odd: object) -> None:
        api.then({"items": [A], "meta": {"next": odd}})
        assert "where paging.next says that a cursor is" in ended(api.consumer(CURSOR))

    def test_a_page_by_number_reads_the_ones_before(self, api: Script) -> None:
        api.then({"items": [A, B], "meta": {"next": "x"}}).then({"items": [C]})
        assert listed(api.consumer(CURSOR), 2) == ["c"]


LINK = "record: {list: items}\npaging: {type: next_link, next: '@odata\\.nextLink'}"
HEADER = "paging: {type: header_link, size: per_page}"


class TestByLink:
    """`next_link` in the body and `header_link`."""

    def test_the_link_is_followed_as_it_is(self, api: Script) -> None:
        api.then({"items": [A], "@odata.nextLink": f"{api.url}/contacts?skip=x%2By"}).then({"items": [B]})
        assert walked(api.consumer(LINK)) == [["a"], ["b"]]
        assert [(call.path, call.query) for call in api.calls] == [
            ("/contacts", {"limit": "2"}),
            ("/contacts", {"skip": "x+y"}),
        ]

    @pytest.mark.parametrize("link", ["?p=2", "contacts?p=2", "/v1/contacts?p=2"])
    def test_a_link_may_begin_where_the_answer_came_from(self, api: Script, link: str) -> None:
        api.then({"items": [A], "@odata.nextLink": link}).then({"items": [B]})
        assert walked(api.consumer(LINK, below="/v1")) == [["a"], ["b"]]
        assert (api.calls[1].path, api.calls[1].query) == ("/v1/contacts", {"p": "2"})

    def test_a_link_of_several_in_a_header_is_the_one_called_next(self, api: Script) -> None:
        links = '<LINK/contacts?page=1>; rel="prev", <LINK/contacts?page=3>; rel="next", <LINK/x>; rel="last"'
        api.then([A], Link=links).then([B], Link='<LINK/contacts?page=1>; rel="prev"')
        assert walked(api.consumer(HEADER)) == [["a"], ["b"]]
        assert api.asked("page", "per_page") == [(None, "2"), ("3", None)]

    def test_a_header_may_hold_the_link_alone(self, api: Script) -> None:
        api.then([A], Next_Page="LINK/contacts?token=x").then([B])
        assert walked(api.consumer("paging: {type: header_link, header: Next-Page}")) == [["a"], ["b"]]

    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.example.com/contacts",
            "//evil.example.com/contacts",
            "http://127.0.0.1@evil.example.com/",
            "http://127.0.0.1:1/contacts",
            "file:///etc/passwd",
            "http://[",
        ],
    )
    def test_a_link_to_elsewhere_is_not_followed(self, api: Script, link: str) -> None:
        """The key would go along."""
        api.then({"items": [A], "@odata.nextLink": link})
        *_, last = pages(api.consumer(LINK), 2)
        assert (last.success, last.retryable, len(api.calls)) == (False, False, 1)

    def test_a_link_that_leads_back_ends_the_walk_as_a_failure(self, api: Script) -> None:
        for id in "ab":
            api.then({"items": [{"id": id}], "@odata.nextLink": "?p=2"})
        assert "twice" in ended(api.consumer(LINK))


class TestAllAtOnce:
    """`none`: one answer holds everything."""

    def test_everything_comes_with_one_call(self, api: Script) -> None:
        api.then([A, B, C])
        assert walked(api.consumer("paging: none")) == [["a", "b", "c"]]
        assert api.calls[0].query == {}

    def test_pages_are_cut_out_of_it(self, api: Script) -> None:
        api.then([A, B, C]).then([A, B, C])
        crm = api.consumer("paging: {type: none}")
        assert (listed(crm, 2), listed(crm, 3)) == (["c"], [])


class TestRecordsThatAreGone:
    """`record.gone`: records that are deleted or archived, and listed all the same."""

    def test_they_are_left_out_and_end_no_walk(self, api: Script) -> None:
        gone = [{"id": "x", "state": "archived"}, {"id": "y", "state": "deleted"}]
        for _ in range(2):
            api.then([A, gone[0]]).then(gone).then([B]).then([])
        crm = api.consumer("record: {gone: {state: [archived, deleted]}}")
        assert walked(crm) == [["a"], ["b"]]
        assert listed(crm, 1) == ["a", "b"]
