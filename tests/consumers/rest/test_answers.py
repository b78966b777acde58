"""What answers mean: rules, codes, and answers that are none."""

from __future__ import annotations

import logging

import pytest

from contact_sync.consumer import EXISTS, ask

from .script import Script

HTML = b"<!doctype html><title>Sorry</title>"


class TestNotFound:
    """A missing record has many shapes, and much that looks like one is none."""

    @pytest.mark.parametrize("status", [404, 410])
    def test_by_its_status_unless_it_is_a_page(self, api: Script, status: int) -> None:
        api.then({"error": "none"}, status).then(b"", status).then(HTML, status, Content_Type="text/html; charset=x")
        crm = api.consumer()
        assert [crm.get_contact("7").not_found for _ in range(3)] == [True, True, False]

    def test_by_what_the_body_says(self, api: Script) -> None:
        crm = api.consumer("errors: {not_found: {status: [200, 404], body: {error.code: [gone, never]}}}")
        for answer, status in (
            ({"error": {"code": "never"}}, 200),
            ({"error": {"code": "no_route"}}, 404),
            (HTML, 404),
        ):
            api.then(answer, status)
        results = [crm.get_contact("7") for _ in range(3)]
        assert [result.not_found for result in results] == [True, False, False]

    def test_in_one_of_several_ways(self, api: Script) -> None:
        crm = api.consumer("errors: {not_found: [403, {status: 200, body: {errors.*.reason: missing}}]}")
        api.then({}, 403).then({"errors": [{"reason": "x"}, {"reason": "missing"}]}).then({}, 404)
        assert [crm.delete_contact("7").not_found for _ in range(3)] == [True, True, False]

    def test_only_a_call_about_a_record_finds_none(self, api: Script) -> None:
        """A wrong address is no empty CRM."""
        crm = api.consumer()
        for method, given in (("create_contact", {}), ("list_contacts", 1), ("get_contact_by_email", "a@b.c")):
            api.then({}, 404)
            result = ask(crm, method, given)
            assert (result.success, result.not_found, result.retryable) == (False, False, False)

    def test_a_record_that_is_marked_as_gone_is_not_found(self, api: Script) -> None:
        api.then({"id": "7", "deleted": True}).then({"id": "7", "deleted": False})
        crm = api.consumer("record: {gone: {deleted: true}}")
        assert [crm.get_contact("7").not_found for _ in range(2)] == [True, False]


class TestExists:
    """A create that is refused because there is such a record."""

    def test_without_its_id_the_sync_looks_for_it(self, api: Script) -> None:
        api.then({"message": "taken"}, 409)
        result = api.consumer().create_contact({"email": "a"})
        assert (result.success, result.reason, result.id, result.retryable) == (False, EXISTS, None, False)

    def test_with_its_id_it_is_adopted(self, api: Script) -> None:
        api.then({"errors": [{}, {"code": "dup", "of": 5}]}, 422)
        declared = "errors: {exists: {status: 422, body: {errors.*.code: dup}, id: errors.*.of}}"
        result = api.consumer(declared).create_contact({"email": "a"})
        assert (result.success, result.reason, result.id) == (False, EXISTS, "5")

    def test_another_refusal_is_none(self, api: Script) -> None:
        api.then({"errors": [{"code": "too_long"}]}, 422)
        result = api.consumer("errors: {exists: {status: 422, body: {errors.0.code: dup}}}").create_contact({})
        assert (result.reason, result.error) == (None, "create: the API answered HTTP 422")

    def test_a_success_can_mean_it_too(self, api: Script) -> None:
        """Some answer 200 rather than 201, with the record that was there."""
        api.then({"id": "5"}).then({"id": "6"}, 201)
        crm = api.consumer("errors: {exists: {status: 200, id: id}}")
        assert [(result.success, result.id) for result in (crm.create_contact({}), crm.create_contact({}))] == [
            (False, "5"),
            (True, "6"),
        ]

    def test_where_it_is_not_declared_what_may_be_tried_again_comes_first(self, api: Script) -> None:
        """A 409 is a conflict of two writers there."""
        for _ in range(2):
            api.then({}, 409)
        conflicts = api.consumer("errors: {retryable: 409}").create_contact({})
        assert (conflicts.reason, conflicts.retryable) == (None, True)
        exists = api.consumer("errors: {retryable: 409, exists: 409}").create_contact({})
        assert (exists.reason, exists.retryable) == (EXISTS, False)

    def test_an_update_is_never_answered_so(self, api: Script) -> None:
        api.then({}, 409)
        result = api.consumer().update_contact({"id": "7"})
        assert (result.error, result.reason) == ("update: the API answered HTTP 409", None)


