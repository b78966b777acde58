"""One `Result` for everything: how it is built, what it shows, and what is taken for one."""

from __future__ import annotations

import json
import math
import uuid
import warnings
from collections import UserDict
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest

from contact_sync.results import NOT_FOUND, Result, id_text, to_result

SECRET = "ann@example.com"


class TestBuilding:
    def test_ok_is_a_success_with_what_it_is_given(self) -> None:
        result = Result.ok("7", contact={"a": 1}, contacts=[{"b": 2}], action="created", reason="because")
        assert (result.success, result.id, result.contact, result.contacts) == (True, "7", {"a": 1}, [{"b": 2}])
        assert (result.action, result.reason, result.error, result.retryable) == ("created", "because", None, False)

    def test_failed_says_why_and_whether_a_later_try_may_succeed(self) -> None:
        result = Result.failed("busy", id=3, reason="limit", retryable=True, retry_after=1.5)
        assert (result.success, result.error, result.id, result.reason) == (False, "busy", "3", "limit")
        assert (result.retryable, result.retry_after) == (True, 1.5)

    def test_skipped_is_a_success_that_did_nothing(self) -> None:
        result = Result.skipped("not ours")
        assert (result.success, result.action, result.reason) == (True, "skipped", "not ours")

    @pytest.mark.parametrize(
        ("id", "text"),
        [
            (0, "0"),
            (42, "42"),
            ("0", "0"),
            (" x ", " x "),
            (10**30, "1" + "0" * 30),
            (uuid.UUID(int=1), f"{'0' * 8}-0000-0000-0000-{'0' * 11}1"),
        ],
        ids=repr,
    )
    def test_an_id_becomes_text(self, id: object, text: str) -> None:
        assert Result.ok(id).id == Result.failed("no", id=id).id == id_text(id) == text

    @pytest.mark.parametrize("id", [None, "", True, False, 1.0, math.nan, b"1", {}, {"id": 1}, [], [1], (1,), {1}])
    def test_what_is_no_id_is_refused_without_being_shown(self, id: object) -> None:
        with pytest.raises(ValueError, match="expected text or a whole number"):
            id_text(id)

    @pytest.mark.parametrize("id", ["", True, 1.0, {"id": SECRET}, [1]])
    def test_building_a_result_never_raises(self, id: object) -> None:
        """A wrong id is kept as it is, and refused when the result comes back from the user's code."""
        result = to_result(Result.ok(id), "Acme.create_contact")
        assert not result.success
        assert str(result.error).startswith("Acme.create_contact returned a result in which an id is")
        assert SECRET not in str(result.error)

    def test_only_a_missing_record_is_not_found(self) -> None:
        assert Result.failed(NOT_FOUND).not_found
        assert not Result.failed("other").not_found
        assert not Result(success=True, error=NOT_FOUND).not_found

    def test_with_gives_a_changed_copy(self) -> None:
        first = Result.failed("no")
        assert first.with_(retryable=True).retryable
        assert not first.retryable

    def test_it_cannot_be_changed(self) -> None:
        with pytest.raises(AttributeError):
            Result.ok().success = False  # type: ignore[misc]  # what is refused here


class TestShowing:
    def test_repr_holds_no_contact_values(self) -> None:
        """Contacts and messages, which may quote them, are left out."""
        shown = repr(
            Result(success=False, id="7", contact={"email": SECRET}, contacts=[{"email": SECRET}], error=SECRET)
        )
        assert SECRET not in shown
        assert "id='7'" in shown

    def test_to_dict_leaves_out_what_is_unset(self) -> None:
        assert Result.ok().to_dict() == {"success": True}
        assert Result.ok(0).to_dict() == {"success": True, "id": "0"}
        assert Result.failed("no").to_dict() == {"success": False, "error": "no"}
        assert Result.ok(contacts=[]).to_dict() == {"success": True, "contacts": []}
        assert Result.failed("no", retryable=True, retry_after=0).to_dict() == {
            "success": False,
            "error": "no",
            "retryable": True,
            "retry_after": 0,
        }

    def test_to_dict_is_what_json_can_carry(self) -> None:
        contact = MappingProxyType({"name": "Ann"})
        whole = Result.ok(1, contact=contact, contacts=(contact,), action="created").to_dict()
        assert json.loads(json.dumps(whole)) == {
            "success": True,
            "id": "1",
            "contact": {"name": "Ann"},
            "contacts": [{"name": "Ann"}],
            "action": "created",
        }


def _generator() -> Iterator[dict[str, Any]]:
    yield {"success": True}


