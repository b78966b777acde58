"""The page and its control calls: what they do, and whom they serve."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from contact_sync.testing.sandbox import SandboxPlatform
from tests.sandbox.webhook import Webhook


def control(sandbox: SandboxPlatform, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
    given = {"Content-Type": "application/json", **headers}
    url = f"{sandbox.url}/sandbox/{path}"
    return requests.request(method, url, json={} if body is None else body, headers=given, timeout=10)


def state(sandbox: SandboxPlatform) -> Any:
    return control(sandbox, "GET", "state").json()


def test_the_page_and_what_it_loads_are_served_under_a_strict_policy(sandbox: SandboxPlatform) -> None:
    for path, kind in (
        ("", "text/html; charset=utf-8"),
        ("assets/base.css", "text/css; charset=utf-8"),
        ("assets/kit.js", "text/javascript; charset=utf-8"),
        ("assets/sandbox.js", "text/javascript; charset=utf-8"),
        ("assets/frame.js", "text/javascript; charset=utf-8"),
    ):
        answer = requests.get(f"{sandbox.url}/{path}", timeout=10)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert requests.get(f"{sandbox.url}/assets/__init__.py", timeout=10).status_code == 404
    assert requests.get(f"{sandbox.url}/assets/..%2Fapi.py", timeout=10).status_code == 404


def test_contacts_are_edited_as_a_person_does(sandbox: SandboxPlatform, webhook: Webhook) -> None:
    sandbox.install(webhook.url)
    id = control(sandbox, "POST", "contacts", {"contact": {"email": "<b>"}}).json()["id"]
    assert control(sandbox, "PATCH", f"contacts/{id}", {"contact": {"email": None}}).status_code == 200
    assert control(sandbox, "DELETE", f"contacts/{id}").status_code == 200
    assert control(sandbox, "DELETE", f"contacts/{id}").json() == {"error": "resource not found"}
    other = control(sandbox, "POST", "contacts", {"workspace": "other", "contact": {}}).json()["id"]
    assert list(sandbox.workspace("other").contacts) == [other]
    sandbox.wait_idle()
    assert webhook.names() == ["install", "contact_created", "contact_updated", "contact_deleted"]


def test_integrations_are_installed_spoken_to_and_uninstalled(sandbox: SandboxPlatform, webhook: Webhook) -> None:
    made = control(sandbox, "POST", "install", {"url": webhook.url, "token": sandbox.token}).json()
    assert (made["name"], made["state"], made["attempts"][0]["status"]) == ("install", "delivered", 200)
    control(sandbox, "POST", "events", {"event": "user_reply", "data": {"text": "hi"}})
    control(sandbox, "POST", "events", {"action": "book", "token": sandbox.token})
    sandbox.wait_idle()
    assert control(sandbox, "POST", "uninstall", {"token": sandbox.token}).json()["state"] == "delivered"
    assert webhook.received[0] == {"event": "install", "data": {}}
    assert sorted(webhook.names()[1:3]) == ["book", "user_reply"]
    assert webhook.names()[3:] == ["uninstall"]


def test_tokens_faults_and_switches_are_set(sandbox: SandboxPlatform) -> None:
    token = control(sandbox, "POST", "tokens", {"workspace": "other"}).json()["token"]
    assert token in sandbox.workspace("other").tokens
    assert control(sandbox, "POST", "faults", {"status": 503, "times": 2, "on": "get_bot"}).status_code == 200
    assert [(fault.status, fault.times, fault.on) for fault in sandbox.faults] == [(503, 2, "get_bot")]
    assert control(sandbox, "DELETE", "faults").status_code == 200
    assert not sandbox.faults
    assert control(sandbox, "PATCH", "switches", {"echo": True, "placement": "nested"}).status_code == 200
    assert (sandbox.switches.echo, sandbox.switches.placement, sandbox.switches.strict) == (True, "nested", True)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "contacts", [], 422),
        ("POST", "contacts", {"contact": "text"}, 422),
        ("POST", "contacts", {"contact": {"id": 1}}, 422),
        ("POST", "contacts", {"contact": {}, "workspace": 5}, 422),
        ("POST", "install", {}, 422),
        ("POST", "install", {"url": "nonsense"}, 422),
        ("POST", "uninstall", {}, 422),
        ("POST", "events", {"event": ""}, 422),
        ("POST", "events", {"event": "a"}, 422),
        ("POST", "faults", {"status": 5}, 422),
        ("POST", "faults", {"noise": 5}, 422),
        ("PATCH", "switches", {"loud": True}, 422),
        ("GET", "nothing", None, 404),
        ("PUT", "contacts", {}, 405),
    ],
)
def test_what_is_wrong_is_refused_with_a_reason(
    sandbox: SandboxPlatform, method: str, path: str, body: Any, status: int
) -> None:
    answer = control(sandbox, method, path, body)
    assert (answer.status_code, isinstance(answer.json()["error"], str)) == (status, True)


def test_a_body_that_is_no_json_is_refused(sandbox: SandboxPlatform) -> None:
    url = f"{sandbox.url}/sandbox/contacts"
    headers = {"Content-Type": "application/json"}
    assert requests.post(url, data=b"{", headers=headers, timeout=10).status_code == 400


def test_the_state_tells_everything_once_for_each_version(sandbox: SandboxPlatform, webhook: Webhook) -> None:
    sandbox.install(webhook.url)
    sandbox.create_contact({"email": "<script>"})
    sandbox.fail(status=500)
    requests.get(f"{sandbox.url}/api/bots", timeout=10)
    sandbox.wait_idle()
    now = state(sandbox)
    [main] = now["workspaces"]
    assert main["contacts"] == [{"id": 10001, "email": "<script>"}]
    assert (main["contact_count"], main["properties"], main["tokens"]) == (1, {"email": "text"}, [sandbox.token])
    assert main["webhooks"] == {sandbox.token: webhook.url}
    assert [delivery["name"] for delivery in now["deliveries"]] == ["contact_created", "install"]
    assert [(call["operation"], call["status"], call["fault"]) for call in now["calls"]] == [("list_bots", 500, True)]
    same = control(sandbox, "GET", f"state?since={now['version']}").json()
    assert same == {"version": now["version"]}
    sandbox.create_contact({})
    assert control(sandbox, "GET", f"state?since={now['version']}").json()["workspaces"]


def test_the_state_leaves_out_what_is_too_large_to_look_at(sandbox: SandboxPlatform) -> None:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    rows = [{"nobody": "x"}] * 1000
    requests.post(f"{sandbox.url}/api/contacts", json={"contacts": rows}, headers=headers, timeout=10)
    [call] = state(sandbox)["calls"]
    assert call["body"] == {"contacts": rows}
    assert call["answer"].endswith(" characters)")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_strangers_are_refused(sandbox: SandboxPlatform, headers: dict[str, str]) -> None:
    for answer in (
        control(sandbox, "GET", "state", **headers),
        control(sandbox, "POST", "contacts", {"contact": {}}, **headers),
        requests.get(sandbox.url, headers=headers, timeout=10),
    ):
        assert answer.status_code in (400, 403)
        assert sandbox.token not in answer.text
    assert sandbox.contacts == {}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_of_another_page_can_send_is_refused(sandbox: SandboxPlatform, kind: str) -> None:
    url = f"{sandbox.url}/sandbox/contacts"
    answer = requests.post(url, data=b'{"contact": {}}', headers={"Content-Type": kind}, timeout=10)
    assert (answer.status_code, sandbox.contacts) == (415, {})


def test_the_page_itself_is_served_by_any_name_of_this_machine(sandbox: SandboxPlatform) -> None:
    port = sandbox.url.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost:9", f"[::1]:{port}"):
        own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        assert control(sandbox, "GET", "state", **own).json()["url"] == f"http://{host}"
