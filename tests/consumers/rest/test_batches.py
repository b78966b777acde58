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
        assert [(result.success, result.reason, result.in_doubt) for result in results] == [(False, None, True)] * 2
        assert "for 2 contacts; see create_many.results" in str(results[0].error)

    @pytest.mark.parametrize("body", [b"", b"<html>gateway", b'[{"id": "1"}, {"id": "2"'])
    @pytest.mark.parametrize("declared", [CREATES, CREATES + "errors: {success: {body: {0.id: {present: true}}}}"])
    def test_an_answer_that_cannot_be_read_leaves_all_of_them_in_doubt(
        self, api: Script, body: bytes, declared: str
    ) -> None:
        api.then(body)
        results = ask_many(api.consumer(declared), "create_contacts", TWO)
        assert [(result.success, result.reason, result.in_doubt) for result in results] == [(False, None, True)] * 2

    @pytest.mark.parametrize(
        ("declared", "odd"),
        [(CREATES, "what?"), (CREATES, {}), ("create_many: {path: /b, size: 2, id: id}", {"id": None})],
    )
    def test_a_result_without_a_record_leaves_that_one_in_doubt(self, api: Script, declared: str, odd: object) -> None:
        api.then([{"id": "1"}, odd])
        results = ask_many(api.consumer(declared), "create_contacts", TWO)
        assert [(result.success, result.in_doubt) for result in results] == [(True, False), (False, True)]
        assert "create_many: " in str(results[1].error)


ANN, BOB = {"email": "ann@example.com", "name": "Ann"}, {"email": "bob@example.com", "name": "Bob"}


def made(contact: dict[str, Any], id: str) -> dict[str, Any]:
    return {**contact, "id": id}


