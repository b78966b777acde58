"""What every scheme does: whom it lets in, whom it refuses, and what it shows of its secrets."""

from __future__ import annotations

import hashlib
import hmac
import sys
from typing import Any

import pytest

from contact_sync import ConfigurationError
from contact_sync.external_webhooks import (
    BasicCredentials,
    BearerTokens,
    ExternalRequest,
    ExternalWebhooks,
    HmacHeader,
    HubSpotV3,
    Refusal,
    Scheme,
    SlackV0,
    StandardWebhooks,
    Verified,
)
from tests.external_webhooks.signing import CASES, NOW, PUBLIC_URL, Case, hubspot, standard, whsec, with_headers

TIMED = [case for case in CASES if case.times]


def named(case: Case) -> str:
    return case.name


def is_in(scheme: Scheme, request: ExternalRequest, now: float = NOW) -> bool:
    verdict = scheme.verify(request, now)
    assert isinstance(verdict, Verified | Refusal)
    return isinstance(verdict, Verified)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_who_has_the_secret_is_let_in(case: Case) -> None:
    scheme = case.make(case.secret)
    for body in (b"", b"[]", b"\xff\x00not text", "é".encode() * 1000):
        assert is_in(scheme, case.request(body))


@pytest.mark.parametrize("case", CASES, ids=named)
def test_who_has_another_secret_is_refused(case: Case) -> None:
    assert not is_in(case.make(case.other), case.request())


@pytest.mark.parametrize("case", CASES, ids=named)
def test_while_a_secret_is_replaced_both_are_in_use(case: Case) -> None:
    scheme = case.make([case.other, case.secret])
    assert is_in(scheme, case.request())
    assert is_in(scheme, case.request(secret=case.other))


@pytest.mark.parametrize("case", [case for case in CASES if case.body], ids=named)
def test_another_body_is_refused(case: Case) -> None:
    request = case.request(b'{"a": 1}')
    for body in (b'{"a": 2}', b'{"a": 1} ', b"", b'{"a":1}'):
        assert not is_in(case.make(case.secret), ExternalRequest(request.headers, body))


@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_header_is_needed_and_every_letter_of_it(case: Case) -> None:
    request, scheme = case.request(), case.make(case.secret)
    for name in case.headers:
        value = request.headers[name]
        last = "x" if value[-1] != "x" else "y"
        for changed in (None, "", value[:-2], value + "a", last + value[1:], f"{value},{value}"):
            assert not is_in(scheme, with_headers(request, {name: changed})), (name, changed)


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize(
    "hostile",
    ["\x00", "é", "中", "\ud800", "0" * 9000, "-1", "+1", " ", "1e3", "١٢٣", "v1,", "Basic", "Basic ===", "\r\n", "🙂"],
    ids=ascii,
)
def test_whatever_a_header_holds_it_is_refused_and_no_more(case: Case, hostile: str) -> None:
    for name in case.headers:
        assert not is_in(case.make(case.secret), with_headers(case.request(), {name: hostile}))


@pytest.mark.parametrize("case", TIMED, ids=named)
def test_a_request_is_fresh_for_five_minutes_either_way(case: Case) -> None:
    """The border belongs to it."""
    scheme = case.make(case.secret)
    for away in (-300, -299, 0, 299, 300):
        assert is_in(scheme, case.request(at=NOW + away))
    for away in (-301, 301, -86_400, 86_400):
        assert not is_in(scheme, case.request(at=NOW + away))


@pytest.mark.parametrize("case", TIMED, ids=named)
def test_a_request_cannot_be_given_another_time(case: Case) -> None:
    old = case.request(at=NOW - 1000)
    fresh = case.request(at=NOW)
    time = next(name for name in case.headers if "time" in name)
    assert not is_in(case.make(case.secret), with_headers(old, {time: fresh.headers[time]}))


@pytest.mark.parametrize("case", TIMED, ids=named)
def test_a_copy_has_the_fingerprint_of_the_original_and_nothing_else_has(case: Case) -> None:
    scheme = case.make(case.secret)

    def mark(request: ExternalRequest) -> bytes | None:
        verdict = scheme.verify(request, NOW)
        assert isinstance(verdict, Verified)
        return verdict.fingerprint

    assert mark(case.request()) == mark(case.request())
    assert None not in {mark(case.request())}
    assert len({mark(case.request()), mark(case.request(at=NOW + 1)), mark(case.request(b"[]"))}) == 3


