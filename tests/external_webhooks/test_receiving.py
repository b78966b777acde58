"""What a CRM's request is answered: who is let in, what cannot be read, and what is to come again."""

from __future__ import annotations

import io
import json
import logging
import time
from typing import Any

import pytest

from contact_sync import ConfigurationError, Result
from contact_sync.external_webhooks import (
    BearerTokens,
    Challenge,
    ExternalEvent,
    ExternalRequest,
    ExternalWebhooks,
    HmacHeader,
    Refusal,
    Scheme,
    Verified,
)
from tests.external_webhooks.helpers import (
    ANA,
    CREATED,
    PORTAL,
    SECRET,
    CrmWorld,
    crm_world,
    encoded,
    hubspot_event,
    hubspot_webhooks,
    slack_webhooks,
    standard_webhooks,
)
from tests.external_webhooks.signing import standard
from tests.sync.helpers import TOKEN, crm_with, make_world

# Who is let in


def test_who_cannot_sign_is_refused_and_the_log_says_why(crm: CrmWorld, caplog: pytest.LogCaptureFixture) -> None:
    """A line each, with the scheme and the reason."""
    wrong = standard(SECRET, b"another body", time.time())
    for headers in ({}, wrong, standard(SECRET, encoded(CREATED), time.time() - 1000)):
        answer = crm.send(encoded(CREATED), headers)
        assert (answer.status_code, answer.get_json()["data"]) == (401, {"error": "not authorized"})
    said = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    begin = "A request to the external webhook '/' was refused (Standard Webhooks): "
    assert [line.removeprefix(begin) for line in said] == [
        "it lacks webhook-id, webhook-timestamp or webhook-signature",
        "no signature is right",
        "its time is too long ago",
    ]
    assert crm.contacts == {}


def test_the_token_of_an_installation_opens_nothing_here(crm: CrmWorld) -> None:
    assert crm.send(encoded(CREATED), {"Authorization": f"Bearer {TOKEN}"}).status_code == 401


def test_a_scheme_of_the_users_that_fails_lets_nobody_in() -> None:
    class Broken(Scheme):
        name = "broken"

        def verify(self, request: ExternalRequest, now: float) -> Verified | Refusal:
            if request.query == "nothing":
                return None  # type: ignore[return-value]  # on purpose
            raise RuntimeError

    crm = crm_world(ExternalWebhooks(Broken()))
    assert [crm.send(b"{}", {}, f"/crm/?{query}").status_code for query in ("", "nothing")] == [401, 401]


def test_without_a_scheme_there_are_no_webhooks() -> None:
    with pytest.raises(ConfigurationError, match="allow_unsigned"):
        ExternalWebhooks()
    with pytest.raises(ConfigurationError, match="allow_unsigned"):
        ExternalWebhooks(None)


def test_unsigned_ones_are_taken_where_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    """And a warning says what that means."""
    crm = crm_world(ExternalWebhooks(allow_unsigned=True))
    assert "everybody who reaches them may change and delete contacts" in caplog.text
    assert crm.send(encoded(CREATED), {}).get_json()["results"][0]["action"] == "created"


@pytest.mark.parametrize(
    "options",
    [
        {"scheme": "HubSpotV3"},
        {"scheme": BearerTokens("a-token-that-is-long-enough"), "allow_unsigned": True},
        {"allow_unsigned": True, "read": "read_hubspot"},
        {"allow_unsigned": True, "identify": {}},
        {"allow_unsigned": True, "delivery_id": "event_id"},
        {"allow_unsigned": "yes"},
    ],
)
def test_webhooks_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"external_webhooks|delivery_id"):
        ExternalWebhooks(**options)


@pytest.mark.parametrize("given", [5, "hubspot", {}, [], {"hubspot": standard_webhooks()}, {"/a": BearerTokens}])
def test_what_is_no_webhooks_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"external_webhooks|path"):
        make_world(external_webhooks=given)


def test_without_any_there_is_no_blueprint() -> None:
    with pytest.raises(ConfigurationError, match="external_webhooks: missing"):
        _ = make_world().sync.external_blueprint


# What cannot be read


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nested too deeply"),
        (b'{"a": NaN}', "not JSON"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
    ],
)
def test_what_cannot_be_read_is_answered_with_400(crm: CrmWorld, body: bytes, said: str) -> None:
    """It will not be better when it comes again."""
    answer = crm.post(body)
    assert answer.status_code == 400
    assert said in answer.get_json()["data"]["error"]


