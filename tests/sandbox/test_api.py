"""The sandbox's REST API: the contract's statuses, and the validation that a real platform would do."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from contact_sync.results import NOT_FOUND
from contact_sync.testing.sandbox import CampaignEvent, SandboxPlatform

FIELDS = {"email": "text", "age": "number", "born": "date"}


def api(
    sandbox: SandboxPlatform, method: str, path: str, body: Any = None, *, token: str | None = None, **more: Any
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token or sandbox.token}", "Content-Type": "application/json"}
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    arguments = {"headers": headers, "data": data, **more}
    answer = requests.request(method, f"{sandbox.url}/api/{path}", timeout=10, **arguments)
    return answer.status_code, answer.json() if answer.content else None


@pytest.fixture
def declared(sandbox: SandboxPlatform) -> SandboxPlatform:
    rows = [{"name": name, "type": kind} for name, kind in FIELDS.items()]
    assert api(sandbox, "POST", "properties", {"properties": rows}) == (201, {"success": True})
    return sandbox


def test_a_token_is_confirmed_by_a_form_field_alone(sandbox: SandboxPlatform) -> None:
    url = f"{sandbox.url}/api/integrationtokens/validate"
    good = requests.post(url, data={"token": sandbox.token}, timeout=10)
    assert (good.status_code, good.json()) == (200, {"success": True})
    bad = requests.post(url, data={"token": "unknown"}, timeout=10)
    assert (bad.status_code, bad.json()) == (401, {"success": False})
    assert requests.post(url, json={"token": sandbox.token}, timeout=10).status_code == 422


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer unknown", "Basic dTpw"])
def test_without_an_issued_token_every_call_is_refused(sandbox: SandboxPlatform, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for method, path in (
        ("POST", "contacts"),
        ("PATCH", "contacts"),
        ("PATCH", "contacts/1"),
        ("DELETE", "contacts/1"),
        ("POST", "properties"),
        ("POST", "campaigns/execute-event"),
        ("GET", "bots"),
        ("GET", "bots/1"),
        ("PATCH", "bots/1"),
    ):
        answer = requests.request(method, f"{sandbox.url}/api/{path}", json={}, headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["success"]) == (401, False)


def test_a_bare_token_is_no_bearer_token(sandbox: SandboxPlatform) -> None:
    answer = requests.get(f"{sandbox.url}/api/bots", headers={"Authorization": sandbox.token}, timeout=10)
    assert answer.status_code == 401


def test_a_revoked_token_is_unknown(sandbox: SandboxPlatform) -> None:
    extra = sandbox.issue_token()
    assert api(sandbox, "GET", "bots", token=extra)[0] == 200
    sandbox.revoke_token(extra)
    sandbox.revoke_token(extra)
    assert api(sandbox, "GET", "bots", token=extra)[0] == 401
    assert api(sandbox, "GET", "bots")[0] == 200


def test_a_contact_lives_and_dies(declared: SandboxPlatform) -> None:
    status, made = api(declared, "POST", "contacts", {"contact": {"email": "a@b.c", "age": 5, "born": None}})
    id = made["id"]
    assert (status, isinstance(id, int)) == (201, True)
    assert api(declared, "PATCH", f"contacts/{id}", {"contact_id": id, "contact": {"age": None, "id": id}})[0] == 200
    assert declared.contacts == {str(id): {"id": id, "email": "a@b.c", "age": None, "born": None}}
    assert api(declared, "DELETE", f"contacts/{id}") == (204, None)
    assert api(declared, "DELETE", f"contacts/{id}")[0] == 404
    assert api(declared, "PATCH", f"contacts/{id}", {"contact_id": id, "contact": {}}) == (
        404,
        {"success": False, "error": NOT_FOUND},
    )


def test_contacts_are_created_and_updated_many_at_a_time(declared: SandboxPlatform) -> None:
    rows = [{"email": "a"}, {"nobody": "knows"}, "text", {"email": "b"}]
    status, made = api(declared, "POST", "contacts", {"contacts": rows})
    assert status == 201
    assert [row["success"] for row in made["contacts"]] == [True, False, False, True]
    assert made["contacts"][1] == {"success": False, "id": None, "error": "the property 'nobody' is not declared"}
    first, last = made["contacts"][0]["id"], made["contacts"][3]["id"]
    changes: list[Any] = [
        {"contact_id": first, "contact_props": {"email": "A"}},
        {"contact_id": 1, "contact_props": {"email": "?"}},
        {"contact_id": str(last), "contact_props": {"nobody": 1}},
        {"contact_id": last},
        {"contact_props": {}},
        {"contact_id": last, "contact": {}},
        "text",
    ]
    status, done = api(declared, "PATCH", "contacts", {"contacts": changes})
    assert status == 200
    assert [row["success"] for row in done["contacts"]] == [True, False, False, False, False, False, False]
    assert done["contacts"][1]["error"] == NOT_FOUND
    assert [contact["email"] for contact in declared.contacts.values()] == ["A", "b"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "contacts", b"", 400),
        ("POST", "contacts", b"{", 400),
        ("POST", "contacts", b"\xff", 400),
        ("POST", "contacts", b"[" * 100_000, 400),
        ("POST", "contacts", b'{"contact": {"age": NaN}}', 400),
        ("POST", "contacts", [], 400),
        ("POST", "contacts", {}, 422),
        ("POST", "contacts", {"contact": {}, "contacts": []}, 422),
        ("POST", "contacts", {"contact": {}, "more": 1}, 422),
        ("POST", "contacts", {"contact": "text"}, 422),
        ("POST", "contacts", {"contacts": {}}, 422),
        ("POST", "contacts", {"contact": {"nobody": "knows"}}, 422),
        ("POST", "contacts", {"contact": {"id": 5}}, 422),
        ("POST", "contacts", {"contact": {"email": ["a"]}}, 422),
        ("POST", "contacts", {"contact": {"email": {"a": 1}}}, 422),
        ("POST", "contacts", {"contact": {"age": "old"}}, 422),
        ("POST", "contacts", {"contact": {"age": True}}, 422),
        ("POST", "contacts", {"contact": {"age": 10**400}}, 422),
        ("POST", "contacts", {"contact": {"born": False}}, 422),
        ("PATCH", "contacts", {}, 422),
        ("PATCH", "contacts", {"contacts": {}}, 422),
        ("PATCH", "contacts/10001", {"contact": {}}, 422),
        ("PATCH", "contacts/10001", {"contact_id": 10002, "contact": {}}, 422),
        ("PATCH", "contacts/10001", {"contact_id": True, "contact": {}}, 422),
        ("PATCH", "contacts/10001", {"contact_id": 10001}, 422),
        ("PATCH", "contacts/10001", {"contact_id": 10001, "contact": {"id": 7}}, 422),
        ("PATCH", "contacts/10001", {"contact_id": 10001, "contact": {}, "contact_props": {}}, 422),
        ("POST", "properties", {"properties": {}}, 422),
        ("POST", "properties", {"properties": ["a"]}, 422),
        ("POST", "properties", {"properties": [{"name": ""}]}, 422),
        ("POST", "properties", {"properties": [{"name": "id"}]}, 422),
        ("POST", "properties", {"properties": [{"name": "a", "type": "boolean"}]}, 422),
        ("POST", "campaigns/execute-event", {"event_name": "", "contacts": []}, 422),
        ("POST", "campaigns/execute-event", {"event_name": "a", "contacts": "10001"}, 422),
        ("POST", "campaigns/execute-event", {"event_name": "a", "contacts": [None]}, 422),
        ("POST", "campaigns/execute-event", {"event_name": "a", "contacts": [1]}, 404),
        ("PATCH", "bots/1", {"bot": {}, "is_draft": True}, 422),
        ("PATCH", "bots/1", {"bot": "[]", "is_draft": True}, 422),
        ("PATCH", "bots/1", {"bot": "{}"}, 422),
        ("PATCH", "bots/7", {"bot": "{}", "is_draft": True}, 404),
        ("GET", "bots/7", None, 404),
        ("DELETE", "contacts/a%2Fb", None, 404),
        ("DELETE", "contacts/a%2F%2Fb", None, 404),
        ("DELETE", "contacts/%2F", None, 404),
        ("GET", "contacts", None, 405),
        ("GET", "nothing", None, 404),
    ],
)
def test_what_is_wrong_is_refused_in_json_and_changes_nothing(
    declared: SandboxPlatform, method: str, path: str, body: Any, status: int
) -> None:
    declared.create_contact({"email": "a@b.c"})
    declared.main.add_bot({"name": "Bo"})
    before = declared.contacts, declared.properties, declared.main.bots, declared.campaign_events
    got, answer = api(declared, method, path, body)
    assert (got, answer["success"], isinstance(answer["error"], str)) == (status, False, True)
    assert (declared.contacts, declared.properties, declared.main.bots, declared.campaign_events) == before


def test_a_body_that_does_not_say_json_is_refused(declared: SandboxPlatform) -> None:
    headers = {"Authorization": f"Bearer {declared.token}", "Content-Type": "text/plain"}
    assert api(declared, "POST", "contacts", {"contact": {}}, headers=headers)[0] == 415


def test_a_body_that_is_too_large_is_refused(sandbox: SandboxPlatform) -> None:
    assert api(sandbox, "POST", "contacts", b" " * (33 * 2**20))[0] == 413


@pytest.mark.parametrize("age", [5, 5.5, "5", "5.5", "", None])
def test_a_number_may_be_written_in_several_ways(declared: SandboxPlatform, age: object) -> None:
    assert api(declared, "POST", "contacts", {"contact": {"age": age}})[0] == 201


def test_a_lenient_platform_ignores_what_was_not_declared(declared: SandboxPlatform) -> None:
    declared.switch(strict=False)
    assert api(declared, "POST", "contacts", {"contact": {"id": 5, "email": "a", "nobody": "knows"}})[0] == 201
    [contact] = declared.contacts.values()
    assert contact == {"id": 10001, "email": "a"}


def test_a_declared_property_stays_as_it_is(declared: SandboxPlatform) -> None:
    assert api(declared, "POST", "properties", {"properties": [{"name": "age"}, {"name": "new"}]})[0] == 201
    assert declared.properties == {**FIELDS, "new": "text"}


def test_ids_may_be_text() -> None:
    with SandboxPlatform(ids="text") as sandbox:
        assert api(sandbox, "POST", "contacts", {"contact": {}}) == (201, {"success": True, "id": "10001"})


def test_workspaces_do_not_see_each_other(declared: SandboxPlatform) -> None:
    other = declared.workspace("other")
    id = declared.create_contact({"email": "a"})
    assert api(declared, "DELETE", f"contacts/{id}", token=other.token)[0] == 404
    assert api(declared, "POST", "contacts", {"contact": {"email": "a"}}, token=other.token)[0] == 422
    other_id = other.create_contact({"email": "b"})
    assert other_id != id
    assert (list(declared.contacts), list(other.contacts)) == ([id], [other_id])
    assert [workspace.name for workspace in declared.workspaces] == ["main", "other"]
    assert repr(other) == "<Workspace 'other', 1 contacts>"


def test_campaign_events_are_noted(declared: SandboxPlatform) -> None:
    id = declared.create_contact({"email": "a"})
    assert api(declared, "POST", "campaigns/execute-event", {"event_name": "hi", "contacts": [int(id)]})[0] == 200
    assert declared.campaign_events == (CampaignEvent("hi", (id,)),)


def test_bots_are_listed_read_and_written(sandbox: SandboxPlatform) -> None:
    first, second = sandbox.main.add_bot({"name": "Bo"}), sandbox.main.add_bot({"name": "Al"})
    assert [bot["id"] for bot in api(sandbox, "GET", "bots?page_size=1000")[1]["bots"]] == [int(first), int(second)]
    assert len(api(sandbox, "GET", "bots?page_size=1")[1]["bots"]) == 1
    change = {"bot": json.dumps({"name": "Bob", "steps": []}), "is_draft": True}
    assert api(sandbox, "PATCH", f"bots/{first}", change) == (200, {"success": True})
    written = {"id": int(first), "name": "Bob", "steps": [], "is_draft": True}
    assert api(sandbox, "GET", f"bots/{first}") == (200, {"bot": written})
    assert sandbox.main.bots[first] == written


def test_every_call_is_noted_by_the_name_of_the_clients_method(declared: SandboxPlatform) -> None:
    api(declared, "POST", "contacts", {"contact": {"email": "a"}})
    api(declared, "POST", "contacts", {"contacts": []}, token="unknown")
    api(declared, "DELETE", "contacts/7")
    assert [(call.operation, call.workspace, call.status, call.id, call.body) for call in declared.calls] == [
        ("create_properties", "main", 201, None, declared.calls[0].body),
        ("create_contact", "main", 201, None, {"contact": {"email": "a"}}),
        ("create_contacts", None, 401, None, {"contacts": []}),
        ("delete_contact", "main", 404, "7", None),
    ]
    assert declared.calls[-1].answer == {"success": False, "error": NOT_FOUND}
