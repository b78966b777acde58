"""The in-memory CRM: a correct consumer, which passes the whole suite, whose calls can be read and faults scripted."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import contact_sync.testing
from contact_sync.consumer import ExternalAPIConsumer, ask
from contact_sync.results import NOT_FOUND, Result
from contact_sync.testing import ConsumerContract, MemoryConsumer


class TestMemoryConsumer(ConsumerContract):
    """A correct consumer passes the whole suite."""

    text_field = "first_name"
    missing_id = "999999"

    @pytest.fixture
    def consumer(self) -> MemoryConsumer:
        return MemoryConsumer([{"email": "first@example.org", "first_name": "First"}])


class TestWithNamesOfItsOwn(ConsumerContract):
    """Whatever the fields are called, and with e-mail addresses that are unique."""

    id_field = "ref"
    email_field = "e\\.mail"
    text_field = "e\\.name"

    @pytest.fixture
    def consumer(self) -> MemoryConsumer:
        return MemoryConsumer(id_field="ref", email_field="e.mail", unique_email=True)


class Nested(MemoryConsumer):
    """A CRM whose records keep their fields in an object, as some well-known ones do."""

    def create_contact(self, contact: dict[str, Any]) -> Any:
        return super().create_contact(contact["properties"])

    def update_contact(self, contact: dict[str, Any]) -> Any:
        return super().update_contact({"id": contact["meta"]["id"], **contact.get("properties", {})})

    def get_contact(self, id: str) -> Any:
        return self._nested(super().get_contact(id))

    def get_contact_by_email(self, email: str) -> Any:
        return self._nested(super().get_contact_by_email(email))

    def list_contacts(self, page: int = 1, limit: int = 30) -> Any:
        return self._nested(super().list_contacts(page, limit))

    find_contact = ExternalAPIConsumer.find_contact  # a field's name here is not that of the records in memory

    def _nested(self, result: Any) -> Any:
        def nest(contact: dict[str, Any]) -> dict[str, Any]:
            return {"meta": {"id": contact["id"]}, "properties": {k: v for k, v in contact.items() if k != "id"}}

        contact, contacts = result.contact, result.contacts
        return result.with_(
            contact=None if contact is None else nest(contact),
            contacts=None if contacts is None else [nest(one) for one in contacts],
        )


class TestNested(ConsumerContract):
    """Fields may lie in objects, and the author may make contacts of more fields."""

    id_field = "meta.id"
    email_field = "properties.email"
    text_field = "properties.firstname"
    settle_seconds = 0.5

    @pytest.fixture
    def consumer(self) -> Nested:
        return Nested()

    def new_contact(self, n: int) -> dict[str, Any]:
        return {"properties": {"firstname": f"First {n}", "lastname": "Last", "tags": ["a", {"b": n}], "none": {}}}


class Lagging(MemoryConsumer):
    """Its index takes a while: an address is found from the second time on that it is looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_for: set[str] = set()

    def get_contact_by_email(self, email: str) -> Any:
        known = email in self.looked_for
        self.looked_for.add(email)
        return super().get_contact_by_email(email) if known else Result.failed(NOT_FOUND)


class TestLagging(ConsumerContract):
    """A CRM whose index lags behind passes when the suite is told for how long."""

    text_field = "first_name"
    settle_seconds = 5.0

    @pytest.fixture
    def consumer(self) -> Lagging:
        return Lagging()


class Particular(MemoryConsumer):
    """A CRM that refuses addresses with letters beyond ASCII."""

    def create_contact(self, contact: dict[str, Any]) -> Any:
        return super().create_contact(contact) if contact["email"].isascii() else Result.failed("no such address")


class TestParticular(ConsumerContract):
    """A CRM may refuse addresses, as long as it says so."""

    text_field = "first_name"

    @pytest.fixture
    def consumer(self) -> Particular:
        return Particular()


