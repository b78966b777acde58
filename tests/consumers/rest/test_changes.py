"""What has changed since the last time."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.consumer import Changes, CursorExpired, changes, offers
from contact_sync.consumers.rest import RestConsumer
from contact_sync.results import Result

from .script import Script

TIMES = """
record: {list: items, gone: {deleted: true}}
changed:
  query: {since: "{since}", sort: changed}
  position: changed
"""


def told(crm: RestConsumer, cursor: str | None = None) -> list[tuple[list[Any], list[str], str]]:
    """The ids of contacts and of deleted records of each page, and its cursor. The walk ends well."""
    pages = []
    for page in changes(crm, cursor):
        assert isinstance(page, Changes), page
        pages.append(([contact["id"] for contact in page.contacts], list(page.deleted), page.cursor))
    return pages


def ended(crm: RestConsumer, cursor: str | None = None) -> Result:
    """How a walk fails."""
    *_, last = changes(crm, cursor)
    assert isinstance(last, Result)
    return last


def at(id: str, second: int, **more: Any) -> dict[str, Any]:
    return {"id": id, "changed": f"2024-05-01T10:00:{second:02}Z", **more}


class TestByPosition:
    """Each record says when it was changed, and the API sorts by that."""

    def test_the_first_time_everything_is_told_and_then_what_is_newer(self, api: Script) -> None:
        api.then({"items": [at("a", 1), at("b", 2)]}).then({"items": [at("b", 2)]}).then({"items": []})
        crm = api.consumer(TIMES)
        ((everything, deleted, cursor),) = told(crm)
        assert (everything, deleted, cursor) == (["a", "b"], [], "2024-05-01T10:00:02.000Z")
        assert api.asked("since", "sort", "page", "limit")[0] == (None, "changed", "1", "100")
        api.reset()
        api.then({"items": [at("b", 2), at("a", 9)]}).then({"items": [at("a", 9)]}).then({"items": []})
        crm = api.consumer(TIMES)
        assert told(crm, cursor) == [(["b", "a"], [], "2024-05-01T10:00:09.000Z")]
        assert api.asked("since", "page") == [
            ("2024-05-01T09:59:02.000Z", "1"),  # a minute back: clocks differ, and writes take their time
            ("2024-05-01T10:00:08.000Z", "1"),
            ("2024-05-01T10:00:08.000Z", "2"),
        ]

    def test_nothing_new_is_nothing_told(self, api: Script) -> None:
        api.then({"items": []})
        assert told(api.consumer(TIMES), "2024-05-01T10:00:02.000Z") == []

    def test_records_that_are_marked_are_told_as_deleted(self, api: Script) -> None:
        api.then({"items": [at("a", 1), at("b", 2, deleted=True)]}).then({"items": []})
        assert told(api.consumer(TIMES)) == [(["a"], ["b"], "2024-05-01T10:00:02.000Z")]

    def test_what_is_changed_during_the_walk_pushes_nothing_out_of_it(self, api: Script) -> None:
        """A record of the first page is changed and moves to the end; the one that moves up in its place is told."""
        everything = [at(id, second) for second, id in enumerate("abcd", 1)]

        def answer_as_an_api() -> None:
            """What the API holds when it is asked for the second time."""
            moved = [everything[1], everything[2], everything[3], at("a", 9)]
            api.then({"items": everything[:2]})
            api.then({"items": moved[:2]}).then({"items": moved[1:3]}).then({"items": moved[2:]})
            api.then({"items": moved[3:]}).then({"items": []})

        answer_as_an_api()
        crm = api.consumer(TIMES + "paging: {max_size: 2}\n")
        assert [id for page in told(crm) for id in page[0]] == ["a", "b", "c", "d", "a"]
        assert api.asked("since", "page") == [
            (None, "1"),
            ("2024-05-01T10:00:01.000Z", "1"),
            ("2024-05-01T10:00:02.000Z", "1"),
            ("2024-05-01T10:00:03.000Z", "1"),
            ("2024-05-01T10:00:08.000Z", "1"),
            ("2024-05-01T10:00:08.000Z", "2"),
        ]

    def test_more_of_one_moment_than_a_page_holds_are_all_told(self, api: Script) -> None:
        same = [at(id, 5) for id in "abcd"]
        api.then({"items": same[:2]}).then({"items": same[:2]}).then({"items": same[2:]}).then({"items": []})
        crm = api.consumer(TIMES + "paging: {max_size: 2}\n")
        assert [page[0] for page in told(crm)] == [["a", "b"], ["c", "d"]]
        assert api.asked("page") == [("1",), ("1",), ("2",), ("3",)]

    def test_cursors_and_links_are_followed(self, api: Script) -> None:
        declared = TIMES + "paging: {type: cursor, next: next}\n"
        api.then({"items": [at("a", 1)], "next": "x"}).then({"items": [at("b", 2)]})
        assert [page[0] for page in told(api.consumer(declared))] == [["a"], ["b"]]
        assert api.asked("cursor", "since") == [(None, None), ("x", None)]

    def test_what_comes_out_of_order_is_a_failure(self, api: Script) -> None:
        """The cursor of a page could leave something out."""
        api.then({"items": [at("a", 5), at("b", 1)]})
        assert "do not come in the order of changed.position" in str(ended(api.consumer(TIMES)).error)

    @pytest.mark.parametrize("odd", [{"id": "a"}, {"id": "a", "changed": None}, {"id": "a", "changed": "soon"}, "x"])
    def test_a_record_that_does_not_say_when_is_a_failure(self, api: Script, odd: object) -> None:
        api.then({"items": [odd]})
        assert "does not say when it was changed" in str(ended(api.consumer(TIMES)).error)

    @pytest.mark.parametrize(
        ("form", "wire", "cursor", "since"),
        [
            ("epoch_s, overlap: 10", 1714557602, "1714557602", "1714557592"),
            ("epoch_ms, overlap: 0", 1714557602123, "1714557602123", "1714557602123"),
            ("'%Y-%m-%d %H:%M:%S'", "2024-05-01 10:00:02", "2024-05-01 10:00:02", "2024-05-01 09:59:02"),
            ("number", 41, "41", "41"),
            ("number", "41", "41", "41"),
            ("iso", "2024-05-01T12:00:02.5+02:00", "2024-05-01T10:00:02.500Z", "2024-05-01T09:59:02.500Z"),
        ],
    )
    def test_a_position_is_written_as_the_api_writes_it(
        self, api: Script, form: str, wire: object, cursor: str, since: str
    ) -> None:
        declared = f"changed: {{query: {{since: '{{since}}'}}, position: n, format: {form}}}\npaging: none"
        api.then([{"id": "a", "n": wire}]).then([])
        crm = api.consumer(declared)
        assert told(crm) == [(["a"], [], cursor)]
        assert told(crm, cursor) == []
        assert api.asked("since") == [(None,), (since,)]

    def test_a_cursor_of_another_declaration_is_a_failure(self, api: Script) -> None:
        assert "the cursor is not of the form that changed.format says" in str(ended(api.consumer(TIMES), "x").error)
        assert api.calls == []

    def test_what_asks_for_newer_ones_can_go_into_the_body(self, api: Script) -> None:
        """The whole member is left out the first time."""
        declared = (
            "changed: {verb: POST, path: /search, position: n, format: number,\n"
            "  body: {filters: [{field: n, above: '{since}'}], sort: n}, query: {}}\npaging: none"
        )
        api.then([{"id": "a", "n": 1}]).then([])
        crm = api.consumer(declared)
        told(crm)
        told(crm, "1")
        assert [call.body for call in api.calls] == [
            {"sort": "n"},
            {"filters": [{"field": "n", "above": "1"}], "sort": "n"},
        ]


TOKENS = """
record: {list: items, gone: {status: cancelled}}
paging: {type: cursor, cursor: pageToken, next: nextPage}
changed:
  query: {syncToken: "{since}"}
  next: nextSync
  expired: {status: 410}
