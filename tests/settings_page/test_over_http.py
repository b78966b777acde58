"""What depends on how bodies come over a real connection."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator

import pytest
import requests

from contact_sync.testing.sandbox import LoopbackServer
from tests.settings_page.helpers import TOKEN, Site


@pytest.fixture
def site() -> Site:
    return Site(body_limit=1_000, upload_limit=2_000_000)


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    with LoopbackServer(site.app) as server:
        yield f"{server.url}/settings"


def test_files_may_be_larger_than_other_bodies_but_their_text_fields_may_not(site: Site, url: str) -> None:
    sizes: list[int] = []

    def update(auth: object, fields: object) -> dict[str, bool]:
        assert isinstance(fields, dict)
        sizes.append(len(fields["logo"].read()))
        return {"success": True}

    site.pages.on_update("/settings", update)
    token = {"token": TOKEN}
    saved = requests.post(url, data=token, files={"logo": ("l.png", b"x" * 1_500_000)}, timeout=20)
    assert saved.json() == {"success": True}
    long_text = {**token, "text": "x" * 1_500_000}
    assert requests.post(url, data=long_text, files={"logo": ("l.png", b"x")}, timeout=20).status_code == 413
    assert sizes == [1_500_000]


@pytest.mark.parametrize(
    ("mimetype", "start", "more", "times"),
    [
        ("application/json", b'{"token": "%s"}' % TOKEN.encode(), b" " * 900, 3),
        ("application/x-www-form-urlencoded", b"token=%s&a=" % TOKEN.encode(), b"x" * 900, 3),
        (
            "multipart/form-data; boundary=b",
            b"",
            b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + b"x" * 100_000 + b"\r\n",
            21,
        ),
    ],
    ids=["json", "form", "files"],
)
def test_a_body_without_a_length_is_held_to_the_limit_too(
    site: Site, url: str, mimetype: str, start: bytes, more: bytes, times: int
) -> None:
    """What is cut off at the limit may still look whole, such as JSON with spaces after it."""
    answer = requests.post(url, data=iter([start, *[more] * times]), headers={"Content-Type": mimetype}, timeout=20)
    assert answer.status_code == 413
    assert answer.json() == {"success": False, "error": "the form is too large"}
    assert site.asked == []


def test_a_body_without_a_length_within_the_limit_is_read(site: Site, url: str) -> None:
    body = iter([b'{"token": "' + TOKEN.encode(), b'", "api_key": "k"}'])
    answer = requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=20)
    assert answer.json() == {"success": True}
    assert site.saved[0][1] == {"api_key": "k"}


def test_a_body_that_breaks_off_changes_nothing(site: Site, url: str) -> None:
    port = int(url.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        body = json.dumps({"token": TOKEN}).encode()
        head = (
            f"POST /settings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body) + 9}"
        )
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        with answer:
            assert answer.status == 400
            assert json.loads(answer.read()) == {"success": False, "error": "the body could not be read"}
    assert site.saved == []