class TestTakingWhatAUserReturns:
    @pytest.mark.parametrize("result", [Result.ok(), Result.failed("no"), Result.failed(NOT_FOUND, retry_after=3)])
    def test_a_result_is_taken_as_it_is(self, result: Result) -> None:
        assert to_result(result, "f") == result

    def test_a_dict_of_the_same_keys_is_taken(self) -> None:
        taken = to_result({"success": True, "id": 5, "contact": {"a": 1}, "error": None, "further": "dropped"}, "f")
        assert taken == Result.ok(5, contact={"a": 1})

    def test_other_mappings_are_taken_too(self) -> None:
        assert to_result(UserDict(success=True, id="1"), "f") == Result.ok("1")
        assert to_result(MappingProxyType({"success": False, "error": NOT_FOUND}), "f").not_found

    @pytest.mark.parametrize("error", [None, ""])
    def test_a_failure_without_an_error_gets_one(self, error: object) -> None:
        assert to_result({"success": False, "error": error}, "Acme.get_contact").error == (
            "Acme.get_contact failed without an error"
        )

    @pytest.mark.parametrize("kind", [list, tuple])
    def test_contacts_may_be_a_list_or_a_tuple(self, kind: type) -> None:
        assert to_result({"success": True, "contacts": kind([{"a": 1}])}, "f").contacts == kind([{"a": 1}])

    def test_a_page_of_a_hundred_thousand_contacts_is_only_a_page(self) -> None:
        page = to_result({"success": True, "contacts": [{"id": n} for n in range(100_000)]}, "f")
        assert len(page.contacts or ()) == 100_000

    @pytest.mark.parametrize(
        ("returned", "said"),
        [
            (None, "returned nothing; expected a Result"),
            (True, "returned bool; expected a Result"),
            (1, "returned int"),
            ("ok", "returned str"),
            (b"", "returned bytes"),
            ([], "returned list"),
            ((True, None), "returned tuple"),
            ([{"success": True}], "returned list"),
            (object(), "returned object"),
            (Result, "returned type"),
            (_generator(), "returned generator"),
            ({}, "returned a result without 'success'; expected True or False"),
            ({"id": "1"}, "returned a result without 'success'"),
            ({"success": None}, "returned a result without 'success'"),
            ({"success": 1}, "returned a result whose 'success' is int; expected True or False"),
            ({"success": "true"}, "returned a result whose 'success' is str"),
            ({"success": True, "id": ""}, "an id is empty; expected text or a whole number"),
            ({"success": True, "id": 1.0}, "an id is float"),
            ({"success": True, "id": math.nan}, "an id is float"),
            ({"success": True, "id": True}, "an id is bool"),
            ({"success": True, "id": {"$oid": "1"}}, "an id is dict"),
            ({"success": True, "id": ["1"]}, "an id is list"),
            ({"success": True, "id": b"1"}, "an id is bytes"),
            ({"success": True, "contact": [{"a": 1}]}, "whose 'contact' is list; expected a dict"),
            ({"success": True, "contact": "{}"}, "whose 'contact' is str; expected a dict"),
            ({"success": True, "contacts": {"a": 1}}, "whose 'contacts' is dict; expected a list of dicts"),
            ({"success": True, "contacts": "[]"}, "whose 'contacts' is str; expected a list of dicts"),
            ({"success": True, "contacts": _generator()}, "whose 'contacts' is generator; expected a list of dicts"),
            ({"success": True, "contacts": [{"a": 1}, None]}, "'contacts' holds something that is no dict"),
            ({"success": True, "contacts": ["1", "2"]}, "'contacts' holds something that is no dict"),
            ({"success": False, "error": ValueError("x")}, "whose 'error' is ValueError; expected text"),
            ({"success": False, "error": {"message": "x"}}, "whose 'error' is dict; expected text"),
            ({"success": True, "action": 1}, "whose 'action' is int; expected text"),
            ({"success": True, "reason": ["x"]}, "whose 'reason' is list; expected text"),
            ({"success": False, "error": "x", "retryable": "yes"}, "whose 'retryable' is str; expected a boolean"),
            ({"success": False, "error": "x", "retryable": 1}, "whose 'retryable' is int; expected a boolean"),
            ({"success": False, "error": "x", "retry_after": "30"}, "whose 'retry_after' is str; expected seconds"),
            ({"success": False, "error": "x", "retry_after": True}, "whose 'retry_after' is bool; expected seconds"),
            (Result(success=True, contacts="[]"), "whose 'contacts' is str; expected a list of dicts"),  # type: ignore[arg-type]  # meant
            (Result(success="yes"), "whose 'success' is str"),  # type: ignore[arg-type]  # meant
        ],
        ids=lambda value: value if isinstance(value, str) else type(value).__name__,
    )
    def test_nonsense_is_a_failure_that_says_what_was_expected(self, returned: object, said: str) -> None:
        result = to_result(returned, "AcmeConsumer.get_contact")
        assert not result.success
        assert str(result.error).startswith("AcmeConsumer.get_contact returned ")
        assert said in str(result.error)

    def test_an_async_method_is_told_to_be_an_ordinary_one(self) -> None:
        """And Python has nothing to warn about afterwards."""

        async def create_contact() -> Result:
            return Result.ok()

        with warnings.catch_warnings(record=True) as warned:
            result = to_result(create_contact(), "AcmeConsumer.create_contact")
        assert "write 'def', not 'async def'" in str(result.error)
        assert warned == []

    def test_a_message_never_holds_a_value(self) -> None:
        for odd in (
            {"contact": [SECRET]},
            {"contacts": SECRET},
            {"contacts": [SECRET]},
            {"error": [SECRET]},
            {"id": [SECRET]},
        ):
            assert SECRET not in str(to_result({"success": True, **odd}, "f").error)

    def test_an_odd_failure_stays_retryable(self) -> None:
        """So that a slip in the message does not lose the event."""
        assert to_result({"success": False, "error": 503, "retryable": True}, "f").retryable
        assert not to_result({"success": False, "error": 503, "retryable": "no"}, "f").retryable

    @pytest.mark.parametrize("seconds", [-1, -0.5, math.nan, math.inf, -math.inf])
    def test_a_time_that_cannot_be_waited_for_is_dropped(self, seconds: float) -> None:
        for given in (
            Result.failed("busy", retryable=True, retry_after=seconds),
            {"success": False, "error": "busy", "retryable": True, "retry_after": seconds},
        ):
            result = to_result(given, "f")
            assert (result.error, result.retryable, result.retry_after) == ("busy", True, None)