"""


class TestByCursor:
    """The answer holds the cursor for the next time."""

    def test_the_cursor_of_the_answer_is_handed_back(self, api: Script) -> None:
        api.then({"items": [{"id": "a"}], "nextSync": "s1"}).then({"items": [], "nextSync": "s2"})
        crm = api.consumer(TOKENS)
        assert told(crm) == [(["a"], [], "s1")]
        assert told(crm, "s1") == [([], [], "s2")]
        assert api.asked("syncToken") == [(None,), ("s1",)]

    def test_a_page_before_the_last_has_a_cursor_that_begins_again(self, api: Script) -> None:
        api.then({"items": [{"id": "a"}], "nextPage": "p2"})
        api.then({"items": [{"id": "b", "status": "cancelled"}], "nextSync": "s1"})
        assert told(api.consumer(TOKENS), "s0") == [(["a"], [], "unfinished:1:s0"), ([], ["b"], "s1")]
        assert api.asked("syncToken", "pageToken") == [("s0", None), ("s0", "p2")]

    @pytest.mark.parametrize(("began", "since"), [(None, None), ("s:0", "s:0")])
    def test_a_walk_that_is_broken_off_is_told_again_though_each_page_holds_the_cursor(
        self, api: Script, began: str | None, since: str | None
    ) -> None:
        """That of the first page may be beyond the others."""
        crm = api.consumer(TOKENS)
        pages = [{"items": [{"id": id}], "nextPage": f"p-{id}", "nextSync": "s1"} for id in "ab"]
        api.then(pages[0]).then(pages[1]).then({}, 503)
        first, failure = changes(crm, began)
        assert isinstance(first, Changes)
        assert isinstance(failure, Result)
        assert (failure.success, failure.retryable) == (False, True)
        api.then(pages[0]).then(pages[1]).then({"items": [{"id": "c"}]})
        again = told(crm, first.cursor)
        assert ([page[0] for page in again], again[-1][2]) == ([["a"], ["b"], ["c"]], "s1")
        assert api.asked("syncToken", "pageToken") == [(since, None), (since, "p-a"), (since, "p-b")] * 2

    def test_a_cursor_of_the_apis_is_never_taken_for_one_of_ours(self, api: Script) -> None:
        api.then({"items": [], "nextSync": "unfinished:7:x"}).then({"items": [], "nextSync": "s2"})
        crm = api.consumer(TOKENS)
        ((_, _, cursor),) = told(crm)
        told(crm, cursor)
        assert api.asked("syncToken") == [(None,), ("unfinished:7:x",)]

    def test_an_api_that_gives_the_same_page_again_is_found_out(self, api: Script) -> None:
        for _ in range(2):
            api.then({"items": [{"id": "a"}], "nextSync": "s1"})
        result = ended(api.consumer(TOKENS + "  paging: page\n"), "s0")
        assert "gave the same records twice" in str(result.error)

    def test_a_walk_that_ends_without_one_is_a_failure(self, api: Script) -> None:
        api.then({"items": [{"id": "a"}]})
        assert (
            ended(api.consumer(TOKENS)).error == "changed: no page holds a cursor for the next time; see changed.next"
        )

    def test_a_cursor_that_has_run_out_is_told(self, api: Script) -> None:
        api.then({}, 410)
        with pytest.raises(CursorExpired):
            list(changes(api.consumer(TOKENS), "old"))

    def test_without_a_cursor_nothing_can_have_run_out(self, api: Script) -> None:
        api.then({}, 410)
        assert ended(api.consumer(TOKENS)).error == "changed: the API answered HTTP 410"


def test_a_failure_ends_the_walk_and_says_whether_to_try_again(api: Script) -> None:
    api.then({}, 429, Retry_After="5")
    result = ended(api.consumer(TIMES))
    assert (result.retryable, result.retry_after) == (True, 5)


def test_without_a_declaration_there_is_none(api: Script) -> None:
    crm = api.consumer()
    assert not offers(crm, "list_changed")
    assert ended(crm).error == "RestConsumer has no list_changed; it cannot tell what has changed"