class TestRecords:
    def test_it_begins_with_what_it_is_given(self) -> None:
        crm = MemoryConsumer([{"id": "2", "email": "b"}, {"email": "a"}, {"email": "c"}, {"id": 0, "email": "d"}])
        assert {id: record["email"] for id, record in crm.records.items()} == {"2": "b", "1": "a", "3": "c", "0": "d"}

    def test_records_and_answers_are_copies(self) -> None:
        given = {"email": "a", "tags": ["x"]}
        crm = MemoryConsumer([given])
        given["tags"] = []
        crm.records["1"]["email"] = "changed"
        read = ask(crm, "get_contact", "1").contact
        assert read == {"id": "1", "email": "a", "tags": ["x"]}
        assert isinstance(read, dict)
        read["tags"].append("y")
        assert crm.records["1"]["tags"] == ["x"]

    def test_an_id_that_is_sent_with_a_new_contact_is_not_used(self) -> None:
        crm = MemoryConsumer()
        assert ask(crm, "create_contact", {"id": "77", "email": "a"}).id == "1"

    def test_an_update_without_an_id_is_a_failure(self) -> None:
        assert ask(MemoryConsumer(), "update_contact", {"email": "a"}).error == "the contact has no 'id'"

    def test_emails_may_be_made_unique(self) -> None:
        """The refusal carries the id of the record in the way."""
        crm = MemoryConsumer([{"email": "Ann@example.com"}, {"email": "bob@example.com"}], unique_email=True)
        refused = ask(crm, "create_contact", {"email": "ann@example.com"})
        assert (refused.success, refused.id) == (False, "1")
        moved = ask(crm, "update_contact", {"id": "2", "email": "ann@example.com"})
        assert (moved.success, moved.id) == (False, "1")
        assert ask(crm, "update_contact", {"id": "1", "email": "ANN@example.com"}).success
        assert ask(crm, "create_contact", {"email": None}).success
        assert ask(crm, "create_contact", {"email": None}).success

    def test_an_empty_email_finds_nobody(self) -> None:
        assert ask(MemoryConsumer([{"email": ""}, {}]), "get_contact_by_email", "").not_found


class TestScripting:
    def test_calls_are_kept_in_order_also_those_that_fail(self) -> None:
        crm = MemoryConsumer()
        crm.fail_next(TimeoutError(), "get_contact")
        ask(crm, "create_contact", {"email": "a"})
        ask(crm, "get_contact", "1")
        ask(crm, "update_contact", {"id": 1, "email": "b"})
        ask(crm, "get_contact_by_email", "b")
        ask(crm, "delete_contact", "7")
        assert crm.calls == [
            ("create_contact", None),
            ("get_contact", "1"),
            ("update_contact", "1"),
            ("get_contact_by_email", None),
            ("delete_contact", "7"),
        ]
        assert crm.calls[1].method == "get_contact"

    def test_a_fault_strikes_the_next_call_and_then_is_over(self) -> None:
        crm = MemoryConsumer([{"email": "a"}])
        crm.fail_next(Result.failed("limit", retryable=True))
        assert ask(crm, "delete_contact", "1").retryable
        assert ask(crm, "delete_contact", "1").success

    def test_a_fault_may_wait_for_a_method_and_strike_several_times(self) -> None:
        crm = MemoryConsumer([{"email": "a"}])
        crm.fail_next(ConnectionResetError(), "delete_contact", times=2)
        assert ask(crm, "get_contact", "1").success
        assert [ask(crm, "delete_contact", "1").success for _ in range(3)] == [False, False, True]

    def test_faults_are_used_up_in_order(self) -> None:
        crm = MemoryConsumer()
        crm.fail_next(Result.failed("first"))
        crm.fail_next(Result.failed("second"), "list_contacts")
        crm.fail_next(Result.failed("third"))
        assert [ask(crm, "list_contacts").error for _ in range(4)] == ["first", "second", "third", None]

    def test_a_fault_may_come_after_the_write_took_effect(self) -> None:
        """Like an answer that got lost."""
        crm = MemoryConsumer()
        crm.fail_next(TimeoutError(), "create_contact", after=True)
        assert ask(crm, "create_contact", {"email": "a"}).retryable
        assert list(crm.records) == ["1"]

    def test_a_hook_runs_before_the_call_takes_effect(self) -> None:
        crm = MemoryConsumer([{"email": "a"}])
        seen: list[Any] = []
        crm.before("update_contact", lambda contact: seen.append((contact, crm.records["1"]["email"])))
        ask(crm, "update_contact", {"id": "1", "email": "b"})
        assert seen == [({"id": "1", "email": "b"}, "a")]
        crm.before("update_contact", None)
        ask(crm, "update_contact", {"id": "1", "email": "c"})
        assert len(seen) == 1

    def test_a_hook_that_waits_holds_up_its_own_call_alone(self) -> None:
        crm = MemoryConsumer([{"email": "a"}])
        entered, go_on = threading.Event(), threading.Event()

        def hold(id: str) -> None:
            entered.set()
            assert go_on.wait(10)

        crm.before("delete_contact", hold)
        with ThreadPoolExecutor(1) as pool:
            deleted = pool.submit(ask, crm, "delete_contact", "1")
            assert entered.wait(10)
            assert ask(crm, "get_contact", "1").success
            go_on.set()
            assert deleted.result(10).success
        assert crm.records == {}

    def test_a_method_that_does_not_exist_is_refused(self) -> None:
        said = "a consumer has no method 'get'; it has create_contact, get_contact"
        with pytest.raises(ValueError, match=said):
            MemoryConsumer().fail_next(None, "get")
        with pytest.raises(ValueError, match=said):
            MemoryConsumer().before("get", None)


