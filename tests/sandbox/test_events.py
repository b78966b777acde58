"""Events: what edits send, in which order, and what happens when a webhook does not take them."""

from __future__ import annotations

import threading

import pytest

from contact_sync.errors import ConfigurationError
from contact_sync.platforms import BotmaticPlatform
from contact_sync.testing.sandbox import DeliveryRules, SandboxPlatform, UnknownContact
from tests.platforms.servers import free_port, hang, raw_server
from tests.sandbox.webhook import Webhook

QUICK = DeliveryRules(attempts=3, backoff=0.01, longest_wait=0.02, timeout=5.0)


def test_an_installed_webhook_is_told_of_what_a_person_does(sandbox: SandboxPlatform, webhook: Webhook) -> None:
    assert sandbox.install(webhook.url).status == 200
    id = sandbox.create_contact({"email": "é@b.c"})
    sandbox.update_contact(id, {"email": None, "new": "x"})
    sandbox.delete_contact(int(id))
    sandbox.wait_idle()
    assert webhook.received == [
        {"event": "install", "data": {}},
        {"event": "contact_created", "data": {"id": 10001, "email": "é@b.c"}},
        {"event": "contact_updated", "data": {"id": 10001, "email": None, "new": "x"}},
        {"event": "contact_deleted", "data": {"contact_id": 10001}},
    ]
    assert webhook.headers[1] == {
        "authorization": f"Bearer {sandbox.token}",
        "type": "application/json",
        "target": "POST /hook?a=1",
    }
    assert [delivery.answer["number"] for delivery in sandbox.deliveries] == [1, 2, 3, 4]


def test_contacts_may_be_nested_under_the_events_name(webhook: Webhook) -> None:
    with SandboxPlatform(placement="nested", ids="text") as sandbox:
        sandbox.install(webhook.url)
        id = sandbox.create_contact({"a": "b"})
        sandbox.delete_contact(id)
        sandbox.send_event("contact_updated", {"id": id, "a": "c"})
        sandbox.send_event("user_reply", {"contact_id": id})
        sandbox.wait_idle()
    assert [body["data"] for body in webhook.received] == [
        {},
        {"contact_created": {"id": "10001", "a": "b"}},
        {"contact_deleted": {"contact_id": "10001"}},
        {"contact_updated": {"id": "10001", "a": "c"}},
        {"contact_id": "10001"},
    ]


def test_any_event_and_any_action_can_be_sent(sandbox: SandboxPlatform, webhook: Webhook) -> None:
    sandbox.install(webhook.url)
    assert sandbox.send_event("user_reply", {"text": "hi"}).wait().status == 200
    action = sandbox.send_action("book", {"seat": 1}).wait()
    assert webhook.received[1:] == [
        {"event": "user_reply", "data": {"text": "hi"}},
        {"action": "book", "data": {"seat": 1}},
    ]
    assert (action.kind, action.name, action.body) == ("action", "book", {"action": "book", "data": {"seat": 1}})
    assert repr(action) == "<Delivery 3 book delivered [200]>"


def test_nothing_is_sent_where_nothing_is_installed(sandbox: SandboxPlatform) -> None:
    sandbox.create_contact({"a": "b"})
    assert sandbox.deliveries == []
    with pytest.raises(ConfigurationError, match="install first"):
        sandbox.send_event("user_reply")
    with pytest.raises(ConfigurationError, match="nothing is installed"):
        sandbox.uninstall()


def test_the_api_makes_no_events_unless_it_shall_echo(sandbox: SandboxPlatform, webhook: Webhook) -> None:
    sandbox.install(webhook.url)
    sandbox.main.create_contact({"a": "1"})
    client = BotmaticPlatform()
    for echo, token in ((False, sandbox.token), (True, sandbox.token)):
        sandbox.switch(echo=echo)
        id = client.create_contact(token, {"a": "2"}).id or ""
        client.update_contact(token, id, {"a": "3"})
        client.update_contacts(token, [(id, {"a": "4"})])
        client.create_contacts(token, [{"a": "5"}])
        client.delete_contact(token, id)
    client.close()
    sandbox.wait_idle()
    assert webhook.names()[:2] == ["install", "contact_created"]
    assert sorted(webhook.names()[2:]) == ["contact_created"] * 2 + ["contact_deleted"] + ["contact_updated"] * 2


