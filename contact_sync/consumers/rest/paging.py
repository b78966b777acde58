"""How lists are paged, and the walk over their pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

import requests.utils

from contact_sync.errors import ContactSyncError
from mappers.values import MISSING

from .answers import Answer
from .reading import Path, Problems, Section
from .rules import NO_RULE, Rule, optional_rule, says_something

NUMBERED: Final = ("page", "offset")
TYPES: Final = (*NUMBERED, "cursor", "next_link", "header_link", "none")

_OWN_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "page": ("page", "first"),
    "offset": ("offset",),
    "cursor": ("cursor", "next"),
    "next_link": ("next",),
    "header_link": ("header",),
    "none": (),
}
_KEYS: Final = ("type", "size", "max_size", "in", "more", "past_end")
_NEXT: Final[Mapping[str, str]] = {"cursor": "cursor", "next_link": "link"}


class BrokenPaging(ContactSyncError):
    """The pages of an API do not lead anywhere."""


@dataclass(frozen=True, slots=True)
class Paging:
    """How lists are paged.

    Attributes:
        type: One of `TYPES`.
        parameter: The parameter that says which page, where there is one.
        first: The number of the first page.
        next: Where the answer holds the cursor of the next page, or the link to it.
        header: The header that holds that link.
        size: The parameter that says how many records a page holds.
        max_size: How many it holds at the most.
        in_body: Whether parameters go into the body.
        more: Where the answer says whether there are more.
        past_end: What the API answers beyond the end.
    """

    type: str = "page"
    parameter: str = "page"
    first: int = 1
    next: Path = ()
    header: str = "Link"
    size: str | None = "limit"
    max_size: int | None = None
    in_body: bool = False
    more: Path | None = None
    past_end: Rule = NO_RULE

    @property
    def is_direct(self) -> bool:
        """Whether a page of a size can be asked for by its number."""
        return self.type in NUMBERED and self.size is not None

    def sized(self, limit: int) -> int:
        """How many records to ask for, so that a page holds no more than `limit`."""
        return limit if self.max_size is None else min(limit, self.max_size)

    def ask(self, size: int, page: int) -> Ask:
        """What asks for a page by its number from 1."""
        return Ask(self.parameters(size, page))

    def parameters(self, size: int, page: int = 1, offset: int | None = None) -> dict[str, str | int]:
        """What asks for a page, by its number from 1 or by how many records are before it."""
        asked: dict[str, str | int] = {} if self.size is None or self.type == "none" else {self.size: size}
        if self.type == "page":
            asked[self.parameter] = page - 1 + self.first
        elif self.type == "offset":
            asked[self.parameter] = (page - 1) * size if offset is None else offset
        return asked


class Page(NamedTuple):
    """A page.

    Attributes:
        answer: The whole answer.
        records: The records in it, as the API gave them.
    """

    answer: Answer
    records: list[Any]


class Ask(NamedTuple):
    """What asks for a page.

    Attributes:
        parameters: Parameters of the paging.
        link: Instead of them and of the endpoint's own ones, the link that the API gave.
    """

    parameters: Mapping[str, str | int]
    link: str | None = None


Fetch = Callable[[Ask], Page]


def walk(paging: Paging, fetch: Fetch, size: int) -> Iterator[Page]:
    """Walk over pages, to the end. A page that says that there is none beyond the end is not given.

    Raises:
        BrokenPaging: A cursor or a link is none, or comes again.
    """
    size = paging.sized(size)
    ask = Ask(paging.parameters(size))
    number, passed = 1, 0
    seen: set[str] = set()
    while True:
        page = fetch(ask)
        if paging.past_end.fits(page.answer):
            return
        yield page
        number, passed = number + 1, passed + len(page.records)
        if _says_end(paging, page.answer):
            return
        if paging.type in NUMBERED:
            if not page.records:
                return
            ask = Ask(paging.parameters(size, number, passed))
            continue
        following = next_of(paging, page.answer)
        if following is None:
            return
        if following in seen:
            raise BrokenPaging("the API gave the cursor of the next page twice; a walk has to end")
        seen.add(following)
        if paging.type == "cursor":
            ask = Ask({**paging.parameters(size), paging.parameter: following})
        else:
            ask = Ask({}, urljoin(page.answer.reply.url, following))


def next_of(paging: Paging, answer: Answer) -> str | None:
    """The cursor of the next page, or the link to it; none if there is no next page.

    Raises:
        BrokenPaging: What lies there is neither.
    """
    if paging.type == "header_link":
        return _link_in(answer.headers.get(paging.header))
    if paging.type not in _NEXT:
        return None
    found = answer.at(paging.next)
    if found is MISSING or found is None or found == "" or found is False:
        return None
    if isinstance(found, int) and not isinstance(found, bool) and paging.type == "cursor":
        return str(found)
    if not isinstance(found, str):
        kind = "an object" if isinstance(found, Mapping) else type(found).__name__
        raise BrokenPaging(f"the answer holds {kind} where paging.next says that a {_NEXT[paging.type]} is")
    return found


def paging(data: object, where: str, problems: Problems) -> Paging:
    """Read the section `paging`. A text alone is its type."""
    if isinstance(data, str) or data is False:
        data = {"type": data or "none"}
    kind = data.get("type") if isinstance(data, Mapping) else None
    own = _OWN_KEYS.get(kind) if isinstance(kind, str) else None
    if kind is None or own is None:  # a wrong type alone is told: which keys go with it is unknown
        known = data.keys() if kind is not None and isinstance(data, Mapping) else _OWN_KEYS["page"]
        section = Section(data, where, {**dict.fromkeys(("type", *_KEYS)), **dict.fromkeys(known)}, problems)
    else:
        section = Section(data, where, ("type", *own, *_KEYS[1:]), problems)
    type_ = section.choice("type", TYPES, "page")
    if own is not None and "next" in own and "next" not in section:
        section.problem("next", f"it is missing. Write the path of the next page's {_NEXT[type_]} in the answer")
    size = None if section.get("size", "") is None else section.text("size", "limit")
    past_end = optional_rule(section, "past_end") or NO_RULE
    says_something(past_end, section.place("past_end"), problems)
    return Paging(
        type=type_,
        parameter=section.text(type_, type_) if type_ in (*NUMBERED, "cursor") else "",
        first=section.count("first", 1, least=0),
        next=section.path("next", ()),
        header=section.text("header", "Link"),
        size=size,
        max_size=section.count("max_size", None),
        in_body=section.choice("in", ("query", "body"), "query") == "body",
        more=section.path("more", None),
        past_end=past_end,
    )


def _says_end(paging: Paging, answer: Answer) -> bool:
    if paging.type == "none":
        return True
    return paging.more is not None and answer.at(paging.more) in (False, MISSING, None)


def _link_in(header: str | None) -> str | None:
    """The link in a header: alone, or the one that is `next` among several (RFC 8288)."""
    if not header or not header.strip():
        return None
    if not header.lstrip().startswith("<"):
        return header.strip()
    links = requests.utils.parse_header_links(header)
    return next((link["url"] for link in links if "next" in link.get("rel", "").lower().split()), None)
