"""What a phone does in an address book: plain HTTP, without anything of ours."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

import requests
from requests.auth import HTTPBasicAuth

ANA = """BEGIN:VCARD
VERSION:3.0
UID:{uid}
FN:Ana Torres
N:Torres;Ana;;;
item1.EMAIL;type=INTERNET;type=pref:ana@example.org
item1.X-ABLabel:_$!<Work>!$_
EMAIL;TYPE=HOME:ana@home.example
TEL;TYPE=CELL:+33 6 12 34 56 78
ORG:Example\\, Inc.;Research
X-SPOUSE;X-SINCE=2011:Marta
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD//gA+
END:VCARD
"""


@dataclass(frozen=True)
class Phone:
    """A phone that keeps an address book.

    Attributes:
        url: The address book's.
        auth: Its owner's name and password.
    """

    url: str
    auth: tuple[str, str]

    def add(self, card: str = ANA) -> str:
        """Store a new card. Its name."""
        uid = str(uuid.uuid4())
        name = f"{uid}.vcf"
        self.put(name, card.replace("{uid}", uid))
        return name

    def put(self, name: str, card: str, **headers: str) -> None:
        """Store a card under a name."""
        self.call("PUT", name, card, {"Content-Type": "text/vcard", **headers})

    def card(self, name: str) -> str:
        """A card's text, with its lines unfolded."""
        return re.sub("\r\n[ \t]", "", self.call("GET", name).content.decode()).replace("\r\n", "\n")

    def lines(self, name: str) -> set[str]:
        """The lines of a card: in which order they are does not matter."""
        return set(self.card(name).splitlines())

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a card as its editor does: read it, change something, store it unless it was changed meanwhile."""
        reply = self.call("GET", name)
        text = reply.content.decode().replace("\r\n ", "").replace("\r\n", "\n")
        assert old in text
        self.put(name, text.replace(old, new), **{"If-Match": reply.headers["ETag"]})

    def delete(self, name: str) -> None:
        """Delete a card."""
        self.call("DELETE", name)

    def names(self) -> list[str]:
        """The names of all cards."""
        reply = self.call("PROPFIND", "", headers={"Depth": "1"})
        return sorted(re.findall(r"<href>[^<]*/([^/<]+)</href>", reply.text))

    def call(
        self, method: str, name: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Make a call, which has to succeed."""
        data = None if body is None else body.encode()
        auth = HTTPBasicAuth(*(part.encode() for part in self.auth))
        reply = requests.request(method, self.url + name, data=data, auth=auth, headers=headers, timeout=10)
        reply.raise_for_status()
        return reply
