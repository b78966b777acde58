"""Origins, as settings give them and browsers write them."""

from __future__ import annotations

import pytest

from contact_sync.errors import ConfigurationError
from contact_sync.settings_page import SettingsPages, origin_of
from tests.settings_page.helpers import verify


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.botmatic.ai", "https://app.botmatic.ai"),
        ("https://app.botmatic.ai/", "https://app.botmatic.ai"),
        ("HTTPS://App.Botmatic.AI:443/api?x#y", "https://app.botmatic.ai"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://localhost:8080/base/", "http://localhost:8080"),
        ("https://user:password@app.botmatic.ai:8443/", "https://app.botmatic.ai:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://a.example:0443", "https://a.example"),
    ],
)
def test_the_origin_is_what_browsers_compare_with(url: str, origin: str) -> None:
    assert origin_of(url) == origin


WRONG = [
    "",
    "app.botmatic.ai",
    "//app.botmatic.ai",
    "ftp://app.botmatic.ai",
    "file:///tmp/x",
    "https://",
    "https://:443",
    "https://a b",
    "https://a;b",
    "https://a'b",
    "https://a..b",
    "https://a.example:99999",
    "https://a.example:x",
    "https://[::1",
    "https://" + "a" * 70 + "é.example",
    None,
]


@pytest.mark.parametrize("url", WRONG)
def test_what_has_no_web_origin_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"such as 'https://app.botmatic.ai'"):
        origin_of(url)


@pytest.mark.parametrize(
    "entry",
    [
        *WRONG,
        "*",
        "https://*.botmatic.ai",
        "'self'",
        "null",
        "https://app.botmatic.ai/path",
        "https://app.botmatic.ai?x",
        "https://app.botmatic.ai#x",
        "https://user:hunter2@app.botmatic.ai",
        "https://a.example; script-src *",
    ],
)
def test_only_exact_origins_may_frame_the_page(entry: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^frame_ancestors: entry 2") as error:
        SettingsPages(verify, frame_ancestors=["https://ok.example", entry])
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("origins", ["https://app.botmatic.ai", [], ()])
def test_the_setting_is_a_list_that_is_not_empty(origins: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="frame_ancestors must be a list of origins"):
        SettingsPages(verify, frame_ancestors=origins)
