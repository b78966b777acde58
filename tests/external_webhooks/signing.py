"""How each scheme signs, written anew from its specification: nothing of what is tested is used."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contact_sync.external_webhooks import (
    BasicCredentials,
    BearerTokens,
    ExternalRequest,
    HmacHeader,
    HubSpotV3,
    Scheme,
    SlackV0,
    StandardWebhooks,
)

NOW = 1_700_000_000
PUBLIC_URL = "https://hooks.example.com/crm"

Headers = dict[str, str]


def sha256(secret: bytes, message: bytes) -> bytes:
    return hmac.new(secret, message, hashlib.sha256).digest()


def standard(secret: str, body: bytes, at: float, id: str = "msg_1") -> Headers:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = sha256(key, f"{id}.{at:.0f}.".encode() + body)
    return {
        "webhook-id": id,
        "webhook-timestamp": f"{at:.0f}",
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


def hubspot(secret: str, body: bytes, at: float, url: str = PUBLIC_URL, method: str = "POST") -> Headers:
    time = f"{at * 1000:.0f}"
    signature = sha256(secret.encode(), f"{method}{url}".encode() + body + time.encode())
    return {
        "x-hubspot-request-timestamp": time,
        "x-hubspot-signature-v3": base64.b64encode(signature).decode(),
    }


def slack(secret: str, body: bytes, at: float) -> Headers:
    signature = sha256(secret.encode(), f"v0:{at:.0f}:".encode() + body)
    return {"x-slack-request-timestamp": f"{at:.0f}", "x-slack-signature": f"v0={signature.hex()}"}


def github(secret: str, body: bytes, at: float) -> Headers:
    del at
    return {"x-hub-signature-256": f"sha256={sha256(secret.encode(), body).hex()}"}


def timed(secret: str, body: bytes, at: float) -> Headers:
    signature = hmac.new(secret.encode(), f"d1|{at:.0f}|".encode() + body, hashlib.sha512).digest()
    return {"x-id": "d1", "x-time": f"{at:.0f}", "x-signature": base64.b64encode(signature).decode()}


def basic(secret: str, body: bytes, at: float) -> Headers:
    del body, at
    return {"authorization": "Basic " + base64.b64encode(f"crm:{secret}".encode()).decode()}


def bearer(secret: str, body: bytes, at: float) -> Headers:
    del body, at
    return {"authorization": f"Bearer {secret}"}


@dataclass(frozen=True)
class Case:
    """A scheme, how it signs, and two secrets."""

    name: str
    make: Callable[[Any], Scheme]
    sign: Callable[..., Headers]
    secret: str
    other: str
    times: bool = True
    """Whether it signs a time."""

    body: bool = True
    """Whether it signs the body."""

    headers: tuple[str, ...] = field(default=())
    """The headers without which it refuses."""

    def __str__(self) -> str:
        return self.name

    def request(self, body: bytes = b'{"a": 1}', at: float = NOW, secret: str | None = None) -> ExternalRequest:
        return ExternalRequest(self.sign(secret or self.secret, body, at), body)


def whsec(letter: bytes) -> str:
    return "whsec_" + base64.b64encode(letter * 32).decode()


CASES = [
    Case(
        "standard",
        StandardWebhooks,
        standard,
        whsec(b"a"),
        whsec(b"b"),
        headers=("webhook-id", "webhook-timestamp", "webhook-signature"),
    ),
    Case(
        "hubspot",
        lambda secrets: HubSpotV3(secrets, public_url=PUBLIC_URL),
        hubspot,
        "a-client-secret-of-hubspot",
        "another-client-secret-of-hubspot",
        headers=("x-hubspot-request-timestamp", "x-hubspot-signature-v3"),
    ),
    Case(
        "slack",
        SlackV0,
        slack,
        "a-signing-secret-of-slack",
        "another-signing-secret-of-slack",
        headers=("x-slack-request-timestamp", "x-slack-signature"),
    ),
    Case(
        "github",
        lambda secrets: HmacHeader(secrets, header="X-Hub-Signature-256", prefix="sha256="),
        github,
        "a-secret-as-github-has-it",
        "another-secret-as-github-has-it",
        times=False,
        headers=("x-hub-signature-256",),
    ),
    Case(
        "timed",
        lambda secrets: HmacHeader(
            secrets,
            header="X-Signature",
            algorithm="sha512",
            encoding="base64",
            signed="{id}|{timestamp}|{body}",
            timestamp_header="X-Time",
            id_header="X-Id",
        ),
        timed,
        "a-secret-with-a-time-and-an-id",
        "another-secret-with-a-time-and-an-id",
        headers=("x-id", "x-time", "x-signature"),
    ),
    Case(
        "basic",
        lambda secrets: BasicCredentials("crm", secrets),
        basic,
        "a password of pipedrive",
        "another password of pipedrive",
        times=False,
        body=False,
        headers=("authorization",),
    ),
    Case(
        "bearer",
        BearerTokens,
        bearer,
        "a-token-that-is-long-enough",
        "another-token-that-is-long-enough",
        times=False,
        body=False,
        headers=("authorization",),
    ),
]


def with_headers(request: ExternalRequest, changes: Mapping[str, str | None]) -> ExternalRequest:
    """The same request with some headers changed, or taken out."""
    headers = {name: value for name, value in {**request.headers, **changes}.items() if value is not None}
    return ExternalRequest(headers, request.body, request.method, request.path, request.query)