@pytest.mark.parametrize("body", [b"5", b'"text"', b"null", b"{"])
def test_so_it_is_for_hubspot_and_slack(body: bytes) -> None:
    crm = crm_world({"/h": hubspot_webhooks(), "/s": slack_webhooks()})
    assert crm.hubspot(body, path="/crm/h").status_code == 400
    assert crm.slack(body, path="/crm/s").status_code == 400


def test_another_type_of_content_is_refused(crm: CrmWorld) -> None:
    headers = standard(SECRET, encoded(CREATED), time.time())
    assert crm.send(encoded(CREATED), headers, content_type="text/plain").status_code == 400


def test_a_body_that_is_too_large_is_not_looked_at() -> None:
    crm = crm_world(body_limit=1000)
    assert crm.post(b" " * 1001).status_code == 413
    assert crm.post(b" " * 1000).status_code == 400


@pytest.mark.parametrize(("size", "status"), [(1001, 413), (1000, 400)])
def test_so_it_is_for_one_that_does_not_tell_its_length(size: int, status: int) -> None:
    """It comes in parts, and is not read beyond the limit."""
    crm = crm_world(body_limit=1000)
    sent = io.BytesIO(b" " * size)
    environ = {"wsgi.input": sent, "wsgi.input_terminated": True}
    headers = standard(SECRET, b" " * size, time.time())
    answer = crm.world.client.post("/crm/", headers=headers, environ_overrides=environ)
    assert answer.status_code == status
    assert sent.tell() <= 1001


def test_a_body_that_is_too_large_for_the_app_is_too_large_here(crm: CrmWorld) -> None:
    crm.world.client.application.config["MAX_CONTENT_LENGTH"] = 50
    assert crm.post({"type": "contact.created", "data": {"id": "e" * 50}}).status_code == 413


@pytest.mark.parametrize("type", ["contact.unheard", "deal.created", "contact", "", None, 5, ["contact.created"]])
def test_what_is_nobodys_business_here_is_done(crm: CrmWorld, type: Any) -> None:
    answer = crm.post({"type": type, "data": {"id": "e1"}})
    assert (answer.status_code, answer.get_json()) == (200, {"success": True, "results": []})


@pytest.mark.parametrize("said", [RuntimeError(), KeyError("id"), None, 5, ["e1"], [None]])
def test_a_reader_that_fails_may_be_better_when_it_comes_again(said: Any) -> None:
    """A mistake of the user's is mended by then; nothing is lost meanwhile."""

    def read(request: ExternalRequest) -> Any:
        if isinstance(said, Exception):
            raise said
        return said

    answer = crm_world(standard_webhooks(read=read)).post(CREATED)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_what_json_cannot_carry_is_a_failure_of_that_event_alone() -> None:
    """A durable delivery could not store it."""

    def read(request: ExternalRequest) -> list[ExternalEvent]:
        return [ExternalEvent("updated", "e1", {"first_name": object()}), ExternalEvent("updated", "e1")]

    results = crm_world(standard_webhooks(read=read)).post(CREATED).get_json()["results"]
    assert ["JSON cannot carry" in result.get("error", "") for result in results] == [True, False]


def test_a_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="created, updated"):
        ExternalEvent("exploded", "e1")  # type: ignore[arg-type]  # on purpose


# Several events of a request


def test_one_bad_event_does_not_stop_the_rest() -> None:
    """One that is to be tried again makes the whole request come again; then the others are known to be done."""
    crm = crm_world(hubspot_webhooks(), crm=crm_with(ANA, {"ref": "e2"}, {"ref": "e3"}))
    events = [hubspot_event("contact.creation", id) for id in ("e1", "e2", None, "e3")]
    crm.world.platform.fail("create_contact", Result.failed("no such field"))
    crm.world.platform.fail("create_contact", Result.failed("busy", retryable=True))
    first = crm.hubspot(events)
    assert first.status_code == 503
    results = first.get_json()["results"]
    assert [result.get("action", result.get("error")) for result in results][:2] == ["no such field", "busy"]
    assert [result["success"] for result in results] == [False, False, False, True]
    second = crm.hubspot([{**event, "attemptNumber": 1} for event in events])
    assert second.status_code == 200
    assert [result.get("action") for result in second.get_json()["results"]] == [
        "created",
        "created",
        None,
        "unchanged",
    ]


