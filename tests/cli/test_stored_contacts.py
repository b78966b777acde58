"""What the commands on contacts and installations do with the events that are stored of them."""

from __future__ import annotations

import pytest

from contact_sync import Result
from contact_sync.delivery import State
from contact_sync.delivery.base import OLDER
from contact_sync.errors import DeliveryUnavailable
from contact_sync.testing.sandbox import SandboxPlatform
from tests.cli.helpers import Project
from tests.cli.storing import apply_all
from tests.cli.test_held import Shop, shop_with


@pytest.fixture
def shop(project: Project, sandbox_platform: SandboxPlatform) -> Shop:
    # Opened by the program, so that commands in this process do not close it.
    return shop_with(project, sandbox_platform, delivery="open_delivery('sqlite:///inbox.db')")


def told(shop: Shop, name: str, id: str, email: str = "") -> str:
    """Send an event of a contact. The id under which it is stored."""
    answer = shop.tell(name, {"id": id} | ({"email": email} if email else {}))
    assert answer["queued"] is True
    event: str = answer["event_id"]
    return event


def state(shop: Shop, id: str) -> State | None:
    """The state of an event; `None` if nothing of it is kept."""
    event = shop.sync.delivery.event(id)
    return None if event is None else event.state


@pytest.mark.parametrize("decision", [("--with", "e2"), ("--create",)])
def test_settling_a_contact_has_its_events_tried_again_that_had_failed_for_it(
    shop: Shop, decision: tuple[str, ...]
) -> None:
    first = told(shop, "contact_created", "b1", "ana@example.org")
    apply_all()
    second = told(shop, "contact_updated", "b1", "ana@example.org")
    other = told(shop, "contact_updated", "b2", "ana@example.org")
    apply_all()
    assert {state(shop, event) for event in (first, second, other)} == {State.FAILED}
    result = shop.run("resolve", "b1", *decision)
    assert (result.code, result.out.splitlines()[1]) == (0, "2 events of it that waited for this are tried again.")
    apply_all()
    assert [state(shop, event) for event in (first, second, other)] == [State.APPLIED, State.APPLIED, State.FAILED]
    partner = shop.sync.key_store.get_external_id(shop.installation, "b1")
    assert partner == "e2" if "e2" in decision else partner not in ("e1", "e2", "e3", None)


def test_what_has_failed_for_another_reason_stays_where_it_is(shop: Shop) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shop.crm, "get_contact_by_email", lambda email: Result.failed("HTTP 422"))
        event = told(shop, "contact_created", "b1", "ana@example.org")
        apply_all()
    assert state(shop, event) is State.FAILED
    held = told(shop, "contact_updated", "b1", "ana@example.org")
    apply_all()
    assert shop.run("resolve", "b1", "--create").out.endswith("1 event of it that waited for this is tried again.\n")
    apply_all()
    assert [state(shop, event), state(shop, held)] == [State.FAILED, State.APPLIED]


def test_a_contact_stays_settled_if_its_events_cannot_be_tried_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise DeliveryUnavailable("the database cannot be reached")

    event = told(shop, "contact_created", "b1", "ana@example.org")
    apply_all()
    with monkeypatch.context() as patched:
        patched.setattr(type(shop.sync.delivery), "replay", away)
        result = shop.run("resolve", "b1", "--with", "e2")
    assert result.code == 0
    assert result.err == (
        "Its events could not be tried again (the delivery: the database cannot be reached); "
        "see 'contact-sync events'\n"
    )
    assert shop.sync.key_store.get_external_id(shop.installation, "b1") == "e2"
    assert state(shop, event) is State.FAILED


def test_an_event_that_is_older_than_what_was_applied_since_stays_failed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(shop, "contact_created", "b1", "ana@example.org")
    apply_all()
    monkeypatch.setattr(type(shop.sync.delivery), "replay", lambda *_, **__: Result.failed(OLDER))
    result = shop.run("resolve", "b1", "--with", "e2")
    assert result.out.splitlines()[1] == f"1 event of it is left failed: {OLDER}"


@pytest.mark.parametrize("by", [("b3", "--side", "botmatic"), ("e3",)])
def test_forgetting_a_contact_erases_its_events_too(shop: Shop, by: tuple[str, ...]) -> None:
    applied = told(shop, "contact_created", "b3", "bea@example.org")
    apply_all()
    waiting = told(shop, "contact_updated", "b3", "b@example.org")
    other = told(shop, "contact_created", "b4", "eve@example.org")
    result = shop.run("forget", *by, "--yes")
    assert result.code == 0
    assert result.out.endswith(f" of {shop.installation}, with 2 events of it.\n")
    assert [state(shop, event) for event in (applied, waiting, other)] == [None, None, State.WAITING]
    apply_all()
    assert shop.sync.key_store.get_external_id(shop.installation, "b3") is None


def test_a_contact_of_which_events_alone_are_kept_is_forgotten_as_well(shop: Shop) -> None:
    event = told(shop, "contact_created", "b9", "eve@example.org")
    assert shop.run("forget", "b9", "--side", "botmatic", input="n\n").code == 1
    assert state(shop, event) is State.WAITING
    result = shop.run("forget", "b9", "--side", "botmatic", input="y\n")
    assert (result.code, result.out.endswith(", with 1 event of it.\n")) == (0, True)
    assert state(shop, event) is None
    assert shop.run("forget", "b9", "--side", "botmatic", "--yes").code == 1


def test_forgetting_an_installation_erases_its_events(shop: Shop) -> None:
    event = told(shop, "contact_created", "b9", "eve@example.org")
    result = shop.run("installations", "forget", shop.installation, "--yes")
    assert result.out == f"{shop.installation} is forgotten: 0 pairs and 1 token; 1 event of it went with it.\n"
    assert state(shop, event) is None


def test_an_installation_is_not_moved_while_events_of_it_are_not_applied(shop: Shop) -> None:
    event = told(shop, "contact_created", "b1", "bea@example.org")
    move = ("installations", "move", shop.installation, "client:acme")
    refused = shop.run(*move)
    assert refused.code == 1
    assert refused.err.startswith(f"Error: events of {shop.installation} are not applied yet, and could not be under ")
    apply_all()
    assert state(shop, event) is State.APPLIED
    assert shop.run(*move).out == f"{shop.installation} is client:acme now: 1 pair.\n"
