"""What the README shows."""

from typing import Any

from app import crm, sync


def send(event: str, data: dict[str, Any]) -> Any:
    return sync.app.test_client().post("/", json={"event": event, "data": data}).get_json()


def test_a_contact_of_the_platform_lives_its_life_in_the_crm() -> None:
    ana = {"id": 7, "email": "ana@example.org", "birthdate": "1990-02-09"}
    assert send("contact_created", ana) == {
        "data": {"success": True, "id": "1", "action": "created"},
        "type": "data",
        "success": True,
    }
    assert crm.records == {"1": {"key": "1", "mail": "ana@example.org", "born_on": "1990-02-09"}}
    assert send("contact_updated", ana | {"firstname": "Ana"})["data"]["action"] == "updated"
    assert crm.records["1"]["first_name"] == "Ana"
    assert send("contact_deleted", {"id": 7})["data"]["action"] == "deleted"
    assert crm.records == {}
