"""Answers that a healthy Radicale does not give: `responses`, put together as a WebDAV server's."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import requests
import responses

SERVER = "https://dav.example.com"
PATH = "/ann/contacts"
BOOK = SERVER + PATH

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{uid}\r\nEND:VCARD\r\n"


class StandIn:
    """A server at `BOOK` that answers as a test wants it.

    Args:
        mock: What catches the calls.
    """

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock

    def answers(self, method: str, *rows: str, token: str = "", place: str = f"{BOOK}/") -> None:
        """Answer the next such call with rows."""
        body = f'<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav">{"".join(rows)}'
        body += f"<sync-token>{token}</sync-token></multistatus>" if token else "</multistatus>"
        self.mock.add(method, place, body=body, status=207, content_type="application/xml")

    def says(self, method: str, body: str | bytes | Exception, status: int = 207, name: str = "") -> None:
        """Answer the next such call with something else."""
        self.mock.add(method, f"{BOOK}/{name}", body=body, status=status)

    def has(self, *names: str) -> None:
        """Give cards that are asked for one by one."""
        for name in names:
            self.mock.get(f"{BOOK}/{name}", body=CARD.format(uid=name), headers={"ETag": '"1"'})

    def asked(self, method: str) -> list[requests.PreparedRequest]:
        """The calls that were made of a method."""
        return [call.request for call in self.mock.calls if call.request.method == method]

    def sent(self, method: str) -> list[str]:
        """What was sent with the calls of a method."""
        bodies = [request.body for request in self.asked(method)]
        return [body.decode() for body in bodies if isinstance(body, bytes)]


def row(href: str, *props: str, status: int | None = None) -> str:
    """What an answer says of one resource: its properties, or its status."""
    if status is not None:
        return f"<response><href>{href}</href><status>HTTP/1.1 {status} Said</status></response>"
    found = f"<propstat><prop>{''.join(props)}</prop><status>HTTP/1.1 200 OK</status></propstat>"
    return f"<response><href>{href}</href>{found}</response>"


def book(href: str = f"{PATH}/", name: str = "") -> str:
    """What an answer says of the address book."""
    kind = "<resourcetype><collection/><c:addressbook/></resourcetype>"
    return row(href, kind, f"<displayname>{name}</displayname>")


def cards(names: Iterable[str]) -> list[str]:
    """Cards with what is on them."""
    return [
        row(f"{PATH}/{name}", f"<c:address-data>{escape(CARD.format(uid=name))}</c:address-data>") for name in names
    ]
