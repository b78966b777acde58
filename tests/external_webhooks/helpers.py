"""A sync that takes a CRM's webhooks, and requests as the CRM sends them."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from contact_sync.delivery import Retries
from contact_sync.external_webhooks import (
    ExternalEvent,
    ExternalRequest,
    ExternalWebhooks,
    HmacHeader,
    HubSpotV3,
    SlackV0,
    StandardWebhooks,
)
from tests.external_webhooks.signing import PUBLIC_URL, Headers, hubspot, slack, standard, whsec
from tests.sync.helpers import INSTALLATION, World, crm_with, make_world

SECRET = whsec(b"s")
HUBSPOT_SECRET = "a-client-secret-of-hubspot"
SLACK_SECRET = "a-signing-secret-of-slack"
HMAC_SECRET = "a long random text"
PORTAL = 62515
QUICK = Retries(first=0.05, longest=0.2)
KEYS = ["a key of at least thirty-two characters"]

ANA = {"ref": "e1", "email_address": "ana@example.org", "first_name": "Ana"}
CREATED = {"type": "contact.created", "data": {"id": "e1"}}
UPDATED = {"type": "contact.updated", "data": {"id": "e1"}}

_ids = itertools.count(1)


def standard_webhooks(**options: Any) -> ExternalWebhooks:
    return ExternalWebhooks(StandardWebhooks(SECRET), **options)


def hubspot_webhooks(**options: Any) -> ExternalWebhooks:
    return ExternalWebhooks(HubSpotV3(HUBSPOT_SECRET, public_url=PUBLIC_URL), **options)


def slack_webhooks(**options: Any) -> ExternalWebhooks:
    return ExternalWebhooks(SlackV0(SLACK_SECRET), **options)


def whole(request: ExternalRequest) -> list[ExternalEvent]:
    """A reader that gives the record along."""
    record = request.json()
    return [ExternalEvent("updated", record["ref"], record)]


def with_a_time(**options: Any) -> ExternalWebhooks:
    """Webhooks that sign their time, and do not sign their id."""
    scheme = HmacHeader(
        HMAC_SECRET,
        header="X-Signature",
        signed="{timestamp}.{body}",
        timestamp_header="X-Timestamp",
        id_header="X-Delivery-Id",
    )
    return ExternalWebhooks(scheme, read=whole, **options)


def encoded(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@dataclass
class CrmWorld:
    """A sync with its platform, its CRM, and what the CRM tells of."""

    world: World

    @property
    def contacts(self) -> dict[str, dict[str, Any]]:
        """What the platform has."""
        return self.world.platform.contacts

    @property
    def reads(self) -> int:
        """How often a record was read."""
        return sum(call.method == "get_contact" for call in self.world.crm.calls)

    def send(self, body: bytes, headers: Mapping[str, str], path: str = "/crm/", **options: Any) -> TestResponse:
        """Send a request as it is."""
        arguments: dict[str, Any] = {"content_type": "application/json"} | options
        return self.world.client.post(path, data=body, headers=dict(headers), **arguments)

    def post(
        self, body: object, *, id: str | None = None, at: float | None = None, path: str = "/crm/"
    ) -> TestResponse:
        """Send a request that is signed by Standard Webhooks."""
        headers = standard(SECRET, encoded(body), at or time.time(), id or f"msg_{next(_ids)}")
        return self.send(encoded(body), headers, path)

    def tell(self, what: str, id: object = "e1", **more: Any) -> dict[str, Any]:
        """Tell of a record, and give the one result of an answer of 200."""
        answer = self.post({"type": f"contact.{what}", "data": {"id": id, **more}})
        assert answer.status_code == 200, answer.get_json()
        [result] = answer.get_json()["results"]
        return dict(result)

    def delete(self, id: object = "e1") -> dict[str, Any]:
        """Delete a record in the CRM, and tell of it."""
        self.world.crm.delete_contact(str(id))
        return self.tell("deleted", id)

    def restore(self) -> dict[str, Any]:
        """Take Ana's record out of the CRM's recycling bin, and tell of it."""
        self.world.crm._keep(ANA, "e1")
        return self.tell("restored")

    def hubspot(
        self, events: object, *, at: float | None = None, url: str = PUBLIC_URL, **options: Any
    ) -> TestResponse:
        """Send a request that is signed by HubSpot."""
        return self.send(encoded(events), hubspot_headers(events, at, url), **options)

    def slack(self, body: object, *, at: float | None = None, path: str = "/crm/") -> TestResponse:
        """Send a request that is signed by Slack."""
        return self.send(encoded(body), slack(SLACK_SECRET, encoded(body), at or time.time()), path)


def hubspot_headers(events: object, at: float | None = None, url: str = PUBLIC_URL) -> Headers:
    return hubspot(HUBSPOT_SECRET, encoded(events), at or time.time(), url)


def hubspot_event(what: str, id: object, **more: Any) -> dict[str, Any]:
    """An event as HubSpot documents them."""
    return {
        "eventId": next(_ids),
        "subscriptionId": 12345,
        "portalId": PORTAL,
        "appId": 54321,
        "occurredAt": 1_700_000_000_000,
        "subscriptionType": what,
        "attemptNumber": 0,
        "objectId": id,
        "changeSource": "CRM",
        **more,
    }


def crm_world(webhooks: Any = None, *, install: bool = True, **options: Any) -> CrmWorld:
    """Make a sync whose CRM has webhooks at `/crm` and Ana's record, and install it."""
    options.setdefault("crm", crm_with(ANA))
    world = make_world(external_webhooks=webhooks or standard_webhooks(), **options)
    world.client.application.register_blueprint(world.sync.external_blueprint, url_prefix="/crm")
    made = CrmWorld(world)
    if install:
        answer = world.post({"event": "install"})
        assert answer.get_json()["success"], answer.get_json()
    return made


def paired(crm: CrmWorld, id: str = "e1") -> str:
    """The contact that a record is paired with."""
    found = crm.world.store.get_botmatic_id(INSTALLATION, id)
    assert found is not None
    return found
