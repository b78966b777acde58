"""The vectors that the schemes' makers have published."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contact_sync.external_webhooks import (
    ExternalRequest,
    HmacHeader,
    HubSpotV3,
    Refusal,
    Scheme,
    SlackV0,
    StandardWebhooks,
    Verified,
)

# Of the reference libraries of Standard Webhooks, symmetric and asymmetric, and of its specification.
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_TIME = 1614265330
STANDARD_HEADERS = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": str(STANDARD_TIME)}
STANDARD_SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
STANDARD_SEED = "VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="
ASYMMETRIC_SIGNATURE = "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="

# Of HubSpot's own libraries.
HUBSPOT_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
HUBSPOT_URL = "https://www.example.com/webhook_uri"
HUBSPOT_BODY = b"{'example_field':'example_value'}"

# Of Slack's documentation ("Verifying requests from Slack").
SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SLACK_TIME = 1531420618
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
    b"803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"

# Of GitHub's documentation ("Validating webhook deliveries").
GITHUB_SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def public_key() -> str:
    seed = base64.b64decode(STANDARD_SEED)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return "whpk_" + base64.b64encode(public).decode()


def standard(signature: str) -> ExternalRequest:
    return ExternalRequest({**STANDARD_HEADERS, "webhook-signature": signature}, STANDARD_BODY)


def hubspot(time: str, signature: str) -> ExternalRequest:
    return ExternalRequest(
        {"x-hubspot-request-timestamp": time, "x-hubspot-signature-v3": signature}, HUBSPOT_BODY, "POST"
    )


VECTORS: dict[str, tuple[Scheme, ExternalRequest, float]] = {
    "standard": (StandardWebhooks(STANDARD_SECRET), standard(STANDARD_SIGNATURE), STANDARD_TIME),
    "standard with a prefix": (
        StandardWebhooks(f"whsec_{STANDARD_SECRET}"),
        standard(STANDARD_SIGNATURE),
        STANDARD_TIME,
    ),
    "standard among others": (
        StandardWebhooks(STANDARD_SECRET),
        standard(
            "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= "
            f"{STANDARD_SIGNATURE} v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
        ),
        STANDARD_TIME,
    ),
    "standard, asymmetric": (StandardWebhooks(public_key()), standard(ASYMMETRIC_SIGNATURE), STANDARD_TIME),
    "standard, both kinds": (
        StandardWebhooks([STANDARD_SECRET, public_key()]),
        standard(f"{ASYMMETRIC_SIGNATURE} v1,AAAA"),
        STANDARD_TIME,
    ),
    "hubspot 1": (
        HubSpotV3(HUBSPOT_SECRET, public_url=HUBSPOT_URL),
        hubspot("15000000", "HPW73RUtKmcYoEDADG0s6MmGFWUzWJKAW07r8RDgcQw="),
        15_000,
    ),
    "hubspot 2": (
        HubSpotV3(HUBSPOT_SECRET, public_url=HUBSPOT_URL),
        hubspot("1693657560000", "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="),
        1_693_657_560,
    ),
    "slack": (
        SlackV0(SLACK_SECRET),
        ExternalRequest(
            {"x-slack-signature": SLACK_SIGNATURE, "x-slack-request-timestamp": str(SLACK_TIME)}, SLACK_BODY
        ),
        SLACK_TIME,
    ),
    "github": (
        HmacHeader("It's a Secret to Everybody", header="X-Hub-Signature-256", prefix="sha256="),
        ExternalRequest({"x-hub-signature-256": GITHUB_SIGNATURE}, b"Hello, World!"),
        0,
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_what_the_maker_has_signed_is_verified(name: str) -> None:
    scheme, request, at = VECTORS[name]
    assert isinstance(scheme.verify(request, at), Verified)


@pytest.mark.parametrize("name", VECTORS)
def test_one_bit_more_or_less_is_refused(name: str) -> None:
    """Anywhere in the body."""
    scheme, request, at = VECTORS[name]
    body = request.body or b""
    for place in range(0, len(body), 7):
        flipped = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        changed = ExternalRequest(request.headers, flipped, request.method, request.path, request.query)
        assert isinstance(scheme.verify(changed, at), Refusal)


@pytest.mark.parametrize(
    "signature", ["v1,", "v1", "v1,dawfeoifkpqwoekfpqoekf", STANDARD_SIGNATURE[:8], ASYMMETRIC_SIGNATURE, "v1a,AAAA"]
)
def test_no_part_of_a_signature_will_do(signature: str) -> None:
    assert isinstance(StandardWebhooks(STANDARD_SECRET).verify(standard(signature), STANDARD_TIME), Refusal)


@pytest.mark.parametrize(
    "signature",
    [
        ASYMMETRIC_SIGNATURE.replace("v1a,", "v1,"),
        STANDARD_SIGNATURE.replace("v1,", "v1a,"),
        "v1a," + base64.b64encode(bytes(64)).decode(),
        "v1a,",
    ],
)
def test_a_public_key_takes_its_own_signatures_alone(signature: str) -> None:
    assert isinstance(StandardWebhooks(public_key()).verify(standard(signature), STANDARD_TIME), Refusal)
