"""Companies are kept apart, and a rotated token keeps its company's pairs."""

from collections.abc import Iterator
from typing import Any

import pytest

from app import account, sync
from conftest import sandbox


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    account.cache_clear()
    yield
    for client in ("client:acme", "client:zenith"):
        sync.installations.erase(client)


def send(token: str, event: str, data: dict[str, Any]) -> Any:
    answer = sync.app.test_client().post(
        "/", json={"event": event, "data": data}, headers={"Authorization": f"Bearer {token}"}
    )
    return answer.get_json()["data"]


def test_each_company_has_its_own_crm_and_its_own_pairs() -> None:
    ana = {"id": 7, "email": "ana@example.org", "firstname": "Ana"}
    assert send("token-of-acme", "contact_created", ana)["action"] == "created"
    assert send("token-of-zenith", "contact_created", ana)["action"] == "created"
    send("token-of-zenith", "contact_deleted", {"id": 7})
    assert (len(account("acme-eu").records), len(account("zenith-1").records)) == (1, 0)


def test_a_rotated_token_keeps_the_companys_pairs() -> None:
    send("token-of-acme", "contact_created", {"id": 8, "firstname": "Bea"})
    assert send("new-token-of-acme", "contact_updated", {"id": 8, "firstname": "Eva"})["action"] == "updated"


def test_an_unknown_token_is_refused() -> None:
    assert send("token-of-nobody", "contact_created", {"id": 7}) == {"error": "not authorized"}


def test_a_company_is_spoken_for_by_its_name() -> None:
    sandbox.issue_token("token-of-acme")
    assert send("token-of-acme", "install", {})["action"] == "installed"
    result = sync.create_contact({"id": "c1", "first_name": "Bea"}, installation="client:acme")
    assert result.action == "created"
    assert result.id in sandbox.contacts
