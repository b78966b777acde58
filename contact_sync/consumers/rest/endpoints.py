"""The endpoints of an API: what is asked for where, and where its answers hold what."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mappers.values import kind_of

from .reading import Path, Problems, Section
from .templates import NO_QUERY, PathTemplate, Query, Template, path_template, query, template

VERBS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

_READING: Final = ("read", "list", "find", "changed", "fields")
_SENDING: Final = ("create", "update", "create_many", "update_many")
_READING_VERBS: Final = ("GET", "POST")
_SENDING_VERBS: Final = ("POST", "PUT", "PATCH")

_KEYS: Final = ("verb", "path", "query", "body", "headers")
_SHORT: Final = re.compile(r"([A-Za-z]+)\s+(\S+)")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is asked for where.

    Attributes:
        name: Its key in the declaration, for messages.
        verb: The HTTP verb.
        path: Below the base URL.
        query: Parameters.
        body: What is sent as JSON; none: nothing.
        headers: Sent beside the others. Left out of `repr`.
        item: Where the answer holds the record; none: it holds none.
        list: Where the answer holds the records.
    """

    name: str
    verb: str
    path: PathTemplate
    query: Query = NO_QUERY
    body: Template | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    item: Path | None = ()
    list: Path = ()

    @property
    def uses(self) -> frozenset[str]:
        """The names of its placeholders."""
        body = self.body.uses if self.body is not None else frozenset[str]()
        return self.path.uses | self.query.uses | body

    @property
    def writes(self) -> bool:
        """Whether a call of it changes something."""
        return self.name not in _READING


@dataclass(frozen=True, slots=True)
class Expected:
    """What an endpoint is where nothing else is said.

    Attributes:
        verb: The HTTP verb.
        path: Below the base URL; none: it has to be said.
        body: What is sent.
        query: Parameters.
        item: Where the answer holds the record.
        list: Where it holds the records.
        headers: Further headers.
    """

    verb: str = "GET"
    path: str | None = None
    body: Template | None = None
    query: Query = NO_QUERY
    item: Path | None = ()
    list: Path = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def opened(data: object, where: str, problems: Problems, own_keys: Iterable[str]) -> Section:
    """Open the section of an endpoint. `POST /people` is short for a verb and a path."""
    if isinstance(data, str):
        short = _SHORT.fullmatch(data)
        if short is None:
            problems.add(where, "expected a verb and a path, such as POST /people, or an object")
            data = {}
        else:
            data = {"verb": short[1], "path": short[2]}
    elif isinstance(data, bool):
        problems.add(where, f"it is {str(data).lower()}. {_instead_of_flag(data)}")
        data = {}
    elif not isinstance(data, Mapping):
        problems.add(where, f"expected a verb and a path, such as POST /people, or an object, got {kind_of(data)}")
        data = {}
    return Section(data, where, (*_KEYS, *own_keys), problems)


def endpoint(section: Section, name: str, expected: Expected, placeholders: Collection[str]) -> Endpoint:
    """Read an endpoint.

    Args:
        section: Its section.
        name: Its key.
        expected: What holds where nothing is said.
        placeholders: Which ones may stand in it.
    """
    problems = section.problems
    verb = section.text("verb", expected.verb).upper()
    if verb not in VERBS:
        section.problem("verb", f"no such verb. Use {', '.join(VERBS)}")
        verb = expected.verb
    elif name in _READING and verb not in _READING_VERBS:
        section.problem("verb", "it is for writing, and would change or delete what is to be read. Use GET or POST")
        verb = expected.verb
    elif name in _SENDING and verb not in _SENDING_VERBS:
        section.problem("verb", f"no contact can be sent with it. Use {', '.join(_SENDING_VERBS)}")
        verb = expected.verb
    text = section.text("path", expected.path)
    if text is None:
        such = "/contacts/{id}/archive" if "id" in placeholders else f"/contacts/{name.removesuffix('_many')}"
        section.problem("path", f"it is missing. Write where below base_url it is, such as {such}")
        text = "/"
    path = path_template(text, placeholders, section.place("path"), problems)
    body = expected.body
    if "body" in section:
        given = section.get("body")
        body = None if given is None else template(given, placeholders, section.place("body"), problems)
        if given is not None and not isinstance(given, Mapping | list | str):
            section.problem("body", f"expected an object, got {kind_of(given)}")
    parameters = expected.query
    if "query" in section:
        parameters = query(section.get("query"), placeholders, section.place("query"), problems)
    item = None if section.get("item") is False else section.path("item", expected.item)
    return Endpoint(
        name=name,
        verb=verb,
        path=path,
        query=parameters,
        body=body,
        headers={**expected.headers, **section.headers("headers")},
        item=item,
        list=section.path("list", expected.list),
    )


def needs(section: Section, found: Endpoint, placeholder: str) -> None:
    """Note it if a placeholder is nowhere in an endpoint, so that every call would be the same."""
    if placeholder not in found.uses and not section.problems.below(section.where):
        section.problems.add(
            section.where,
            f"{{{placeholder}}} stands nowhere in it. Write it into path, query or body, where the API takes it",
        )


def _instead_of_flag(data: bool) -> str:
    if data:
        return "Leave it out for the usual one, or write a verb and a path, such as POST /people"
    return "It cannot be done without. Write a verb and a path, such as GET /people"
