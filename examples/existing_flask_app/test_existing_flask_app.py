"""The mounted sync beside the app's own routes, against the sandbox platform."""

import pytest
from flask.testing import FlaskClient

from app import CRM_SECRET, create_app, crm
from conftest import sandbox

BEARER = {"Authorization": "Bearer token-of-acme"}


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()


def test_the_apps_own_routes_stay(client: FlaskClient) -> None:
    assert client.get("/").get_data(as_text=True) == "The shop"
    assert client.get("/botmatic/nothing").status_code == 404


def test_contacts_replies_and_actions_arrive(client: FlaskClient) -> None:
    created = {"event": "contact_created", "data": {"id": 7, "email": "ana@example.org", "firstname": "Ana"}}
    answer = client.post("/botmatic", json=created, headers=BEARER).get_json()
    assert answer["data"]["action"] == "created"
    assert crm.records[answer["data"]["id"]]["first_name"] == "Ana"
    reply = {"event": "user_reply", "data": {"text": "hello"}}
    assert client.post("/botmatic", json=reply, headers=BEARER).get_json()["data"] == {"replies": 1}
    action = {"action": "discount", "data": {"contact_id": 7}}
    assert client.post("/botmatic", json=action, headers=BEARER).get_json()["data"]["action"] == "granted"
    assert client.post("/botmatic", json=reply).status_code == 401


def test_what_the_crm_says_arrives_on_the_platform(client: FlaskClient) -> None:
    sandbox.issue_token("token-of-acme")
    assert client.post("/botmatic", json={"event": "install"}, headers=BEARER).get_json()["success"] is True
    changed = {"id": "c1", "first_name": "Bea", "email": "bea@example.org"}
    assert client.post("/crm/changed", json=changed).status_code == 401
    answer = client.post("/crm/changed", json=changed, headers={"X-CRM-Secret": CRM_SECRET}).get_json()
    assert answer["action"] == "created"
    assert [contact["firstname"] for contact in sandbox.contacts.values()] == ["Bea"]
