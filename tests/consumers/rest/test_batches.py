"""Several contacts with one call, and what becomes of each."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.consumer import EXISTS, TURNED_DOWN, ask_many, batch_size_of, offers
from contact_sync.results import Result

from .script import Script

CREATES = "create_many: {path: /batch, size: 3}\n"
UPDATES = "update_many: {verb: PATCH, path: /batch, size: 3, results: results, status: code, answer: body}\n"
TWO: list[dict[str, Any]] = [{"email": "a"}, {"email": "b", "name": None}]
KNOWN: list[dict[str, Any]] = [{"id": "1", "name": "A"}, {"id": "2", "name": None}]


def seen(results: list[Result]) -> list[object]:
    return [result.id if result.success else result.error for result in results]


class TestCreates:
    """`create_many`."""

    def test_a_list_goes_out_and_a_list_comes_back(self, api: Script) -> None:
        api.then([{"id": 1, "email": "a"}, {"id": 2, "email": "b"}])
        results = ask_many(api.consumer(CREATES), "create_contacts", TWO)
        assert seen(results) == ["1", "2"]
        assert results[1].contact == {"id": 2, "email": "b"}
        assert [(call.verb, call.path, call.body) for call in api.calls] == [
            ("POST", "/batch", [{"email": "a"}, {"email": "b"}])
        ]

    def test_each_is_wrapped_and_so_are_all_of_them(self, api: Script) -> None:
        api.then({"out": [{"data": {"id": "1"}}, {"data": {"id": "2"}}]})
        declared = (
            "create_many: {path: /b, size: 2, each: {op: add, row: '{contact}'}, body: {all: '{contacts}', n: 1},\n"
            "  results: out, item: data}"
        )
        assert seen(ask_many(api.consumer(declared), "create_contacts", TWO)) == ["1", "2"]
        assert api.calls[0].body == {
            "all": [{"op": "add", "row": {"email": "a"}}, {"op": "add", "row": {"email": "b"}}],
            "n": 1,
        }

    def test_results_may_hold_the_ids_alone(self, api: Script) -> None:
        api.then([{"new": 1}, {"new": None}])
        results = ask_many(api.consumer("create_many: {path: /b, size: 2, id: new}"), "create_contacts", TWO)
        assert seen(results) == ["1", "create_many: a result holds no id; see create_many.item and id"]

    def test_each_result_is_judged_by_its_own_status(self, api: Script) -> None:
        declared = (
            "create_many: {path: /b, size: 4, status: code, answer: body}\n"
            "errors: {exists: {status: 409, id: of}, code: error}"
        )
        api.then(
            [
                {"code": 201, "body": {"id": "1"}},
                {"code": 409, "body": {"of": "7"}},
                {"code": 422, "body": {"error": "bad_email"}},
                {"code": 503},
            ]
        )
        results = ask_many(api.consumer(declared), "create_contacts", [*TWO, *TWO])
        assert seen(results) == [
            "1",
            EXISTS,
            "create_many: the API answered HTTP 422, code bad_email",
            "create_many: the API answered HTTP 503",
        ]
        assert (results[1].id, results[3].retryable, results[3].in_doubt) == ("7", True, True)

    def test_each_result_can_have_to_hold_something(self, api: Script) -> None:
        api.then([{"success": True, "id": "1"}, {"success": False, "errors": [{"code": "NO"}]}])
        declared = (
            "create_many: {path: /b, size: 2, success: {body: {success: true}}, id: id}\n"
            "errors: {success: {body: {success: true}}, code: errors.0.code}"
        )
        assert seen(ask_many(api.consumer(declared), "create_contacts", TWO)) == [
            "1",
            "create_many: the API answered HTTP 200, code NO, which the declaration says is no success",
        ]

    @pytest.mark.parametrize("answer", [[], [{"id": 1}], [{"id": 1}] * 3, {}, {"id": 1}, None, "ok"], ids=repr)
    def test_without_a_result_for_each_nobody_knows_what_was_made(self, api: Script, answer: object) -> None:
        """So nothing is sent again."""
        api.then(answer)
        results = ask_many(api.consumer(CREATES), "create_contacts", TWO)
        assert [(result.success, result.reason) for result in results] == [(False, None)] * 2
        assert "for 2 contacts; see create_many.results" in str(results[0].error)

    def test_a_result_without_a_record_is_a_failure_of_its_own(self, api: Script) -> None:
        api.then([{"id": "1"}, "what?"])
        assert seen(ask_many(api.consumer(CREATES), "create_contacts", TWO)) == [
            "1",
            "create_many: the answer holds no record with an id; see record.id, record.item and record.list",
        ]


class TestUpdates:
    """`update_many`."""

    def test_each_goes_out_with_its_id(self, api: Script) -> None:
        api.then({"results": [{"code": 200, "body": {"id": "1", "name": "A"}}, {"code": 204}]})
        results = ask_many(api.consumer(UPDATES), "update_contacts", KNOWN)
        assert seen(results) == ["1", "2"]
        assert results[0].contact == {"id": "1", "name": "A"}
        assert api.calls[0].body == [{"name": "A", "id": "1"}, {"name": None, "id": "2"}]

    def test_the_id_goes_where_it_is_declared(self, api: Script) -> None:
        api.then([{"id": "1"}, {"id": "2"}])
        declared = "update_many: {path: /b, size: 2, each: {url: '/c/{id:url}', key: '{id}', set: '{contact}'}}"
        ask_many(api.consumer(declared), "update_contacts", [{"id": "a/b", "x": 1}, {"id": "2", "x": 2}])
        assert api.calls[0].body == [
            {"url": "/c/a%2Fb", "key": "a/b", "set": {"x": 1}},
            {"url": "/c/2", "key": "2", "set": {"x": 2}},
        ]

    def test_a_missing_record_stops_no_other(self, api: Script) -> None:
        api.then({"results": [{"code": 404, "body": {}}, {"code": 200, "body": {"id": "2"}}]})
        results = ask_many(api.consumer(UPDATES), "update_contacts", KNOWN)
        assert [(result.success, result.not_found) for result in results] == [(False, True), (True, False)]

    def test_the_record_of_another_is_a_failure(self, api: Script) -> None:
        """The API gives results in an order of its own."""
        api.then({"results": [{"code": 200, "body": {"id": "2"}}, {"code": 200, "body": {"id": "1"}}]})
        results = ask_many(api.consumer(UPDATES), "update_contacts", KNOWN)
        assert {result.error for result in results} == {
            "update_many: the answer holds another record than the one that was asked for"
        }

    @pytest.mark.parametrize("odd", [{}, {"code": "200"}, {"code": True}, 5])
    def test_a_result_without_its_status_is_a_failure(self, api: Script, odd: object) -> None:
        api.then({"results": [odd, {"code": 204}]})
        results = ask_many(api.consumer(UPDATES), "update_contacts", KNOWN)
        assert seen(results) == ["update_many: a result holds no status; see update_many.status", "2"]

    def test_where_an_id_cannot_be_one_each_goes_by_itself(self, api: Script) -> None:
        api.then({"id": "1"})
        results = ask_many(api.consumer(UPDATES), "update_contacts", [{"id": "1"}, {"id": ".."}])
        assert [(result.success, result.not_found) for result in results] == [(True, False), (False, True)]
        assert [call.path for call in api.calls] == ["/contacts/1"]


def test_a_date_that_is_none_stops_no_other(api: Script) -> None:
    """Nothing has been sent, so each goes by itself."""
    crm = api.consumer(CREATES + UPDATES + "record: {dates: {born: epoch_s}}")
    for method, number in (("create_contacts", "1"), ("update_contacts", "2")):
        api.then({"id": number})
        contacts = [{"id": number, "born": "1990-02-09"}, {"id": "3", "born": "soon"}]
        results = ask_many(crm, method, contacts)  # type: ignore[arg-type] # one of the two
        assert [result.success for result in results] == [True, False]
    assert [call.path for call in api.calls] == ["/contacts", "/contacts/2"]


class TestTheCallAsAWhole:
    """What becomes of the contacts of a call that fails."""

    @pytest.mark.parametrize("method", ["create_contacts", "update_contacts"])
    def test_one_that_was_turned_down_may_be_sent_again_one_by_one(self, api: Script, method: str) -> None:
        api.then({}, 422)
        results = ask_many(api.consumer(CREATES + UPDATES), method, KNOWN)  # type: ignore[arg-type] # one of the two
        assert [result.reason for result in results] == [TURNED_DOWN] * 2

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refused_key_is_refused_for_each(self, api: Script, status: int) -> None:
        api.then({}, status)
        results = ask_many(api.consumer(CREATES), "create_contacts", TWO)
        assert [(result.success, result.reason) for result in results] == [(False, None)] * 2

    def test_a_failure_for_now_is_one_of_each(self, api: Script) -> None:
        api.then({}, 503, Retry_After="4")
        results = ask_many(api.consumer(CREATES), "create_contacts", TWO)
        assert [(result.retryable, result.retry_after, result.in_doubt) for result in results] == [(True, 4, True)] * 2

    def test_the_smaller_size_counts(self, api: Script) -> None:
        both = api.consumer("create_many: {path: /b, size: 9}\nupdate_many: {path: /b, size: 4}")
        assert [batch_size_of(crm) for crm in (api.consumer(), both)] == [1, 4]

    def test_what_is_not_declared_goes_one_by_one(self, api: Script) -> None:
        crm = api.consumer(CREATES)
        assert (offers(crm, "create_contacts"), offers(crm, "update_contacts")) == (True, False)
        api.then({"id": "1"}).then({"id": "2"})
        assert seen(ask_many(crm, "update_contacts", KNOWN)) == ["1", "2"]
        assert [call.verb for call in api.calls] == ["PATCH", "PATCH"]
