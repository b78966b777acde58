"""The CRM's contacts, one at a time, to the platform; and for whom a method is called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contact_sync import NOT_FOUND, Auth, ExternalAPIConsumer, Result
from key_stores import KeyStore, StoreUnavailable
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import INSTALLATION, TOKEN, MemoryPlatform, World, crm_with, make_world

_NOTHING: dict[str, Any] = {}

ANA = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}


@pytest.fixture
def world(store: KeyStore) -> World:
    return make_world(store=store)


@pytest.fixture
def plain() -> World:
    return make_world()


def test_the_methods_carry_a_crm_contact_through_its_life(world: World) -> None:
    sync, contact = world.sync, {"ref": 5, "first_name": "Ana", "email_address": "ana@example.org"}
    assert sync.create_contact(contact, TOKEN) == Result.ok("501", action="created")
    assert world.platform.contacts["501"] == {"firstname": "Ana", "email": "ana@example.org"}
    assert sync.update_contact(contact | {"first_name": None}, TOKEN) == Result.ok("501", action="updated")
    assert world.platform.contacts["501"]["firstname"] is None
    assert sync.create_contact(contact, TOKEN).action == "updated"
    assert sync.delete_contact(5, TOKEN) == Result.ok("501", action="deleted")
    assert world.platform.contacts == {}
    assert sync.create_contact(contact, TOKEN).action == "skipped"


def test_update_and_delete_of_an_unpaired_contact_are_not_found(plain: World) -> None:
    for result in (plain.sync.update_contact({"ref": 5}, TOKEN), plain.sync.delete_contact("5", TOKEN)):
        assert (result.success, result.error) == (False, NOT_FOUND)
    assert plain.platform.calls == []


@pytest.mark.parametrize("id", [None, "", True, [], 1.5])
def test_an_odd_external_id_is_a_failed_result(plain: World, id: Any) -> None:
    for result in (plain.sync.create_contact({"ref": id}, TOKEN), plain.sync.delete_contact(id, TOKEN)):
        assert not result.success
        assert "no usable id" in str(result.error)


def test_zero_is_an_id(plain: World) -> None:
    plain.sync.create_contact({"ref": 0, "first_name": "Ana"}, TOKEN)
    assert plain.external_id("501") == "0"
    assert plain.sync.delete_contact(0, TOKEN).action == "deleted"


def test_both_sides_creating_one_person_at_once_end_with_one_pair(world: World) -> None:
    """The CRM has the record already; its own notification and the platform's event race."""
    record = {"ref": "e1", "email_address": "ana@example.org", "first_name": "Ana"}
    world.crm.create_contact(record)
    id = next(iter(world.crm.records))
    world.platform.contacts["7"] = {"email": "ana@example.org", "firstname": "Ana"}
    start = threading.Barrier(2)

    def platform_event() -> None:
        start.wait()
        world.post({"event": "contact_created", "data": ANA})

    def crm_event() -> None:
        start.wait()
        world.sync.create_contact(record | {"ref": id}, TOKEN)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(platform_event), pool.submit(crm_event)]:
            future.result()
    assert len(world.crm.records) == 1
    partners = [world.store.get_botmatic_id(INSTALLATION, id)]
    assert partners in (["7"], ["501"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "say for whom: pass a token or installation=…, one of the two"),
        ({"token": "t", "installation": "i"}, "say for whom: pass a token or installation=…, one of the two"),
        ({"token": ""}, "the token must be text that is not empty"),
        ({"token": 5}, "the token must be text that is not empty"),
        ({"installation": "client:nobody"}, "no token of this installation can be read"),
        ({"token": "unknown"}, "the auth function refuses this token"),
    ],
)
def test_a_method_that_cannot_know_for_whom_it_is_called_fails(
    plain: World, arguments: dict[str, Any], error: str
) -> None:
    results = [
        plain.sync.create_contact({"ref": 1}, **arguments),
        plain.sync.update_contact({"ref": 1}, **arguments),
        plain.sync.delete_contact(1, **arguments),
        plain.sync.create_property({"name": "a"}, **arguments),
        plain.sync.send_event_on_campaign("e", ["1"], **arguments),
        *plain.sync.update_contacts([{"ref": 1}], **arguments),
    ]
    assert all(str(result.error).startswith(error) for result in results), results
    assert str(plain.sync.import_all(**arguments).error).startswith(error)
    assert str(plain.sync.import_contacts([], **arguments).error).startswith(error)


def test_properties_and_campaign_events_are_handed_to_the_platform(plain: World) -> None:
    assert plain.sync.create_property({"name": "size", "type": "number"}, TOKEN).success
    assert plain.platform.properties == [{"name": "size", "type": "number"}]
    assert plain.sync.send_event_on_campaign("welcome", ["1", "2"], TOKEN).success
    assert plain.platform.events == [("welcome", ("1", "2"))]


# One consumer a tenant


def test_a_function_gives_each_tenant_their_own_crm() -> None:
    crms = {"tok-1": crm_with(), "tok-2": crm_with()}
    world = make_world(platform=MemoryPlatform(list(crms)), consumer=lambda auth: crms[auth.token])
    world.event("contact_created", ANA, "tok-2")
    assert (len(crms["tok-1"].records), len(crms["tok-2"].records)) == (0, 1)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda auth: None, "the consumer function returned NoneType; expected an ExternalAPIConsumer"),
        (lambda auth: _NOTHING["very-secret"], "the consumer function raised KeyError"),
    ],
)
def test_a_consumer_function_that_fails_is_a_failed_result(
    function: Callable[[Auth], ExternalAPIConsumer], error: str
) -> None:
    world = make_world(consumer=function)
    assert world.event("contact_created", ANA)["data"] == {"success": False, "error": error}
    assert world.sync.create_contact({"ref": 1}, TOKEN).error == error