def test_events_of_one_contact_keep_their_order_while_others_pass(webhook: Webhook) -> None:
    with SandboxPlatform(delivery=DeliveryRules(attempts=5, backoff=0.01, longest_wait=0.05)) as sandbox:
        sandbox.install(webhook.url)
        webhook.answers += [(503, {})] * 3
        id = sandbox.create_contact({"n": "0"})
        for number in range(1, 20):
            sandbox.update_contact(id, {"n": str(number)})
        other = sandbox.create_contact({"n": "other"})
        sandbox.wait_idle()
    seen = [body["data"] for body in webhook.received[1:]]
    assert list(dict.fromkeys(data["n"] for data in seen if str(data["id"]) == id)) == [str(n) for n in range(20)]
    assert [data["n"] for data in seen].index("other") < len(seen) - 1
    assert any(str(data["id"]) == other for data in seen)


def test_a_lane_that_waits_does_not_hold_up_the_others(sandbox: SandboxPlatform, webhook: Webhook) -> None:
    sandbox.install(webhook.url)
    webhook.gate.clear()
    first = sandbox.create_contact({"n": "first"})
    sandbox.update_contact(first, {"n": "second"})
    sandbox.create_contact({"n": "other"})
    webhook.wait_received(3)
    assert sorted(body["data"]["n"] for body in webhook.received[1:]) == ["first", "other"]
    webhook.gate.set()
    sandbox.wait_idle()
    assert webhook.received[3]["data"]["n"] == "second"


def test_what_is_not_accepted_is_sent_again_the_same(webhook: Webhook) -> None:
    with SandboxPlatform(delivery=QUICK) as sandbox:
        sandbox.install(webhook.url)
        webhook.answers += [(500, {}), (302, {"Location": "/elsewhere"})]
        delivery = sandbox.send_event("user_reply", {"n": 1}).wait()
    assert [attempt.status for attempt in delivery.attempts] == [500, 302, 200]
    assert (delivery.state, delivery.status) == ("delivered", 200)
    assert webhook.received[1:] == [{"event": "user_reply", "data": {"n": 1}}] * 3


def test_what_is_never_accepted_is_given_up(webhook: Webhook) -> None:
    with SandboxPlatform(delivery=QUICK) as sandbox:
        sandbox.install(webhook.url)
        webhook.answers += [(401, {})] * 3
        id = sandbox.create_contact({"n": "1"})
        sandbox.update_contact(id, {"n": "2"})
        sandbox.wait_idle()
        assert [delivery.state for delivery in sandbox.deliveries] == ["delivered", "failed", "delivered"]
    assert len(webhook.received) == 5


def test_a_webhook_that_asks_for_time_gets_it_up_to_the_longest_wait(webhook: Webhook) -> None:
    with SandboxPlatform(delivery=DeliveryRules(attempts=3, backoff=60, longest_wait=0.05)) as sandbox:
        sandbox.install(webhook.url)
        webhook.answers += [(503, {"Retry-After": "0"}), (503, {"Retry-After": "3600"})]
        delivery = sandbox.send_event("user_reply").wait()
    assert [attempt.retry_after for attempt in delivery.attempts] == [0.0, 3600.0, None]


def test_an_installation_that_is_not_accepted_is_none(webhook: Webhook) -> None:
    with SandboxPlatform(delivery=QUICK) as sandbox:
        webhook.answers += [(401, {})] * 3
        assert sandbox.install(webhook.url).state == "failed"
        assert sandbox.main.webhooks == {}
        unreachable = sandbox.install(f"http://127.0.0.1:{free_port()}")
        assert [attempt.error for attempt in unreachable.attempts] == ["ConnectionRefusedError"] * 3
        assert (unreachable.status, unreachable.answer) == (None, None)


def test_an_installation_still_under_way_is_given_up_later(webhook: Webhook) -> None:
    with SandboxPlatform(delivery=DeliveryRules(attempts=1)) as sandbox:
        webhook.gate.clear()
        webhook.answers.append((500, {}))
        delivery = sandbox.install(webhook.url, timeout=0.01)
        assert (delivery.state, sandbox.main.webhooks) == ("waiting", {sandbox.token: webhook.url})
        assert delivery.answer is None
        webhook.gate.set()
        delivery.wait()
        assert sandbox.main.webhooks == {}


def test_a_later_installation_survives_that_an_earlier_one_is_given_up(webhook: Webhook) -> None:
    with SandboxPlatform(delivery=DeliveryRules(attempts=1)) as sandbox:
        webhook.gate.clear()
        webhook.answers.append((500, {}))
        first = sandbox.install(webhook.url, timeout=0.01)
        second = threading.Thread(target=sandbox.install, args=(webhook.url + "&b=2",))
        second.start()
        sandbox.wait_for(lambda: webhook.url + "&b=2" in sandbox.main.webhooks.values())
        webhook.gate.set()
        second.join()
        assert first.wait().state == "failed"
        assert sandbox.main.webhooks == {sandbox.token: webhook.url + "&b=2"}


