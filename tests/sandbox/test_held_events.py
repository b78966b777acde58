"""Events by hand: kept back, delivered late, one by one, and twice; and contacts that are merged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contact_sync.errors import ConfigurationError
from contact_sync.platforms import BotmaticPlatform
from contact_sync.testing.sandbox import DeliveryRules, SandboxPlatform, UnknownContact
from tests.sandbox.webhook import Webhook


@pytest.fixture
def held(webhook: Webhook) -> Iterator[SandboxPlatform]:
    with SandboxPlatform(held=True, delivery=DeliveryRules(attempts=2, backoff=0.01)) as sandbox:
        assert sandbox.install(webhook.url).status == 200
        yield sandbox


def test_events_of_contacts_wait_until_they_are_delivered_by_hand(held: SandboxPlatform, webhook: Webhook) -> None:
    id = held.create_contact({"n": "0"})
    other = held.create_contact({"n": "other"})
    held.update_contact(id, {"n": "1"})
    held.delete_contact(id)
    held.wait_idle()
    assert [(delivery.contact_id, delivery.state) for delivery in held.held] == [
        (id, "held"),
        (other, "held"),
        (id, "held"),
        (id, "held"),
    ]
    assert webhook.names() == ["install"]
    names = [held.deliver_next(int(id)).name for _ in range(3)]
    assert names == ["contact_created", "contact_updated", "contact_deleted"] == webhook.names()[1:]
    assert webhook.received[2]["data"]["n"] == "1"
    assert [delivery.contact_id for delivery in held.held] == [other]
    with pytest.raises(LookupError, match="no event of this contact is held"):
        held.deliver_next(id)


def test_an_event_can_be_delivered_twice_in_a_row_and_again_later(held: SandboxPlatform, webhook: Webhook) -> None:
    id = held.create_contact({"n": "0"})
    held.update_contact(id, {"n": "1"})
    first = held.deliver_next(id)
    assert held.redeliver(first).status == 200
    held.deliver_next(id)
    held.redeliver(first)
    assert [body["data"]["n"] for body in webhook.received[1:]] == ["0", "0", "1", "0"]
    assert [delivery.state for delivery in held.deliveries] == ["delivered"] * 5


def test_all_that_is_held_goes_in_order_for_each_contact(held: SandboxPlatform, webhook: Webhook) -> None:
    id = held.create_contact({"n": "0"})
    for number in range(1, 5):
        held.update_contact(id, {"n": str(number)})
    assert {delivery.state for delivery in held.deliver_all()} == {"delivered"}
    assert [body["data"]["n"] for body in webhook.received[1:]] == ["0", "1", "2", "3", "4"]
    assert held.held == held.deliver_all() == []


def test_what_is_held_goes_when_events_are_held_no_more(held: SandboxPlatform, webhook: Webhook) -> None:
    id = held.create_contact({"n": "0"})
    held.switch(held=False)
    held.update_contact(id, {"n": "1"})
    held.wait_idle()
    assert [body["data"]["n"] for body in webhook.received[1:]] == ["0", "1"]


def test_what_is_about_no_contact_is_not_held(held: SandboxPlatform, webhook: Webhook) -> None:
    held.send_event("user_reply", {"text": "hi"}).wait()
    held.send_action("book").wait()
    reply = held.send_event("user_reply", {"contact_id": 5})
    assert (reply.state, held.uninstall().status) == ("held", 200)
    assert webhook.names() == ["install", "user_reply", "book", "uninstall"]


def test_an_event_that_comes_after_the_uninstallation_still_has_its_token(
    held: SandboxPlatform, webhook: Webhook
) -> None:
    id = held.create_contact({"n": "0"})
    held.uninstall()
    assert held.deliver_next(id).status == 200
    assert webhook.headers[-1]["authorization"] == f"Bearer {held.token}"


def test_of_two_installations_one_can_be_told_first(held: SandboxPlatform, webhook: Webhook) -> None:
    second = held.issue_token()
    held.install(webhook.url, token=second)
    id = held.create_contact({"n": "0"})
    assert held.deliver_next(id, token=second).token == second
    assert held.deliver_next(id).token == held.token


def test_a_held_event_that_is_refused_is_sent_again_as_others_are(held: SandboxPlatform, webhook: Webhook) -> None:
    id = held.create_contact({"n": "0"})
    webhook.answers += [(503, {}), (500, {})]
    assert held.deliver_next(id).state == "failed"
    assert [attempt.status for attempt in held.redeliver(held.deliveries[-1]).attempts] == [200]


def test_waiting_for_a_held_event_ends(held: SandboxPlatform) -> None:
    held.create_contact({"n": "0"})
    with pytest.raises(TimeoutError, match="contact_created held"):
        held.held[0].wait(0.01)


def test_echoes_are_held_like_what_a_person_does(held: SandboxPlatform) -> None:
    held.switch(echo=True)
    client = BotmaticPlatform(held.url)
    client.create_properties(held.token, [{"name": "n"}])
    id = client.create_contact(held.token, {"n": "0"}).id or ""
    client.close()
    assert held.deliver_next(id).name == "contact_created"


@pytest.mark.parametrize("on", ["create_contact", "update_contact", "delete_contact"])
@pytest.mark.parametrize("drop", [False, True])
def test_a_call_takes_effect_and_its_echo_comes_though_its_answer_is_lost(
    held: SandboxPlatform, on: str, drop: bool
) -> None:
    id = held.create_contact({"n": "0"})
    held.deliver_all()
    held.switch(echo=True)
    status = {} if drop else {"status": 502}
    held.fail(9, on=on, drop=drop, effect=True, **status)  # type: ignore[arg-type]  # names of calls
    client = BotmaticPlatform(held.url, backoff=0.01)
    calls = {
        "create_contact": lambda: client.create_contact(held.token, {"n": "1"}),
        "update_contact": lambda: client.update_contact(held.token, id, {"n": "1"}),
        "delete_contact": lambda: client.delete_contact(held.token, id),
    }
    calls[on]()
    client.close()
    names = [contact["n"] for contact in held.contacts.values()]
    assert names == {"create_contact": ["0", "1"], "update_contact": ["1"], "delete_contact": []}[on]
    assert [delivery.name for delivery in held.held][:1] == [f"contact_{on.split('_')[0]}d"]


class TestMerges:
    def test_a_merge_fills_the_winners_blanks_and_deletes_the_loser(self, held: SandboxPlatform) -> None:
        winner = held.create_contact({"name": "Ana", "phone": None, "city": ""})
        loser = held.create_contact({"name": "A.", "phone": "+331", "city": "Aix", "zip": "1"})
        held.deliver_all()
        held.merge_contacts(int(loser), winner)
        whole = {"id": int(winner), "name": "Ana", "phone": "+331", "city": "Aix", "zip": "1"}
        assert held.contacts == {winner: whole}
        assert [delivery.body for delivery in held.held] == [
            {"event": "contact_updated", "data": whole},
            {"event": "contact_deleted", "data": {"contact_id": int(loser)}},
        ]

    def test_a_merge_is_of_two_contacts_of_one_workspace(self, held: SandboxPlatform) -> None:
        id = held.create_contact({"n": "0"})
        other = held.workspace("other").create_contact({"n": "1"})
        with pytest.raises(ConfigurationError, match="into itself"):
            held.merge_contacts(id, int(id))
        for loser, winner in ((id, other), (other, id)):
            with pytest.raises(UnknownContact):
                held.merge_contacts(loser, winner)
        assert list(held.contacts) == [id]