@pytest.mark.parametrize("case", [case for case in CASES if not case.times], ids=named)
def test_without_a_time_a_repeat_cannot_be_told_from_a_copy(case: Case) -> None:
    assert case.make(case.secret).verify(case.request(), NOW) == Verified(None)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_no_secret_is_shown(case: Case) -> None:
    scheme = case.make([case.secret, case.other])
    verdicts = scheme.verify(case.request(), NOW), scheme.verify(case.request(secret="x" * 20 + case.secret[6:]), NOW)
    for shown in (repr(scheme), repr(ExternalWebhooks(scheme)), repr(verdicts), repr(case.request())):
        assert case.secret not in shown
        assert case.other not in shown


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize(
    "given", ["", None, [], [""], "short", ["a secret that is long enough", "short"], 5, b"x" * 40]
)
def test_no_secret_or_half_a_one_is_refused_at_once(case: Case, given: Any) -> None:
    """And not repeated."""
    with pytest.raises(ConfigurationError, match=r"secrets|passwords|tokens") as caught:
        case.make(given)
    assert "short" not in str(caught.value)
    assert "long enough" not in str(caught.value)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_secret_with_the_end_of_its_line_is_refused(case: Case) -> None:
    """It was read from a file, and would never be right."""
    with pytest.raises(ConfigurationError, match="white space"):
        case.make(case.secret + "\n")


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "300", None, 100_000])
def test_a_tolerance_that_is_none_is_refused(seconds: Any) -> None:
    for make in (
        lambda: StandardWebhooks(whsec(b"a"), tolerance=seconds),
        lambda: SlackV0("a secret of sixteen", tolerance=seconds),
        lambda: HubSpotV3("a secret of sixteen", public_url=PUBLIC_URL, tolerance=seconds),
    ):
        with pytest.raises(ConfigurationError, match="tolerance"):
            make()


# Standard Webhooks


def test_an_id_with_a_full_stop_could_be_cut_up_in_another_way() -> None:
    """`a` at `1` with the body `2.x` is signed as `a.1` at `2` with the body `x` is."""
    secret = whsec(b"a")
    headers = standard(secret, f"{NOW}.x".encode(), NOW, "a") | {
        "webhook-id": f"a.{NOW}",
        "webhook-timestamp": f"{NOW}",
    }
    assert not is_in(StandardWebhooks(secret), ExternalRequest(headers, b"x"))