def test_uninstalling_comes_after_all_that_was_under_way(webhook: Webhook) -> None:
    with SandboxPlatform(delivery=QUICK) as sandbox:
        sandbox.install(webhook.url)
        webhook.answers += [(503, {})]
        sandbox.create_contact({"n": "1"})
        assert sandbox.uninstall().status == 200
        sandbox.create_contact({"n": "2"})
        sandbox.wait_idle()
    assert webhook.names() == ["install", "contact_created", "contact_created", "uninstall"]


def test_every_installation_of_a_workspace_is_told_with_its_own_token(
    sandbox: SandboxPlatform, webhook: Webhook
) -> None:
    acme = sandbox.workspace("acme")
    second = acme.issue_token("second-token")
    assert acme.tokens == ("second-token",)
    third = acme.issue_token()
    for token in (second, third):
        acme.install(webhook.url, token=token)
    acme.create_contact({"a": "b"})
    sandbox.create_contact({"a": "b"})
    sandbox.wait_idle()
    acme.send_event("user_reply", token=third).wait()
    sandbox.wait_idle()
    bearers = [headers["authorization"] for headers in webhook.headers]
    assert sorted(bearers[2:4]) == sorted([f"Bearer {second}", f"Bearer {third}"])
    assert bearers[4:] == [f"Bearer {third}"]
    acme.revoke_token(third)
    assert acme.webhooks == {second: webhook.url}


def test_waiting_ends_with_an_error_that_says_for_what(sandbox: SandboxPlatform) -> None:
    with raw_server(hang) as server:
        sandbox.install(server.url, timeout=0.01)
        with pytest.raises(TimeoutError, match=r"1 events are still under way after 0.01 s: \[<Delivery 1 install wai"):
            sandbox.wait_idle(0.01)
        with pytest.raises(TimeoutError, match="still under way"):
            sandbox.deliveries[0].wait(0.01)
        with pytest.raises(TimeoutError, match="does not hold"):
            sandbox.wait_for(lambda: False, 0.01)
        sandbox.close()


@pytest.mark.parametrize("url", ["", "ftp://a/", "http://", "http://a b/", "http://é/", "http://[::1", None, 5])
def test_a_webhook_needs_an_address(sandbox: SandboxPlatform, url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"a webhook's url must be an address like"):
        sandbox.install(url)


@pytest.mark.parametrize("token", ["", "a b", "é", "a\nb"])
def test_a_token_that_no_header_can_carry_is_not_issued(sandbox: SandboxPlatform, token: str) -> None:
    with pytest.raises(ConfigurationError, match="printable ASCII"):
        sandbox.issue_token(token)


def test_a_token_belongs_to_one_workspace(sandbox: SandboxPlatform) -> None:
    with pytest.raises(ConfigurationError, match="issued already"):
        sandbox.workspace("other").issue_token(sandbox.token)
    with pytest.raises(ConfigurationError, match="not issued, or was revoked"):
        sandbox.install("http://127.0.0.1:1/", token="unknown")


def test_a_person_cannot_edit_what_is_not_there(sandbox: SandboxPlatform) -> None:
    with pytest.raises(UnknownContact):
        sandbox.update_contact("7", {})
    with pytest.raises(UnknownContact):
        sandbox.delete_contact("7")


@pytest.mark.parametrize(
    ("contact", "says"), [({"id": 5}, "given by the platform"), ({"": 1}, "name"), ({"a": []}, "'a'")]
)
def test_a_person_cannot_make_what_the_platform_cannot_hold(
    sandbox: SandboxPlatform, contact: dict[str, object], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        sandbox.create_contact(contact)
    assert (sandbox.contacts, sandbox.properties) == ({}, {})


def test_there_are_no_other_switches(sandbox: SandboxPlatform) -> None:
    with pytest.raises(ConfigurationError, match="there is no switch 'loud'; there are echo, held, placement, strict"):
        sandbox.switch(loud=True)
    for switch, value in (("echo", 1), ("held", 0), ("placement", "deep"), ("strict", None)):
        with pytest.raises(ConfigurationError, match=f"the switch '{switch}' has no such position"):
            sandbox.switch(**{switch: value})
