"""What is refused before anything is sent: settings, tokens, ids and values that cannot travel."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import requests
import responses

from contact_sync.errors import ConfigurationError
from contact_sync.platforms import BotmaticPlatform
from tests.platforms.helpers import BASE, SECRET, TOKEN, platform


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "blanks|https://"),
        ("app.botmatic.ai", "must begin with https://"),
        ("ftp://app.botmatic.ai", "must begin with https://"),
        ("https://", "must begin with https://"),
        ("https://user:pa55word@app.botmatic.ai", "must not hold a user or password"),
        ("https://@app.botmatic.ai", "must not hold a user or password"),
        ("https://app.botmatic.ai?a=1", "must not have a query or fragment"),
        ("https://app.botmatic.ai/#", "must not have a query or fragment"),
        ("https://app.botmatic.ai:pa55word", "host or port cannot be read"),
        ("https://[::1", "host or port cannot be read"),
        ("https://app botmatic.ai", "without blanks"),
        ("https://app.botmatic.ai/\r\nX: y", "without blanks"),
        (5, "without blanks"),
    ],
)
def test_a_base_url_that_cannot_be_spoken_to_is_refused_without_being_repeated(url: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        BotmaticPlatform(url)
    assert "base_url" in str(caught.value)
    assert "pa55word" not in str(caught.value)


def test_a_wrong_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTMATIC_BASE_URL", "nonsense")
    with pytest.raises(ConfigurationError, match=r"^BOTMATIC_BASE_URL must begin with https://"):
        BotmaticPlatform()


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://platform.example", True),
        ("http://10.0.0.5:80", True),
        ("https://platform.example", False),
        ("http://127.0.0.1:4000", False),
        ("http://[::1]:4000", False),
        ("http://localhost:4000", False),
    ],
)
def test_plain_http_beyond_this_machine_is_warned_of(url: str, warned: bool, caplog: pytest.LogCaptureFixture) -> None:
    BotmaticPlatform(url).close()
    assert ("can be read on the way" in caplog.text) is warned


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": (0, 5)},
        {"timeout": (5, -1)},
        {"time_limit": 0},
        {"retries": -1},
        {"backoff": -1},
        {"longest_wait": -0.1},
        {"pool_size": 0},
    ],
)
def test_a_setting_without_sense_is_refused_by_name(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        BotmaticPlatform(BASE, **settings)


CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("validate_token", ()),
    ("create_contact", ({},)),
    ("create_contacts", ([{}, {}],)),
    ("update_contact", ("7", {})),
    ("update_contacts", ([("7", {})],)),
    ("delete_contact", ("7",)),
    ("create_properties", ([{"name": "a"}],)),
    ("send_event_on_campaign", ("a", ["7"])),
    ("list_bots", ()),
    ("get_bot", ("7",)),
    ("update_bot", ("7", {})),
]


@pytest.mark.parametrize(
    "token", ["", " ", "a\r\nX: y", "a\nb", "a\x00b", "tök€n", "\ud800", "a\t", " a", None, 5, b"a"]
)
def test_a_token_that_cannot_be_sent_is_a_failed_result_of_every_call(token: Any) -> None:
    with responses.RequestsMock():
        for call, arguments in CALLS:
            outcome = getattr(platform(), call)(token, *arguments)
            for result in outcome if isinstance(outcome, list) else [outcome]:
                assert not result.success
                assert not result.retryable
                assert result.error == (
                    f"{call.replace('_', ' ')}: the token cannot be sent in a header; "
                    "it is empty or has characters that do not belong there"
                )


def test_a_token_with_latin_letters_and_blanks_inside_can_be_sent() -> None:
    with responses.RequestsMock() as wire:
        wire.delete(f"{BASE}/api/contacts/7", status=204)
        assert platform().delete_contact("tökén with blank", "7").success


@pytest.mark.parametrize("id", ["", ".", "..", "\ud800", None, 7])
@pytest.mark.parametrize("call", ["update_contact", "delete_contact", "get_bot", "update_bot"])
def test_an_id_that_cannot_be_part_of_a_url_is_a_failed_result(call: str, id: Any) -> None:
    arguments: list[Any] = [id, {}] if call.startswith("update") else [id]
    with responses.RequestsMock():
        result = getattr(platform(), call)(TOKEN, *arguments)
    assert result.error == f"{call.replace('_', ' ')}: this id cannot be part of a URL"


@pytest.mark.parametrize(
    ("id", "quoted"),
    [
        ("a/b", "a%2Fb"),
        ("../bots", "..%2Fbots"),
        ("a?b=c", "a%3Fb%3Dc"),
        ("a#b", "a%23b"),
        ("100%", "100%25"),
        ("%2e%2e", "%252e%252e"),
        ("...", "..."),
        ("a b\n", "a%20b%0A"),
        (":*{}\\", "%3A%2A%7B%7D%5C"),
        ("é", "%C3%A9"),
        ("x" * 10_000, "x" * 10_000),
    ],
)
def test_a_hostile_id_is_only_an_id(id: str, quoted: str) -> None:
    with responses.RequestsMock() as wire:
        route = wire.delete(f"{BASE}/api/contacts/{quoted}", status=204)
        assert platform().delete_contact(TOKEN, id).id == id
        assert route.calls[0].request.url == f"{BASE}/api/contacts/{quoted}"


def circle() -> dict[str, Any]:
    whole: dict[str, Any] = {}
    whole["self"] = whole
    return whole


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), date(2020, 2, 29), {SECRET}, b"x", circle(), deep()])
def test_a_value_that_json_cannot_carry_is_a_failed_result_without_the_value(value: Any) -> None:
    botmatic = platform()
    bad = {"name": SECRET, "odd": value}
    with responses.RequestsMock():
        results = [
            botmatic.create_contact(TOKEN, bad),
            botmatic.update_contact(TOKEN, "7", bad),
            botmatic.update_bot(TOKEN, "7", bad),
            *botmatic.create_contacts(TOKEN, [bad]),
            *botmatic.update_contacts(TOKEN, [("7", bad)]),
        ]
    for result in results:
        assert "a value cannot be sent as JSON" in (result.error or "")
        assert SECRET not in (result.error or "")
        assert not result.retryable


def test_one_contact_that_cannot_be_sent_does_not_stop_the_others() -> None:
    botmatic = platform()
    with responses.RequestsMock() as wire:
        entries = [{"success": True, "id": 1}, {"success": True, "id": 3}]
        wire.post(
            f"{BASE}/api/contacts",
            json={"contacts": entries},
            status=201,
            match=[responses.matchers.json_params_matcher({"contacts": [{"n": 1}, {"n": 3}]})],
        )
        created = botmatic.create_contacts(TOKEN, [{"n": 1}, {"n": {2}}, {"n": 3}])
        wire.patch(f"{BASE}/api/contacts", json={"contacts": [{"success": True}, {"success": False}]})
        updated = botmatic.update_contacts(TOKEN, [("1", {"n": {2}}), ("2", {}), ("3", {})])
    assert [result.id for result in created] == ["1", None, "3"]
    assert [(result.success, result.id) for result in updated] == [(False, None), (True, "2"), (False, "3")]


def test_a_given_session_stays_open_and_an_own_one_is_closed() -> None:
    class Session(requests.Session):
        closed = 0

        def close(self) -> None:
            self.closed += 1
            super().close()

    given = Session()
    botmatic = platform(session=given)
    botmatic.close()
    assert given.closed == 0
    given.close()
    own = platform()
    own.close()
    own.close()
    assert repr(own) == f"BotmaticPlatform('{BASE}')"