def test_only_so_many_signatures_are_looked_at() -> None:
    secret = whsec(b"a")
    request = ExternalRequest(standard(secret, b"x", NOW), b"x")
    right = request.headers["webhook-signature"]
    for wrong, expected in ((19, True), (20, False)):
        listed = " ".join(["v1,AAAA"] * wrong + [right])
        assert is_in(StandardWebhooks(secret), with_headers(request, {"webhook-signature": listed})) is expected


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("whsec_" + "A" * 30, "24 to 64 bytes"),
        (whsec(b"a" * 3), "24 to 64 bytes"),
        ("whsec_ not base64 at all!", "base64"),
        ("whpk_" + "A" * 40, "Ed25519"),
        ("whpk_!" + "A" * 40, "base64"),
    ],
)
def test_what_is_no_secret_of_standard_webhooks_is_refused(secret: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        StandardWebhooks(secret)
    assert secret not in str(caught.value)


def test_without_cryptography_a_public_key_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(ConfigurationError, match=r"contact-sync\[crypto\]"):
        StandardWebhooks("whpk_" + "A" * 43 + "=")


# HubSpot


@pytest.mark.parametrize(
    ("query", "signed"),
    [
        ("", ""),
        ("src=hubspot&x=1", "?src=hubspot&x=1"),
        ("src=hs%3Aapp%2Fv3&x=%28a%29", "?src=hs:app/v3&x=(a)"),
        ("a=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B", "?a=:/?@!$'()*,;"),
        ("a=%3a%2f", "?a=:/"),
        ("a=%20%26%3D%253A", "?a=%20%26%3D%253A"),
        ("a=%3A", "?a=%3A"),
    ],
)
def test_the_uri_is_signed_with_what_hubspot_documents_decoded_or_as_it_is(query: str, signed: str) -> None:
    """Twelve characters and no others. HubSpot's own libraries decode none, so either form is taken."""
    secret = "a-client-secret-of-hubspot"
    headers = hubspot(secret, b"[]", NOW, PUBLIC_URL + signed)
    scheme = HubSpotV3(secret, public_url=PUBLIC_URL)
    assert is_in(scheme, ExternalRequest(headers, b"[]", "POST", "/elsewhere", query))
    assert not is_in(scheme, ExternalRequest(headers, b"[]", "POST", "/elsewhere", query + "&more=1"))


@pytest.mark.parametrize(
    ("url", "method"),
    [("http://hooks.example.com/crm", "POST"), (PUBLIC_URL + "/", "POST"), (PUBLIC_URL, "PUT"), ("/crm", "POST")],
)
def test_another_url_or_method_is_refused(url: str, method: str) -> None:
    secret = "a-client-secret-of-hubspot"
    request = ExternalRequest(hubspot(secret, b"[]", NOW, url, method), b"[]")
    assert not is_in(HubSpotV3(secret, public_url=PUBLIC_URL), request)


@pytest.mark.parametrize("url", ["", "/crm", "example.com/crm", "ftp://example.com/", PUBLIC_URL + "?a=1", None, 5])
def test_a_public_url_that_is_none_is_refused(url: Any) -> None:
    with pytest.raises(ConfigurationError, match="public_url"):
        HubSpotV3("a-client-secret-of-hubspot", public_url=url)


# HMAC in a header


def test_hexadecimal_digits_may_be_capitals() -> None:
    case = next(case for case in CASES if case.name == "github")
    request = case.request()
    value = request.headers["x-hub-signature-256"]
    assert is_in(case.make(case.secret), with_headers(request, {"x-hub-signature-256": value.upper()}))


def test_a_time_may_be_told_in_milliseconds() -> None:
    case = next(case for case in CASES if case.name == "timed")
    for at, expected in ((NOW * 1000, True), (NOW * 1000 + 300_001, False)):
        assert is_in(case.make(case.secret), ExternalRequest(case.sign(case.secret, b"x", at), b"x")) is expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"header": ""}, "header"),
        ({"header": "not a name"}, "header"),
        ({"header": None}, "header"),
        ({"algorithm": "md5"}, "algorithm"),
        ({"encoding": "base32"}, "encoding"),
        ({"prefix": None}, "prefix"),
        ({"signed": "{timestamp}"}, "body"),
        ({"signed": "{timestamp}.{body}"}, "timestamp_header"),
        ({"timestamp_header": "X-Time"}, "signed"),
        ({"signed": "{id}.{body}"}, "id_header"),
        ({"id_header": "a b"}, "id_header"),
    ],
)
def test_an_hmac_header_that_cannot_be_meant_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        HmacHeader("a secret of sixteen", **{"header": "X-Signature", **given})


def test_an_old_hub_signature_is_taken_where_it_is_asked_for() -> None:
    """SHA-1, as older senders have it."""
    secret = "a-secret-of-an-older-sender"
    signature = hmac.new(secret.encode(), b"x", hashlib.sha1).hexdigest()
    scheme = HmacHeader(secret, header="X-Hub-Signature", prefix="sha1=", algorithm="sha1")
    assert is_in(scheme, ExternalRequest({"x-hub-signature": f"sha1={signature}"}, b"x"))


# Credentials


@pytest.mark.parametrize("username", ["", "a:b", None, 5])
def test_a_name_that_basic_authentication_cannot_carry_is_refused(username: Any) -> None:
    with pytest.raises(ConfigurationError, match="username"):
        BasicCredentials(username, "a password of sixteen")


def test_another_name_is_refused() -> None:
    case = next(case for case in CASES if case.name == "basic")
    assert not is_in(BasicCredentials("another", case.secret), case.request())


def test_a_token_stands_behind_bearer_or_alone() -> None:
    scheme = BearerTokens("a-token-that-is-long-enough")
    for value in (
        "Bearer a-token-that-is-long-enough",
        "bearer  a-token-that-is-long-enough",
        "a-token-that-is-long-enough",
    ):
        assert is_in(scheme, ExternalRequest({"authorization": value}, b""))
    assert not is_in(scheme, ExternalRequest({"authorization": "Basic a-token-that-is-long-enough"}, b""))