class TestSuite:
    def test_tests_with_a_broken_crm_are_there_if_they_can_be_run(self) -> None:
        """Instead of being skipped."""
        name = "test_an_unreachable_crm_is_a_retryable_failure"
        assert getattr(TestMemoryConsumer, name) is None
        with pytest.raises(NotImplementedError, match="override consumer_at"):
            TestMemoryConsumer().consumer_at("http://127.0.0.1:1")

        class Suite(ConsumerContract):
            def consumer_at(self, url: str) -> MemoryConsumer:
                return MemoryConsumer()

        assert hasattr(Suite, name)


class TestPackage:
    def test_the_package_gives_what_it_names(self) -> None:
        for name in contact_sync.testing.__all__:
            assert getattr(contact_sync.testing, name).__name__ == name
        with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
            contact_sync.testing.Nothing  # noqa: B018 - looked up on purpose

    def test_pytest_is_needed_for_the_suite_alone(self) -> None:
        """The in-memory CRM can be used in a demo, where pytest is not installed."""
        script = "import sys; sys.modules['pytest'] = None; from contact_sync.testing import MemoryConsumer"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_it_may_ask_for_the_changed_fields_alone() -> None:
    assert MemoryConsumer().partial_updates is False
    assert MemoryConsumer(partial_updates=True).partial_updates is True


def test_any_field_is_searched_for_its_whole_text() -> None:
    ana = {"id": "1", "email": "ana@example.org", "properties": {"phone": "+331"}}
    bea = {"id": "2", "email": "ANA@example.org", "properties": {"phone": ""}}
    crm = MemoryConsumer([ana, bea])
    assert ask(crm, "find_contact", "properties.phone", "+331").contact == ana
    assert ask(crm, "find_contact", "properties.phone", "+33").error == NOT_FOUND
    assert ask(crm, "find_contact", "properties.phone", "").error == NOT_FOUND
    assert ask(crm, "find_contact", "email", "ana@example.org").contacts == [ana, bea]
    assert [call.method for call in crm.calls] == ["find_contact"] * 3 + ["get_contact_by_email"]


def test_an_update_keeps_what_is_not_sent_also_inside_objects() -> None:
    crm = MemoryConsumer([{"id": "1", "address": {"city": "Lyon", "zip": "69001"}}], partial_updates=True)
    assert ask(crm, "update_contact", {"id": "1", "address": {"city": "Paris"}}).success
    assert crm.records["1"]["address"] == {"city": "Paris", "zip": "69001"}
