"""What a WebDAV server answers, read as from a stranger.

Python's own parser of XML (expat) is enough if documents with a DTD are turned down: without one there is no entity
that could grow, or lead to a file. How deep and how large a document is, is bounded as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from contact_sync.consumers.http import Reply, UnreadableAnswer

DAV: Final = "{DAV:}"
CARDDAV: Final = "{urn:ietf:params:xml:ns:carddav}"

DEEPEST: Final = 50
MOST_ELEMENTS: Final = 1_000_000
"""Far more than the largest answer holds that is read at all (`MAX_ANSWER`), if it is about cards."""

_STATUS: Final = re.compile(r"HTTP/[0-9.]+ ([1-5][0-9]{2})\b.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """What an answer says about one resource.

    Attributes:
        href: Where it is, as the server wrote it.
        status: The HTTP status of the resource: 200 if the server only tells its properties.
        props: The properties that it has, by name (`{DAV:}getetag`).
    """

    href: str
    status: int
    props: Mapping[str, Element] = field(repr=False)

    def text(self, name: str) -> str | None:
        """The text of a property; `None` if it is not there."""
        prop = self.props.get(name)
        return None if prop is None else "".join(prop.itertext())

    def hrefs(self, name: str) -> list[str]:
        """The links that a property holds."""
        prop = self.props.get(name)
        return [] if prop is None else [text for one in prop.iter(f"{DAV}href") if (text := _text(one))]

    def is_a(self, kind: str) -> bool:
        """Whether it is of such a type (`{DAV:}collection`)."""
        types = self.props.get(f"{DAV}resourcetype")
        return types is not None and types.find(kind) is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """A multi-status answer.

    Attributes:
        rows: What it says about each resource.
        token: The sync token, if there is one.
    """

    rows: list[Row]
    token: str | None


def read_answer(reply: Reply) -> Answer:
    """Read a multi-status answer.

    Raises:
        UnreadableAnswer: It is none.
    """
    if reply.status != 207:
        raise UnreadableAnswer(f"the server answered {reply.status} where a WebDAV server answers 207")
    root = read_xml(reply.body)
    if root.tag != f"{DAV}multistatus":
        raise UnreadableAnswer("the answer is XML, and not a WebDAV server's")
    rows = [row for response in root.findall(f"{DAV}response") for row in _rows(response)]
    return Answer(rows, _text(root.find(f"{DAV}sync-token")) or None)


def read_conditions(reply: Reply) -> set[str]:
    """The names of the conditions that a call did not meet (`{DAV:}valid-sync-token`), where an error tells them."""
    try:
        root = read_xml(reply.body)
    except UnreadableAnswer:
        return set()
    return {one.tag for one in root} if root.tag == f"{DAV}error" else set()


def read_xml(body: bytes) -> Element:
    """Read a document.

    Raises:
        UnreadableAnswer: It is no XML, it has a DTD, or it is too deep or too large.
    """
    tree = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    depth = elements = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > DEEPEST or elements > MOST_ELEMENTS:
            raise UnreadableAnswer("the answer's XML is too deep or too large to be read")
        tree.start(_clark(name), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        tree.end(_clark(name))

    def refuse(*_: object) -> None:
        raise UnreadableAnswer("the answer's XML has a DTD, which is not read")

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = tree.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):  # no XML, or in a code that there is not
        raise UnreadableAnswer("the answer is not XML") from None
    return tree.close()


def _clark(name: str) -> str:
    return "{" + name if "}" in name else name


def _rows(response: Element) -> list[Row]:
    hrefs = [_text(href) for href in response.findall(f"{DAV}href")]
    status = response.find(f"{DAV}status")
    if not hrefs or not all(hrefs):
        raise UnreadableAnswer("the answer tells of something without saying where it is")
    if status is not None:
        return [Row(href, _status(status), {}) for href in hrefs]
    props: dict[str, Element] = {}
    for propstat in response.findall(f"{DAV}propstat"):
        if _status(propstat.find(f"{DAV}status")) == 200:
            props |= {one.tag: one for prop in propstat.findall(f"{DAV}prop") for one in prop}
    return [Row(hrefs[0], 200, props)]


def _status(element: Element | None) -> int:
    found = _STATUS.fullmatch(_text(element))
    if found is None:
        raise UnreadableAnswer("the answer tells of something without an HTTP status")
    return int(found[1])


def _text(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip()
