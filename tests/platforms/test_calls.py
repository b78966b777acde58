"""Each call of the REST API: what is sent, byte by byte, and what is made of the answer that was promised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses
from responses import matchers

from contact_sync.platforms import BotmaticPlatform
from contact_sync.results import NOT_FOUND, Result
from tests.platforms.helpers import BASE, TOKEN, platform

HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "Accept": "application/json",
    "Content-Type": "application/json",
}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def sent(payload: Any) -> list[Any]:
    return [matchers.json_params_matcher(payload), matchers.header_matcher(HEADERS)]


def test_a_token_is_validated_as_a_form_field_without_an_authorization_header(wire: responses.RequestsMock) -> None:
    route = wire.post(
        f"{BASE}/api/integrationtokens/validate",
        json={"success": True},
        match=[matchers.urlencoded_params_matcher({"token": TOKEN})],
    )
    assert platform().validate_token(TOKEN) == Result.ok()
    assert not {"Authorization", "Cookie"} & set(route.calls[0].request.headers)


def test_a_contact_is_created_and_its_id_is_text(wire: responses.RequestsMock) -> None:
    contact = {"email": "a@b.c", "age": 0, "vip": False, "note": None}
    wire.post(f"{BASE}/api/contacts", json={"id": 19597}, status=201, match=sent({"contact": contact}))
    assert platform().create_contact(TOKEN, contact) == Result.ok("19597")


def test_the_id_zero_is_an_id(wire: responses.RequestsMock) -> None:
    wire.post(f"{BASE}/api/contacts", json={"id": 0}, status=201)
    assert platform().create_contact(TOKEN, {}).id == "0"


def test_contacts_are_created_in_one_call_with_a_result_for_each_in_order(wire: responses.RequestsMock) -> None:
    answer = {
        "contacts": [
            {"success": True, "id": 23},
            {"success": False, "id": 25, "error": "exists: a@b.c"},
            {"success": False, "error": NOT_FOUND},
            {"success": True, "id": "x/y"},
        ]
    }
    contacts = [{"n": n} for n in range(4)]
    wire.post(f"{BASE}/api/contacts", json=answer, status=201, match=sent({"contacts": contacts}))
    assert platform().create_contacts(TOKEN, contacts) == [
        Result.ok("23"),
        Result.failed("create contacts: the platform refused this contact", id="25"),
        Result.failed(NOT_FOUND),
        Result.ok("x/y"),
    ]


def test_a_contact_is_updated_by_its_id(wire: responses.RequestsMock) -> None:
    payload = {"contact_id": "7", "contact": {"email": "a@b.c"}}
    wire.patch(f"{BASE}/api/contacts/7", json={"success": True}, match=sent(payload))
    assert platform().update_contact(TOKEN, "7", {"email": "a@b.c"}) == Result.ok("7")


@pytest.mark.parametrize("answer", [b"", b"done", b"{}", b"[]", b'{"contacts": [{}, {}]}', b'{"contacts": 5}'])
def test_a_batch_of_updates_succeeds_by_its_status_alone(wire: responses.RequestsMock, answer: bytes) -> None:
    payload = {
        "contacts": [
            {"contact_id": "7", "contact_props": {"a": 1}},
            {"contact_id": "8", "contact_props": {"a": "é"}},
        ]
    }
    wire.patch(f"{BASE}/api/contacts", body=answer, match=sent(payload))
    assert platform().update_contacts(TOKEN, [("7", {"a": 1}), ("8", {"a": "é"})]) == [Result.ok("7"), Result.ok("8")]


def test_a_batch_of_updates_with_results_gives_each_contact_its_own(wire: responses.RequestsMock) -> None:
    entries: list[dict[str, Any]] = [{"success": True}, {"success": False, "error": NOT_FOUND}, {"success": False}]
    wire.patch(f"{BASE}/api/contacts", json={"contacts": entries})
    assert platform().update_contacts(TOKEN, [("7", {}), ("8", {}), ("9", {})]) == [
        Result.ok("7"),
        Result.failed(NOT_FOUND, id="8"),
        Result.failed("update contacts: the platform refused this contact", id="9"),
    ]


def test_a_batch_of_updates_with_failures_of_nobody_fails_whole(wire: responses.RequestsMock) -> None:
    wire.patch(f"{BASE}/api/contacts", json={"contacts": [{"success": False}]})
    results = platform().update_contacts(TOKEN, [("7", {}), ("8", {})])
    assert [result.id for result in results] == ["7", "8"]
    assert {result.error for result in results} == {
        "update contacts: the answer (HTTP 200) has failures that belong to no contact"
    }


def test_a_contact_is_deleted_by_its_id(wire: responses.RequestsMock) -> None:
    wire.delete(f"{BASE}/api/contacts/7", status=204, match=[matchers.header_matcher(HEADERS)])
    assert platform().delete_contact(TOKEN, "7") == Result.ok("7")


@pytest.mark.parametrize("call", ["update_contact", "delete_contact", "get_bot", "update_bot"])
def test_what_is_not_there_is_not_found(wire: responses.RequestsMock, call: str) -> None:
    for method in ("PATCH", "DELETE", "GET"):
        for kind in ("contacts", "bots"):
            wire.add(method, f"{BASE}/api/{kind}/7", status=404, body="<html>gone</html>")
    wire.assert_all_requests_are_fired = False
    arguments: list[Any] = ["7", {}] if call.startswith("update") else ["7"]
    result = getattr(platform(), call)(TOKEN, *arguments)
    assert result.not_found
    assert not result.retryable


def test_properties_are_declared_as_text_unless_they_say_otherwise(wire: responses.RequestsMock) -> None:
    rows = [{"name": "email", "type": "text"}, {"name": "age", "type": "number"}, {"name": "born", "type": "date"}]
    wire.post(f"{BASE}/api/properties", status=201, match=sent({"properties": rows}))
    assert platform().create_properties(TOKEN, [{"name": "email"}, *rows[1:]]) == Result.ok()


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({}, "create properties: a property has no name"),
        ({"name": ""}, "create properties: a property has no name"),
        ({"name": 5}, "create properties: a property has no name"),
        ({"name": "a", "type": "boolean"}, "create properties: a property's type must be one of text, number, date"),
    ],
)
def test_a_property_that_the_platform_cannot_have_is_refused_before_it_is_sent(row: Any, error: str) -> None:
    with responses.RequestsMock():
        assert platform().create_properties(TOKEN, [{"name": "ok"}, row]) == Result.failed(error)


@pytest.mark.parametrize("status", [200, 201])
def test_a_campaign_event_is_sent_to_contacts(wire: responses.RequestsMock, status: int) -> None:
    payload = {"event_name": "birthday", "contacts": ["7", "8"]}
    wire.post(f"{BASE}/api/campaigns/execute-event", status=status, match=sent(payload))
    assert platform().send_event_on_campaign(TOKEN, "birthday", ("7", "8")) == Result.ok()


def test_nothing_to_do_makes_no_call() -> None:
    with responses.RequestsMock():
        botmatic = platform()
        assert botmatic.create_contacts(TOKEN, []) == []
        assert botmatic.update_contacts(TOKEN, []) == []
        assert botmatic.create_properties(TOKEN, []).success
        assert botmatic.send_event_on_campaign(TOKEN, "x", []).success


@pytest.mark.parametrize("answer", [[{"id": 1}, {"id": 2}], {"bots": [{"id": 1}, {"id": 2}]}])
def test_bots_are_listed_a_thousand_at_a_time(wire: responses.RequestsMock, answer: Any) -> None:
    query = matchers.query_param_matcher({"page_size": "1000"})
    wire.get(f"{BASE}/api/bots", json=answer, match=[query, matchers.header_matcher(HEADERS)])
    result = platform().list_bots(TOKEN)
    assert result.success
    assert result.bots == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("answer", [{"id": 3, "name": "Bo"}, {"bot": {"id": 3, "name": "Bo"}}])
def test_a_bot_is_read_by_its_id(wire: responses.RequestsMock, answer: Any) -> None:
    wire.get(f"{BASE}/api/bots/3", json=answer, match=[matchers.header_matcher(HEADERS)])
    assert platform().get_bot(TOKEN, "3").bot == {"id": 3, "name": "Bo"}


@pytest.mark.parametrize("draft", [True, False])
def test_a_bot_is_written_as_json_text(wire: responses.RequestsMock, draft: bool) -> None:
    route = wire.patch(f"{BASE}/api/bots/3", json={}, match=[matchers.header_matcher(HEADERS)])
    assert platform().update_bot(TOKEN, "3", {"name": "Bo", "steps": [1]}, is_draft=draft) == Result.ok("3")
    body = json.loads(route.calls[0].request.body or b"")
    assert body["is_draft"] is draft
    assert json.loads(body["bot"]) == {"name": "Bo", "steps": [1]}


@pytest.mark.parametrize("body", [b"", b"7", b'{"bots": 5}', b'{"bots": [5]}', b'{"bot": null}', b"<html>"])
def test_bots_in_another_shape_are_a_failure_that_says_so(wire: responses.RequestsMock, body: bytes) -> None:
    wire.get(f"{BASE}/api/bots", body=body)
    assert platform().list_bots(TOKEN).error == "list bots: the answer (HTTP 200) has no list of bots"
    if body != b'{"bots": 5}' and body != b'{"bots": [5]}':
        wire.get(f"{BASE}/api/bots/3", body=body)
        assert platform().get_bot(TOKEN, "3").error == "get bot: the answer (HTTP 200) has no bot"


@pytest.mark.parametrize(("clear", "sent_as"), [(None, None), ("", ""), (0, 0)])
def test_a_clear_is_written_the_way_the_setting_says(wire: responses.RequestsMock, clear: Any, sent_as: Any) -> None:
    botmatic = platform(clear_value=clear)
    contact = {"a": None, "b": "", "c": 0}
    written = {"a": sent_as, "b": "", "c": 0}
    wire.post(f"{BASE}/api/contacts", json={"id": 1}, status=201, match=sent({"contact": written}))
    wire.patch(f"{BASE}/api/contacts/1", match=sent({"contact_id": "1", "contact": written}))
    wire.patch(f"{BASE}/api/contacts", match=sent({"contacts": [{"contact_id": "1", "contact_props": written}]}))
    assert botmatic.create_contact(TOKEN, contact).success
    assert botmatic.update_contact(TOKEN, "1", contact).success
    assert botmatic.update_contacts(TOKEN, [("1", contact)])[0].success
    assert contact == {"a": None, "b": "", "c": 0}


def test_the_environment_says_where_the_platform_is_when_the_object_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTMATIC_BASE_URL", "https://one.example/")
    one = BotmaticPlatform()
    monkeypatch.setenv("BOTMATIC_BASE_URL", "")
    assert (one.base_url, BotmaticPlatform().base_url) == ("https://one.example", "https://app.botmatic.ai")
    monkeypatch.delenv("BOTMATIC_BASE_URL")
    assert BotmaticPlatform().base_url == "https://app.botmatic.ai"
    assert BotmaticPlatform("https://two.example").base_url == "https://two.example"


def test_a_base_url_may_have_a_path(wire: responses.RequestsMock) -> None:
    wire.delete("https://gate.example/botmatic/api/contacts/7", status=204)
    assert platform("https://gate.example/botmatic/").delete_contact(TOKEN, "7").success
