"""Where the webhooks are, for whom their events are, and who speaks for them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import Flask

from contact_sync import Auth, ConfigurationError, ContactSync
from contact_sync.testing import MemoryConsumer
from key_stores import MemoryKeyStore
from tests.external_webhooks.helpers import (
    ANA,
    CREATED,
    KEYS,
    UPDATED,
    CrmWorld,
    crm_world,
    encoded,
    hubspot_event,
    hubspot_headers,
    hubspot_webhooks,
    standard_webhooks,
)
from tests.external_webhooks.signing import PUBLIC_URL
from tests.sync.five_methods import FiveMethods
from tests.sync.helpers import ROWS, TOKEN, MemoryPlatform

# Where they are


def test_they_are_mounted_where_the_user_wants_them_with_and_without_a_slash(crm: CrmWorld) -> None:
    for path in ("/crm", "/crm/"):
        assert crm.post(CREATED, path=path).status_code == 200
    assert crm.world.client.get("/crm/").status_code == 405
    assert crm.world.sync.external_blueprint is crm.world.sync.external_blueprint


def test_several_have_a_path_each() -> None:
    crm = crm_world({"/hubspot": hubspot_webhooks(), "/others/standard": standard_webhooks()})
    assert crm.hubspot([hubspot_event("contact.creation", "e1")], path="/crm/hubspot").status_code == 200
    assert crm.post(UPDATED, path="/crm/others/standard/").get_json()["results"][0]["action"] == "unchanged"
    assert crm.post(UPDATED, path="/crm/hubspot").status_code == 401
    assert crm.post(UPDATED).status_code == 404


def test_the_default_server_has_them_beside_the_webhook() -> None:
    """So has an app that is given; the platform's own webhook cannot be there."""
    app = Flask("given")
    options: dict[str, Any] = {"external_webhooks": standard_webhooks(), "platform": MemoryPlatform()}
    consumer = MemoryConsumer([ANA], id_field="ref")
    given = ContactSync(consumer, ROWS, "memory://", server=app, **options)
    default = ContactSync(consumer, ROWS, "memory://", **options)
    for sync in (given, default):
        client = sync.app.test_client()
        assert client.post("/external", data=b"{}").status_code == 401
        assert client.post("/external/", data=b"{}").status_code == 401
    with pytest.raises(ConfigurationError, match="endpoint"):
        _ = ContactSync(consumer, ROWS, "memory://", endpoint="/external", **options).app


@pytest.mark.parametrize("url", ["http://10.0.0.7:8080", "https://elsewhere.example.com"])
def test_behind_a_proxy_hubspots_url_is_the_one_that_is_set(url: str) -> None:
    """Whatever the request's own host, path and forwarding headers are."""
    crm = crm_world(hubspot_webhooks())
    events = [hubspot_event("contact.creation", "e1")]
    forwarded = {"X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/evil"}
    headers = hubspot_headers(events, url=f"{PUBLIC_URL}?src=a%20b") | forwarded
    answer = crm.send(encoded(events), headers, base_url=url, query_string="src=a%20b")
    assert answer.status_code == 200
    assert crm.hubspot(events, url=f"{url}/crm/", base_url=url).status_code == 401


# For whom they are


def tenants(**options: Any) -> CrmWorld:
    """Two workspaces, each with a HubSpot account of its own."""
    crms = {
        name: MemoryConsumer([{**ANA, "first_name": name}], id_field="ref", email_field="email_address")
        for name in ("one", "two")
    }
    platform = MemoryPlatform(["one", "two"])
    crm = crm_world(
        options.pop("webhooks", None)
        or hubspot_webhooks(identify={"1": "client:one", "2": "client:two", "3": "client:three"}.get),
        install=False,
        consumer=lambda auth: crms[auth.client],
        platform=platform,
        auth=lambda token: Auth(token, client=token) if token in crms else None,
        installation_id=lambda auth: auth.client,
        **options,
    )
    for token in crms:
        assert crm.world.post({"event": "install"}, token).get_json()["success"]
    return crm