EVERY_METHOD: dict[str, tuple[Any, ...]] = {
    "create_contact": ({"ref": 5, "first_name": "Ana"},),
    "update_contact": ({"ref": 1, "first_name": "Ana"},),
    "update_contacts": ([{"ref": 1, "first_name": "Ana"}],),
    "delete_contact": (1,),
    "import_contacts": ([{"ref": 5}],),
    "import_all": (),
    "create_property": ({"name": "size"},),
    "create_properties": ([{"name": "size", "type": "number"}],),
    "send_event_on_campaign": ("welcome", ["501"]),
}


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_every_method_takes_an_installation_in_place_of_a_token(method: str) -> None:
    tokens: list[str] = []

    class Watched(MemoryPlatform):
        """Notes with which token it is spoken to."""

        def __getattribute__(self, name: str) -> Any:
            found = super().__getattribute__(name)
            if not name.startswith(("create", "update", "delete", "send")):
                return found

            def watched(token: str, *rest: Any) -> Any:
                tokens.append(token)
                return found(token, *rest)

            return watched

    world = make_world(platform=Watched(), crm=crm_with({"ref": "8"}), installation_id=lambda auth: "acme")
    world.event("install")
    world.platform.contacts["501"] = {}
    world.pair("501", "1", "client:acme")
    tokens.clear()
    given = getattr(world.sync, method)(*EVERY_METHOD[method], installation="client:acme")
    results = given if isinstance(given, list) else [given]
    assert all(result.success for result in results)
    assert set(tokens) == {TOKEN}


@pytest.mark.parametrize("method", EVERY_METHOD)
@pytest.mark.parametrize(
    "who", [{"token": 5}, {"token": b"tok-1"}, {"token": ""}, {"installation": 5}, {"installation": ""}]
)
def test_an_odd_token_or_installation_is_a_failed_result(plain: World, method: str, who: dict[str, Any]) -> None:
    given = getattr(plain.sync, method)(*EVERY_METHOD[method], **who)
    (result,) = given if isinstance(given, list) else [given]
    assert not result.success
    assert "must be" in str(result.error)


def test_an_installation_cannot_be_spoken_for_while_its_store_is_away(
    plain: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("the key store cannot be reached")

    monkeypatch.setattr(plain.store, "get_record", away)
    result = plain.sync.create_contact({"ref": 1}, installation=INSTALLATION)
    assert (result.error, result.retryable) == ("the key store cannot be reached", True)


def test_a_token_that_belongs_to_no_installation_is_a_failed_result() -> None:
    world = make_world(installation_id=lambda auth: None)
    assert world.sync.create_contact({"ref": 1}, TOKEN).error == "this token belongs to no installation"


@pytest.mark.parametrize("contact", [None, 5, "text", [], {}, {"ref": None}, {"ref": {}}, {"other": 1}])
def test_what_is_no_contact_is_a_failed_result(plain: World, contact: Any) -> None:
    for method in ("create_contact", "update_contact"):
        result = getattr(plain.sync, method)(contact, TOKEN)
        assert not result.success
        assert "no usable id" in str(result.error)
    assert plain.platform.calls == []


def test_a_value_that_does_not_fit_its_row_writes_nothing_to_the_platform() -> None:
    world = make_world(mapper=Mapper([Row("id", "ref", id=True), Row("age", "age", type="number")]))
    result = world.sync.create_contact({"ref": 1, "age": "not a number"}, TOKEN)
    assert (result.success, "age" in str(result.error), "not a number" in str(result.error)) == (False, True, False)
    assert world.platform.calls == []


@pytest.mark.parametrize("ids", ["501", b"501", {"501": 1}, [None], [""], [True], [{}], 5])
def test_what_is_no_list_of_ids_sends_no_campaign_event(plain: World, ids: Any) -> None:
    """A text least of all: each of its digits would be the id of some contact."""
    assert not plain.sync.send_event_on_campaign("welcome", ids, TOKEN).success
    assert plain.platform.events == []


def test_ids_of_a_campaign_event_may_be_numbers(plain: World) -> None:
    ids: list[Any] = [501, "502", 0]
    assert plain.sync.send_event_on_campaign("welcome", ids, TOKEN).success
    assert plain.platform.events == [("welcome", ("501", "502", "0"))]


def test_an_iterable_that_raises_updates_nothing(plain: World) -> None:
    """There would be no result for what it did not give; so it is read whole before anything is written."""

    def given() -> Any:
        yield {"ref": 1}
        raise LookupError

    plain.platform.contacts["501"] = {}
    plain.pair("501", "1")
    (failure,) = plain.sync.update_contacts(given(), TOKEN)
    assert failure.error == "what was given to update raised LookupError"
    assert plain.platform.calls == []


def test_the_platform_hears_of_a_contact_that_exists_there_already_and_is_adopted(plain: World) -> None:
    plain.platform.contacts["b1"] = {"firstname": "old", "phone": "0612"}
    plain.platform.fail("create_contact", Result.failed("it exists already", id="b1"))
    assert plain.sync.create_contact({"ref": 1, "first_name": "Ana", "phone_number": None}, TOKEN).action == "adopted"
    assert plain.platform.contacts["b1"] == {"firstname": "Ana", "phone": "0612"}
    assert plain.external_id("b1") == "1"


def test_empty_fields_are_left_out_of_a_new_contact(plain: World) -> None:
    plain.sync.create_contact({"ref": 1, "first_name": "Ana", "phone_number": "", "email_address": None}, TOKEN)
    plain.sync.import_contacts([{"ref": 2, "first_name": "Bea", "phone_number": ""}], TOKEN)
    assert list(plain.platform.contacts.values()) == [{"firstname": "Ana"}, {"firstname": "Bea"}]
