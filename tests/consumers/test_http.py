"""The HTTP client of ready-made consumers: it speaks to one server alone, and tells nobody what it says there."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from werkzeug import Request, Response

from contact_sync import ConfigurationError
from contact_sync.consumer import pages
from contact_sync.consumers.auth import BearerAuth, QueryAuth
from contact_sync.consumers.carddav import discover
from contact_sync.consumers.http import Api, OtherOrigin
from contact_sync.consumers.rest import RestConsumer
from contact_sync.testing.sandbox import LoopbackServer

KEY = "s3cret-key"


class Site:
    """A WSGI app that remembers what it was called with.

    Attributes:
        url: Where it is.
        answer: What it answers.
        got: Path and authorization of each call.
    """

    def __init__(self) -> None:
        self.url = ""
        self.answer = Response("{}", content_type="application/json")
        self.got: list[tuple[str, str | None]] = []

    def __call__(self, environ, start):  # type: ignore[no-untyped-def]  # WSGI
        self.got.append((environ["REQUEST_URI"], Request(environ).headers.get("Authorization")))
        return self.answer(environ, start)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Site, Site]]:
    """Two servers, which live as long as this module's tests."""
    with ExitStack() as opened:
        sites = Site(), Site()
        for site in sites:
            site.url = opened.enter_context(LoopbackServer(site)).url
        yield sites


@pytest.fixture
def ours(running: tuple[Site, Site]) -> Site:
    """The declared server."""
    running[0].got.clear()
    running[0].answer = Response("{}", content_type="application/json")
    return running[0]


@pytest.fixture
def foreign(running: tuple[Site, Site]) -> Iterator[Site]:
    """Another server, on another port. Whatever a test does, it is not called."""
    running[1].got.clear()
    yield running[1]
    assert running[1].got == []


@pytest.fixture
def api(ours: Site) -> Iterator[Api]:
    """A client of the declared server."""
    with closing(Api(ours.url, auth=BearerAuth(KEY))) as api:
        yield api


LINKS = [
    r"{foreign}\@{host}/x",
    r"{foreign}\\@{host}/x",
    r"{foreign}%5C@{host}/x",
    r"{foreign}/\@{host}/x",
    "{foreign}#@{host}/x",
    "{foreign}?@{host}/x",
    "{foreign}\t@{host}/x",
    "{foreign}\x00@{host}/x",
    "{foreign} @{host}/x",
    "http://{host}@{foreign_host}/x",
    "http://{host}:80@{foreign_host}/x",
    r"http://{host}\@{foreign_host}/x",
    "http://ann@{host}/x",
    "//{foreign_host}/x",
    "https://{host}/x",
    "http://{host}:1/x",
    "http://[/x",
    "ftp://{host}/x",
]
"""Links of a server. None of them is followed: most lead elsewhere, at least for some programs."""


def filled(link: str, ours: Site, foreign: Site) -> str:
    host, other = (site.url.removeprefix("http://") for site in (ours, foreign))
    return link.format(foreign=foreign.url, host=host, foreign_host=other)


@pytest.mark.parametrize("link", LINKS)
def test_a_link_to_another_server_is_not_followed(ours: Site, foreign: Site, api: Api, link: str) -> None:
    with pytest.raises(OtherOrigin) as refused:
        api.call("GET", filled(link, ours, foreign))
    assert (ours.got, KEY in str(refused.value)) == ([], False)


@pytest.mark.parametrize("path", ["@{host}/x", ":{port}/x", ".evil.example:{port}/x", "\t/x"])
def test_a_path_leads_nowhere_but_below_the_declared_url(ours: Site, foreign: Site, path: str) -> None:
    """Also one without a slash before it, where there is nothing but a server to add it to."""
    declared, _, port = ours.url.rpartition(":")
    there = path.format(host=foreign.url.removeprefix("http://"), port=port)
    with closing(Api(declared, auth=BearerAuth(KEY))) as api, pytest.raises(OtherOrigin):
        api.call("GET", there)
    assert ours.got == []


def test_links_within_the_server_are_followed_however_they_are_written(ours: Site, api: Api) -> None:
    host = ours.url.removeprefix("http://")
    for link in ("/x?a=1", f"{ours.url}/x?a=1", f"//{host}/x?a=1", f"HTTP://{host}/./x?a=1"):
        assert api.call("GET", link).status == 200
    assert ours.got == [("/x?a=1", f"Bearer {KEY}")] * 4