class TestFailures:
    """What is neither."""

    @pytest.mark.parametrize(
        ("status", "retryable", "in_doubt"),
        [(400, False, False), (401, False, False), (408, True, False), (429, True, False), (500, True, True)],
    )
    def test_whether_to_try_again_is_in_the_status(
        self, api: Script, status: int, retryable: bool, in_doubt: bool
    ) -> None:
        api.then({}, status, Retry_After="7")
        result = ask(api.consumer(), "create_contact", {})
        assert (result.retryable, result.in_doubt) == (retryable, in_doubt)
        assert result.retry_after == (7 if retryable else None)

    def test_a_rule_can_say_so_as_well(self, api: Script) -> None:
        crm = api.consumer("errors: {retryable: [409, {status: 403, body: {'0.code': LIMIT}}]}")
        for status, body in ((409, {}), (403, [{"code": "LIMIT"}]), (403, [{"code": "NO"}])):
            api.then(body, status, Retry_After="3")
        results = [crm.update_contact({"id": "7"}) for _ in range(3)]
        assert [(result.retryable, result.retry_after) for result in results] == [(True, 3), (True, 3), (False, None)]

    def test_a_success_has_to_hold_what_is_declared(self, api: Script) -> None:
        crm = api.consumer("errors: {success: {body: {ok: true}}, code: error}\nrecord: {item: row}")
        api.then({"ok": True, "row": {"id": "7"}}).then({"ok": False, "error": "not_allowed"}).then({"ok": 1}).then(
            b"", 204
        )
        assert crm.get_contact("7").success
        assert crm.get_contact("7").error == (
            "read: the API answered HTTP 200, code not_allowed, which the declaration says is no success"
        )
        assert not crm.delete_contact("7").success
        assert crm.delete_contact("7").success, "where there is no body, there is nothing to look at"

    def test_what_is_not_json_says_nothing_not_even_that_something_is_absent(self, api: Script) -> None:
        crm = api.consumer("errors: {success: {body: {error: {present: false}}}}")
        api.then(b"oops").then({"error": "x"}).then({"error": None}).then(b"")
        assert [ask(crm, "delete_contact", "7").success for _ in range(4)] == [False, False, True, True]

    @pytest.mark.parametrize("code", ["e_17", 17, "A.B:c/d-e"])
    def test_a_code_is_shown(self, api: Script, code: object) -> None:
        api.then({"error": {"code": code}}, 400)
        error = api.consumer("errors: {code: error.code}").update_contact({"id": "7"}).error
        assert error == f"update: the API answered HTTP 400, code {code}"

    @pytest.mark.parametrize(
        "text", ["ann@example.com is taken", "ann@example.com", "x" * 61, "", None, True, {"a": 1}]
    )
    def test_anything_else_is_not_since_it_may_be_a_contacts(
        self, api: Script, text: object, caplog: pytest.LogCaptureFixture
    ) -> None:
        api.then({"error": {"code": text, "message": "ann@example.com is taken"}}, 400)
        caplog.set_level(logging.DEBUG)
        result = ask(
            api.consumer("errors: {code: error.code}"), "update_contact", {"id": "7", "email": "ann@example.com"}
        )
        assert result.error == "update: the API answered HTTP 400"
        assert "ann@" not in caplog.text

    def test_a_create_that_is_answered_elsewhere_was_done(self, api: Script) -> None:
        """A 303 says that, and where to look; another redirect says that nothing was done here."""
        for status in (303, 307):
            api.then(b"", status, Location="LINK/contacts/7")
        crm = api.consumer()
        assert [ask(crm, "create_contact", {}).in_doubt for _ in range(2)] == [True, False]

    def test_a_redirect_is_not_followed(self, api: Script) -> None:
        api.then({}, 307, Location="LINK/elsewhere")
        assert ask(api.consumer(), "get_contact", "7").error == (
            "read: the API answered HTTP 307, a redirect, which is not followed; declare the address that it leads to"
        )
        assert len(api.calls) == 1


