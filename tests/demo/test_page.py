"""The server of the page that shows both sides: what it gives, takes and refuses. In a browser: tests/browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from contact_sync.delivery import Backlog
from contact_sync.demo import page
from contact_sync.demo.crm import Outage
from contact_sync.demo.integration.consumer import CrmConsumer
from contact_sync.testing.sandbox import SandboxPlatform
from tests.demo.helpers import Crm


class Shown:
    """Both sides, with pairs and a backlog that a test says."""

    def __init__(self, platform: SandboxPlatform, crm: Crm) -> None:
        self.platform = platform
        self.desk: CrmConsumer = crm.desk
        self.outage: Outage = crm.outage
        self._crm = crm
        self.left = Backlog()
        self.paired: list[tuple[str, str]] = []

    def crm_contacts(self) -> dict[str, dict[str, Any]]:
        return {str(contact["id"]): contact for contact in self._crm.records.page(1, 1000)[0]}

    def pairs(self) -> list[tuple[str, str]]:
        return self.paired

    def backlog(self) -> Backlog:
        return self.left


@pytest.fixture
def shown(crm: Crm) -> Iterator[Shown]:
    with SandboxPlatform() as platform:
        yield Shown(platform, crm)


@pytest.fixture
def client(shown: Shown) -> FlaskClient:
    return page.make_app(shown).test_client()


def test_the_page_and_its_files_run_no_script_but_their_own(client: FlaskClient) -> None:
    for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (200, kind)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        answer.close()
    assert client.get("/app.py").status_code == 404


def test_the_state_has_both_sides_and_comes_once_for_each_change(client: FlaskClient, shown: Shown) -> None:
    crm_id = shown.desk.create_contact({"properties": {"email": "zoe@example.net"}, "order_count": 0}).id
    id = shown.platform.create_contact({"email": "zoe@example.net"})
    shown.paired = [(id, str(crm_id))]
    first = client.get("/state").json
    assert first is not None
    assert first["state"]["platform"][id]["email"] == "zoe@example.net"
    assert first["state"]["crm"][crm_id]["properties.email"] == "zoe@example.net"
    assert first["state"]["crm"][crm_id]["order_count"] == 0
    assert first["state"]["pairs"] == [[id, crm_id]]
    again = client.get(f"/state?since={first['version']}").json or {}
    assert (again["version"], "state" in again) == (first["version"], False)
    shown.paired = []
    assert "state" in (client.get(f"/state?since={first['version']}").json or {})


def test_what_waits_and_whether_the_crm_is_down_comes_each_time(client: FlaskClient, shown: Shown) -> None:
    first = client.get("/state").json or {}
    assert first["between"] == {"waiting": 0, "failed": 0, "down": False}
    shown.left = Backlog(waiting=3, in_flight=2, failed=1, oldest=0.0)
    assert client.put("/outage").json == {"down": True}
    then = client.get(f"/state?since={first['version']}").json or {}
    assert (then["between"], "state" in then) == ({"waiting": 5, "failed": 1, "down": True}, False)
    assert client.delete("/outage").json == {"down": False}
    assert (client.get("/state").json or {})["between"]["down"] is False


def test_in_a_crm_that_is_down_nothing_is_edited_and_the_page_says_why(client: FlaskClient, shown: Shown) -> None:
    id = shown.desk.create_contact({"notes": "before"}).id
    client.put("/outage")
    for answer in (
        client.post("/crm", json={"notes": "new"}),
        client.patch(f"/crm/{id}", json={"notes": "after"}),
        client.delete(f"/crm/{id}"),
    ):
        assert (answer.status_code, answer.json) == (422, {"error": "the CRM is down"})
    assert [contact["notes"] for contact in shown.crm_contacts().values()] == ["before"]
    client.delete("/outage")
    assert client.patch(f"/crm/{id}", json={"notes": "after"}).status_code == 200


def test_both_forms_have_the_same_fields_at_the_same_places(client: FlaskClient) -> None:
    fields = client.get("/fields").json
    assert fields is not None
    names = {here["name"]: there["name"] for here, there in zip(fields["platform"], fields["crm"], strict=True)}
    assert (names["email"], names["birthdate"], names["balance"]) == ("properties.email", "born_on", "balance_cents")


@pytest.mark.parametrize(
    ("side", "field", "wrong"),
    [
        ("platform", "birthdate", "soon"),
        ("platform", "balance", "much"),
        ("platform", "customer_since", "long ago"),
        ("crm", "born_on", "1980-12-31"),
        ("crm", "customer_since", "long ago"),
    ],
)
def test_what_the_other_side_could_not_hold_is_refused_by_the_fields_name(
    client: FlaskClient, shown: Shown, side: str, field: str, wrong: str
) -> None:
    answer = client.post(f"/{side}", json={field: wrong})
    assert answer.status_code == 422
    assert (answer.json or {})["error"].startswith(f"{field}: ")
    assert (shown.platform.contacts, shown.crm_contacts()) == ({}, {})


def test_contacts_of_the_platform_are_made_edited_and_deleted(client: FlaskClient, shown: Shown) -> None:
    id = (client.post("/platform", json={"firstname": "Zoë"}).json or {})["id"]
    assert client.patch(f"/platform/{id}", json={"firstname": "Chloé"}).status_code == 200
    assert shown.platform.contacts[id]["firstname"] == "Chloé"
    assert client.delete(f"/platform/{id}").status_code == 200
    assert shown.platform.contacts == {}
    assert client.patch(f"/platform/{id}", json={}).status_code == client.delete(f"/platform/{id}").status_code == 404


def test_contacts_of_the_crm_are_made_edited_and_deleted(client: FlaskClient, shown: Shown) -> None:
    id = (client.post("/crm", json={"properties.given_name": "Zoë", "address.city": "Ulm"}).json or {})["id"]
    assert client.patch(f"/crm/{id}", json={"address.city": None, "order_count": 3}).status_code == 200
    record = shown.crm_contacts()[id]
    assert (record["properties"]["given_name"], record["address"]["city"], record["order_count"]) == ("Zoë", None, 3)
    assert client.delete(f"/crm/{id}").status_code == 200
    assert shown.crm_contacts() == {}
    assert client.patch(f"/crm/{id}", json={}).status_code == client.delete(f"/crm/{id}").status_code == 404


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("/crm", {"born_on": "1999-12-31"}, "born_on: a day such as 31/12/1980"),
        ("/platform", {"firstname": {"first": "Zoë"}}, "'firstname'"),
        ("/platform", ["Zoë"], "an object of fields"),
    ],
)
def test_what_a_side_does_not_take_is_said_in_its_own_words(
    client: FlaskClient, path: str, fields: Any, said: str
) -> None:
    answer = client.post(path, json=fields)
    assert answer.status_code == 422
    assert said in (answer.json or {})["error"]


def test_a_form_of_another_page_changes_nothing(client: FlaskClient, shown: Shown) -> None:
    assert client.post("/platform", data={"firstname": "Zoë"}).status_code == 415
    for headers in ({"Origin": "https://elsewhere.example.com"}, {"Host": "rebound.example.com:80"}):
        assert client.post("/platform", json={"firstname": "Zoë"}, headers=headers).status_code == 403
        assert client.get("/state", headers=headers).status_code == 403
        assert client.put("/outage", headers=headers).status_code == 403
    assert not shown.outage.is_on
    assert shown.platform.contacts == {}