class TestWhoseRecordItIs:
    """Results are taken in the order sent, unless the records contradict it."""

    def test_records_in_another_order_are_told_by_their_address(self, api: Script) -> None:
        api.then([made({**BOB, "email": "Bob@Example.com"}, "1"), made(ANN, "2")])
        results = ask_many(api.consumer(CREATES), "create_contacts", [ANN, BOB])
        assert [(result.id, dict(result.contact or {})["name"]) for result in results] == [("2", "Ann"), ("1", "Bob")]

    def test_records_in_another_order_are_told_by_a_unique_field(self, api: Script) -> None:
        """However the API writes it."""
        ann, bob = {"name": "Ann", "p": {"phone": "+33 6 12"}}, {"name": "Bob", "p": {"phone": "+33 6 13"}}
        api.then([made(bob, "1"), made({**ann, "p": {"phone": "+33-612"}}, "2")])
        crm = api.consumer(CREATES + "record: {unique: [p.phone]}")
        assert seen(ask_many(crm, "create_contacts", [ann, bob])) == ["2", "1"]

    def test_without_a_value_to_tell_them_by_all_that_are_not_told_are_in_doubt(self, api: Script) -> None:
        """Where one comes in another place, the order says nothing of the others either."""
        api.then([made({"name": "Cem"}, "1"), made({"name": "Dan"}, "2"), made(ANN, "3")])
        results = ask_many(api.consumer(CREATES), "create_contacts", [ANN, {"name": "Cem"}, {"name": "Dan"}])
        assert [(result.id, result.in_doubt) for result in results] == [("3", False), (None, True), (None, True)]
        assert "the answer does not say which record is that of this contact" in str(results[1].error)

    @pytest.mark.parametrize("other", ["eve@example.com", None, ""])
    def test_a_record_with_another_address_is_nobodys(self, api: Script, other: object) -> None:
        """And says nothing of the others."""
        api.then([made({"email": other}, "1"), made({"email": "bob@example.com"}, "2"), made({"name": "Cem"}, "3")])
        results = ask_many(api.consumer(CREATES), "create_contacts", [ANN, BOB, {"name": "Cem"}])
        assert [(result.id, result.in_doubt) for result in results] == [(None, True), ("2", False), ("3", False)]

    @pytest.mark.parametrize("declared", ["create_many: {path: /b, size: 3, id: id}", CREATES])
    def test_an_id_that_comes_twice_is_that_of_neither(self, api: Script, declared: str) -> None:
        api.then([{"id": "1"}, {"id": "1"}, {"id": "2"}])
        results = ask_many(api.consumer(declared), "create_contacts", [ANN, BOB, {"name": "Cem"}])
        assert [(result.id, result.in_doubt) for result in results] == [(None, True), (None, True), ("2", False)]

    def test_a_record_that_comes_twice_is_that_of_the_one_whose_address_it_has(self, api: Script) -> None:
        api.then([made(ANN, "1"), made(ANN, "1")])
        results = ask_many(api.consumer(CREATES), "create_contacts", [ANN, BOB])
        assert [(result.id, result.in_doubt) for result in results] == [("1", False), (None, True)]

    @pytest.mark.parametrize("records", [[made(ANN, "1"), made(BOB, "1")], [made(BOB, "1"), made(BOB, "2")]])
    def test_what_two_claim_is_given_to_nobody(self, api: Script, records: list[Any]) -> None:
        api.then(records)
        results = ask_many(api.consumer(CREATES), "create_contacts", [ANN, BOB])
        assert [(result.id, result.in_doubt) for result in results] == [(None, True)] * 2

    def test_two_that_have_the_same_value_are_told_by_the_order(self, api: Script) -> None:
        contacts = [{"email": "us@example.com", "name": name} for name in "ab"]
        api.then([made(contact, str(number)) for number, contact in enumerate(contacts)])
        assert seen(ask_many(api.consumer(CREATES), "create_contacts", contacts)) == ["0", "1"]

    def test_failures_in_another_order_are_those_of_who_is_left_if_it_is_one_or_they_are_the_same(
        self, api: Script
    ) -> None:
        crm = api.consumer(
            "create_many: {path: /b, size: 3, status: code, answer: body}\nerrors: {exists: {status: 409, id: of}}"
        )
        known = {"code": 409, "body": {"of": "7"}}
        refused = {"code": 422, "body": {}}
        bob = {"code": 201, "body": made(BOB, "1")}
        cem = {"name": "Cem"}
        api.then([bob, known])
        assert [result.id for result in ask_many(crm, "create_contacts", [ANN, BOB])] == ["7", "1"]
        api.then([bob, refused, refused])
        results = ask_many(crm, "create_contacts", [ANN, BOB, cem])
        assert [(result.id, result.in_doubt) for result in results] == [(None, False), ("1", False), (None, False)]
        for other in (refused, known):
            api.then([bob, known, other])
            results = ask_many(crm, "create_contacts", [ANN, BOB, cem])
            assert [(result.id, result.in_doubt) for result in results] == [(None, True), ("1", False), (None, True)]


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

    def test_results_in_another_order_are_told_by_their_ids(self, api: Script) -> None:
        api.then({"results": [{"code": 200, "body": {"id": "2", "n": 2}}, {"code": 200, "body": {"id": "1", "n": 1}}]})
        results = ask_many(api.consumer(UPDATES), "update_contacts", KNOWN)
        assert [(result.id, dict(result.contact or {})["n"]) for result in results] == [("1", 1), ("2", 2)]

    def test_what_is_missing_is_told_by_what_is_left(self, api: Script) -> None:
        api.then({"results": [{"code": 200, "body": {"id": "2"}}, {"code": 404, "body": {}}]})
        results = ask_many(api.consumer(UPDATES), "update_contacts", KNOWN)
        assert [(result.success, result.not_found) for result in results] == [(False, True), (True, False)]

    @pytest.mark.parametrize("ids", [("3", "2"), ("2", "2")])
    def test_the_record_of_another_is_a_failure(self, api: Script, ids: tuple[str, str]) -> None:
        api.then({"results": [{"code": 200, "body": {"id": id}} for id in ids]})
        results = ask_many(api.consumer(UPDATES), "update_contacts", KNOWN)
        assert seen(results) == ["update_many: the answer holds another record than the one that was asked for", "2"]

    def test_an_answer_that_cannot_be_read_has_each_updated_by_itself(self, api: Script) -> None:
        """An update that was done may be done again."""
        api.then(b"{")
        results = ask_many(api.consumer(UPDATES), "update_contacts", KNOWN)
        assert [(result.reason, result.in_doubt) for result in results] == [(TURNED_DOWN, False)] * 2

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