@pytest.mark.parametrize(
    "link", [r"{foreign}\@{host}/x", "http://{host}@{foreign_host}/x", "//{foreign_host}/x", r"\\{foreign_host}\x"]
)
@pytest.mark.parametrize("kind", ["next_link", "header_link"])
def test_a_next_page_on_another_server_ends_a_walk(ours: Site, foreign: Site, kind: str, link: str) -> None:
    there = filled(link, ours, foreign)
    quoted = there.replace("\\", "\\\\")
    ours.answer = Response(f'{{"items": [{{"id": "1"}}], "next": "{quoted}"}}', content_type="application/json")
    ours.answer.headers["Link"] = f'<{there}>; rel="next"'
    paging = {"type": kind, **({"next": "next"} if kind == "next_link" else {})}
    declared = {
        "base_url": ours.url,
        "auth": {"type": "bearer", "token": KEY},
        "record": {"list": "items"},
        "paging": paging,
    }
    with closing(RestConsumer(declared)) as consumer:
        assert [page.success for page in pages(consumer)] == [True, False]
    assert len(ours.got) == 1


@pytest.mark.parametrize("link", [r"{foreign}\@{host}/dav/", "http://{host}@{foreign_host}/", "//{foreign_host}/"])
@pytest.mark.parametrize("redirect", [True, False])
def test_address_books_on_another_server_are_not_asked_for(
    ours: Site, foreign: Site, link: str, redirect: bool
) -> None:
    """Whether a redirect leads there, or what an answer says of the user."""
    there = filled(link, ours, foreign)
    if redirect:
        ours.answer = Response(status=301, headers={"Location": there})
    else:
        said = f"<current-user-principal><href>{there}</href></current-user-principal>"
        found = f"<propstat><prop>{said}</prop><status>HTTP/1.1 200 OK</status></propstat>"
        row = f'<multistatus xmlns="DAV:"><response><href>/</href>{found}</response></multistatus>'
        ours.answer = Response(row, 207, content_type="application/xml")
    with pytest.raises(OtherOrigin):
        discover(ours.url, ("ann", KEY))
    assert len(ours.got) == 1


@pytest.mark.parametrize(
    "url", ["http://crm.example\\.evil.example", "http://crm.example:99999", "http://[::1", "ftp://a"]
)
def test_a_base_url_of_which_nobody_can_tell_where_it_leads_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url: expected an http:// or https:// URL"):
        Api(url)


@pytest.mark.parametrize("url", ["HTTP://CRM.example:80/v3/", "https://bücher.example/Zoë's book", "http://[::1]:8080"])
def test_a_base_url_may_be_written_in_many_ways(url: str) -> None:
    with closing(Api(url)) as api:
        assert api.base_url == url.rstrip("/")


def test_neither_path_nor_parameters_of_a_call_are_in_the_log_of_the_http_library(
    ours: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Look-ups by a value have addresses there. Method, host and status stay."""
    caplog.set_level(logging.DEBUG)
    with closing(Api(f"{ours.url}/below", auth=QueryAuth("key", KEY))) as api:
        api.call("GET", "/by-email/ann%40example.org", params={"phone": "+33612345678"})
    assert ours.got[0][0].startswith("/below/by-email/ann%40example.org?phone=")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("urllib3")]
    assert f'{ours.url} "GET (path) HTTP/1.1" 200 2' in lines
    for hidden in ("ann", "below", "33612345678", KEY):
        assert hidden not in "".join(lines)


def test_a_broken_header_does_not_bring_them_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno header, and ann@example.org in it\r\n\r\n{}"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with closing(Api(f"http://127.0.0.1:{listening.getsockname()[1]}")) as api:
            assert api.call("GET", "/by-email/ann%40example.org").status == 200
        thread.join(10)
    lines = "".join(f"{record.getMessage()} {record.exc_info}" for record in caplog.records)
    assert "Failed to parse headers" in lines
    assert "ann" not in lines


def test_nothing_that_is_shown_of_a_client_or_an_answer_holds_a_key_or_a_value(ours: Site) -> None:
    ours.answer.headers["Set-Cookie"] = KEY
    with closing(Api(ours.url, auth=QueryAuth("key", KEY), headers={"X-Key": KEY})) as api:
        reply = api.call("GET", "/ann%40example.org", params={"email": "ann@example.org"})
        shown = f"{api!r} {api.auth!r} {api.timeouts!r} {reply!r} {reply}"
    assert KEY in reply.url
    assert (KEY in shown, "ann" in shown) == (False, False)