def test_each_account_is_an_installation(caplog: pytest.LogCaptureFixture) -> None:
    """Also within one request. What is of nobody's here is done: it would not be otherwise if it came again."""
    crm = tenants()
    caplog.set_level(logging.INFO)
    answer = crm.hubspot([hubspot_event("contact.creation", "e1", portalId=portal) for portal in (1, 2, 3, 4, None)])
    assert answer.status_code == 200
    results = answer.get_json()["results"]
    assert [result["action"] for result in results] == ["created", "created", "skipped", "skipped", "skipped"]
    assert "nothing is installed here" in results[2]["reason"]
    assert "nothing is installed here" in caplog.text
    assert {contact["firstname"] for contact in crm.contacts.values()} == {"one", "two"}
    for name in ("one", "two"):
        assert crm.world.store.get_botmatic_id(f"client:{name}", "e1") is not None


def test_with_several_installations_somebody_has_to_tell_which(caplog: pytest.LogCaptureFixture) -> None:
    """Until then they come again."""
    crm = tenants(webhooks=hubspot_webhooks())
    assert crm.hubspot([hubspot_event("contact.creation", "e1")]).status_code == 503
    assert "no identify" in caplog.text


def test_an_installation_can_be_named_by_its_token() -> None:
    """For who has no installations remembered; the user's auth has its say."""
    tokens = {"1": TOKEN, "2": "refused"}
    crm = crm_world(
        hubspot_webhooks(identify=lambda account: Auth(tokens[account]) if account in tokens else None), install=False
    )
    answers = [crm.hubspot([hubspot_event("contact.creation", "e1", portalId=portal)]) for portal in (1, 2, 3)]
    assert [answer.status_code for answer in answers] == [200, 503, 200]
    assert [answer.get_json()["results"][0].get("action") for answer in answers] == ["created", None, "skipped"]


@pytest.mark.parametrize("said", [RuntimeError(), 5, "", ["client:one"], True])
def test_an_identify_that_fails_may_be_better_when_it_comes_again(said: Any) -> None:
    def identify(account: str | None) -> Any:
        if isinstance(said, Exception):
            raise said
        return said

    answer = crm_world(standard_webhooks(identify=identify)).post(CREATED)
    assert answer.status_code == 503


def test_what_is_uninstalled_is_nobodys(crm: CrmWorld) -> None:
    crm.tell("created")
    assert crm.world.post({"event": "uninstall"}).get_json()["success"]
    assert crm.tell("updated")["reason"].startswith("nothing is installed here")
    assert crm.world.store.get_botmatic_id("token:x", "e1") is None


def test_after_a_restart_without_secret_keys_nobody_can_speak(caplog: pytest.LogCaptureFixture) -> None:
    """It comes again, in case the integration is installed again meanwhile; a line says what to do."""
    before = crm_world()
    after = crm_world(install=False, store=before.world.store, platform=before.world.platform, crm=before.world.crm)
    answer = after.post(CREATED)
    assert answer.status_code == 503
    assert "Nobody can speak for the installation token:" in caplog.text
    assert "secret_keys" in caplog.text
    assert after.world.post({"event": "install"}).get_json()["success"]
    assert after.tell("created")["action"] == "created"


def test_with_secret_keys_a_restart_changes_nothing() -> None:
    before = crm_world(secret_keys=KEYS)
    after = crm_world(install=False, store=before.world.store, crm=before.world.crm, secret_keys=KEYS)
    assert after.tell("created")["action"] == "created"


def test_a_store_that_forgets_installations_puts_them_off() -> None:
    """Nobody can tell there whether it is installed."""
    crm = crm_world(install=False, store=FiveMethods(MemoryKeyStore()))
    assert crm.post(CREATED).status_code == 503