def test_a_crm_that_is_away_is_not_asked_for_each_event() -> None:
    """After three in a row, the rest is put off untried."""
    crm = crm_world(hubspot_webhooks())
    crm.world.crm.fail_next(ConnectionError(), method="get_contact", times=50)
    answer = crm.hubspot([hubspot_event("contact.creation", f"r{n}") for n in range(50)])
    assert answer.status_code == 503
    assert crm.reads == 3
    assert "not tried" in answer.get_json()["results"][-1]["error"]


# Challenges, and what else is answered


def test_slacks_url_is_verified_by_its_challenge() -> None:
    """Only if it is signed."""
    crm = crm_world(slack_webhooks(), install=False)
    answer = crm.slack({"type": "url_verification", "token": "t", "challenge": "3eZbrw1aBm2rZgRNFdxV"})
    assert (answer.status_code, answer.get_json()) == (200, {"challenge": "3eZbrw1aBm2rZgRNFdxV"})
    assert crm.send(encoded({"type": "url_verification", "challenge": "x"}), {}).status_code == 401


@pytest.mark.parametrize("challenge", [None, {"a": 1}, ["x"], 5, True])
def test_a_challenge_that_is_no_text_is_not_answered(challenge: object) -> None:
    crm = crm_world(slack_webhooks())
    assert crm.slack({"type": "url_verification", "challenge": challenge}).status_code == 400


@pytest.mark.parametrize("text", ["", "<script>alert(1)</script>", "\ud800", "é\n\x00", "x" * 100_000])
def test_a_challenge_is_answered_as_json_and_as_nothing_else(text: str) -> None:
    """No browser takes it for a page."""
    answer = crm_world(slack_webhooks()).slack({"type": "url_verification", "challenge": text})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert json.loads(answer.data) == {"challenge": text}


def test_a_challenge_of_the_users_that_is_no_text_is_a_fault_of_the_reader() -> None:
    crm = crm_world(standard_webhooks(read=lambda request: Challenge(request.json()["challenge"])))
    assert crm.post({"challenge": 5}).status_code == 503


def test_a_readers_own_challenge_is_answered() -> None:
    crm = crm_world(standard_webhooks(read=lambda request: Challenge(f"for {request.query}")))
    assert crm.post(b"{}", path="/crm/?who=me").get_json() == {"challenge": "for who=me"}


def test_an_answer_says_no_value_of_a_record(crm: CrmWorld) -> None:
    assert "ana@example.org" not in crm.post(CREATED).get_data(as_text=True)


@pytest.mark.parametrize("scheme", ["standard", "hubspot", "slack", "hmac", "bearer"])
def test_no_secret_signature_or_body_is_in_the_log(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    """At the most talkative level, whatever becomes of the request."""
    caplog.set_level(logging.DEBUG)
    token = "a-token-that-nobody-may-see"
    hmac_header = HmacHeader(token, header="X-Signature")
    crm = crm_world(
        {
            "/standard": standard_webhooks(),
            "/hubspot": hubspot_webhooks(),
            "/slack": slack_webhooks(),
            "/hmac": ExternalWebhooks(hmac_header),
            "/bearer": ExternalWebhooks(BearerTokens(token)),
        }
    )
    path = f"/crm/{scheme}"
    marked = {"type": "contact.created", "data": {"id": "e1"}, "portalId": PORTAL, "secret-value": "not for the log"}
    now = time.time()
    senders = {
        "standard": lambda at: crm.post(marked, path=path, at=at),
        "hubspot": lambda at: crm.hubspot(marked, path=path, at=at),
        "slack": lambda at: crm.slack(marked, path=path, at=at),
        "hmac": lambda at: crm.send(encoded(marked), {"X-Signature": f"{at:064.0f}"}, path),
        "bearer": lambda at: crm.send(encoded(marked), {"Authorization": f"Bearer {token}{'x' * (at < now)}"}, path),
    }
    for at in (now, now - 1000, now + 1000, now):
        senders[scheme](at)
    crm.send(encoded(marked), {"webhook-signature": "v1,not-for-the-log", "x-slack-signature": "not-for-the-log"}, path)
    assert "refused" in caplog.text
    for hidden in (
        SECRET,
        "a-client-secret",
        "a-signing-secret",
        token,
        "not for the log",
        "not-for-the-log",
        "v1,",
        "v0=",
    ):
        assert hidden not in caplog.text