class TestHostileAnswers:
    """Answers that are not what they should be end in failures, and nothing is taken for done."""

    @pytest.mark.parametrize(
        "answer",
        [[], {}, None, "ok", 5, True, {"id": None}, {"id": ""}, {"id": True}, {"id": {}}, {"id": ["7"]}, {"id": 1.5}],
        ids=repr,
    )
    @pytest.mark.parametrize("method", ["create_contact", "get_contact"])
    def test_without_a_record(self, api: Script, method: str, answer: object) -> None:
        api.then(answer)
        result = ask(api.consumer(), method, "7" if method == "get_contact" else {})
        assert (result.success, result.not_found) == (False, False)
        assert "holds no record with an id" in str(result.error)

    @pytest.mark.parametrize("body", [b"", b'{"id": "7"', b'"ok"', b"{}", HTML])
    @pytest.mark.parametrize(
        "declared", ["", "create: {id: id}", "errors: {success: {body: {id: {present: true}}}}", "record: {item: data}"]
    )
    def test_a_create_whose_answer_cannot_be_used_is_in_doubt(self, api: Script, declared: str, body: bytes) -> None:
        """The record may be there, so it must not be made a second time."""
        api.then(body, 201)
        result = ask(api.consumer(declared), "create_contact", {})
        refused = "success" in declared and body in (b'"ok"', b"{}")
        assert (result.success, result.in_doubt) == (False, not refused), "what can be read, and says no, is a no"

    def test_so_is_an_update(self, api: Script) -> None:
        for answer in (b'{"id": "7"', b'{"id": "8"}'):
            api.then(answer)
        crm = api.consumer()
        assert [ask(crm, "update_contact", {"id": "7"}).in_doubt for _ in range(2)] == [True, True]

    def test_what_only_reads_is_not(self, api: Script) -> None:
        api.then([]).then({})
        crm = api.consumer()
        results = [ask(crm, "get_contact", "7"), ask(crm, "list_contacts")]
        assert [(result.success, result.in_doubt) for result in results] == [(False, False)] * 2

    @pytest.mark.parametrize("answer", [{}, None, "ok", [5], [{}], [{"id": "7"}, {"id": None}], [[]]], ids=repr)
    @pytest.mark.parametrize("method", ["list_contacts", "get_contact_by_email"])
    def test_without_a_list_of_records(self, api: Script, method: str, answer: object) -> None:
        api.then(answer)
        result = ask(api.consumer(), method, "a@b.c" if method == "get_contact_by_email" else 1)
        assert (result.success, result.not_found) == (False, False)

    @pytest.mark.parametrize(
        "body",
        [HTML, b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"id": "7"', b"NaN", b"1" * 5000],
        ids=lambda it: it[:10],
    )
    def test_that_is_not_json(self, api: Script, body: bytes) -> None:
        crm = api.consumer()
        for method, given in (("create_contact", {}), ("get_contact", "7"), ("list_contacts", 1)):
            api.then(body)
            assert not ask(crm, method, given).success

    @pytest.mark.parametrize("method", ["create_contact", "update_contact", "delete_contact", "list_contacts"])
    def test_that_is_a_page_for_people(self, api: Script, method: str) -> None:
        """Such as one to log in, which comes with a 200."""
        api.then(HTML, Content_Type="text/html")
        given = {"update_contact": {"id": "7"}, "create_contact": {}, "delete_contact": "7", "list_contacts": 1}[method]
        name = method.partition("_")[0]
        assert ask(api.consumer(), method, given).error == (
            f"{name}: the answer is a page of HTML (HTTP 200), not JSON"
        )

    def test_that_says_html_of_what_is_none(self, api: Script) -> None:
        """Frameworks give that type to what is empty; some APIs give it to JSON."""
        page = "text/html; charset=utf-8"
        api.then(b"", 204, Content_Type=page).then({"id": "7"}, Content_Type=page).then(b"", 404, Content_Type=page)
        crm = api.consumer()
        assert crm.delete_contact("7").success
        assert crm.get_contact("7").success
        assert crm.get_contact("7").not_found

    def test_that_is_too_large(self, api: Script) -> None:
        api.then(b" " * (32 * 2**20 + 1))
        assert "is larger than" in str(ask(api.consumer(), "get_contact", "7").error)
