"""The endpoints that not every API has, or that have keys of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from contact_sync.consumer import CRMField
from mappers.values import MISSING, kind_of

from .endpoints import Endpoint, Expected, endpoint, needs, opened
from .paging import Paging, paging
from .positions import Position, position
from .reading import Path, Problems, Section, as_path
from .records import WHOLE, Shape
from .rules import NO_RULE, Rule, is_success, optional_rule, says_something
from .templates import Template, template

COMPARE: Final = ("ignore_case", "exact", "trust")
ALL: Final = Template("{contacts}", frozenset({"contacts"}))

_FIELD_KEYS: Final = ("name", "type", "label", "read_only", "unique")


@dataclass(frozen=True, slots=True)
class Find:
    """How records are looked for.

    Attributes:
        endpoint: Where.
        fields: By which fields.
        compare: How what comes is compared with what was looked for.
        paging: How its answers are paged.
    """

    endpoint: Endpoint
    fields: tuple[str, ...]
    compare: str
    paging: Paging


@dataclass(frozen=True, slots=True)
class Batch:
    """How several contacts are sent at once.

    Attributes:
        endpoint: Where.
        size: How many at the most.
        each: How one of them is sent.
        results: Where the answer holds a result for each.
        status: Where a result holds a status of its own.
        answer: Where a result holds what a call for it alone would have been answered. The endpoint's `item` says where
            that holds the record.
        id: Where it holds the new id, if it holds no record.
        success: What it has to hold.
    """

    endpoint: Endpoint
    size: int
    each: Template
    results: Path
    status: Path | None
    answer: Path
    id: Path | None
    success: Rule | None


@dataclass(frozen=True, slots=True)
class Changed:
    """How the API tells what has changed.

    Attributes:
        endpoint: Where.
        position: Where a record says when it was changed.
        next: Instead of that: where the answer holds the cursor for the next time.
        expired: That the API does not know that cursor any more.
        paging: How its answers are paged.
    """

    endpoint: Endpoint
    position: Position | None
    next: Path
    expired: Rule
    paging: Paging


@dataclass(frozen=True, slots=True)
class FieldsFrom:
    """Where the API names the fields of its contacts.

    Attributes:
        endpoint: Where.
        paths: Where one of them holds its name, type and so on.
        prefix: What stands before each name in a contact.
    """

    endpoint: Endpoint
    paths: Mapping[str, Path]
    prefix: str


def find(data: object, problems: Problems, shape: Shape, lists: Endpoint, list_paging: Paging) -> Find:
    """Read the endpoint `find`: that of lists, with the value as a parameter, where nothing else is said."""
    section = opened(data, "find", problems, ("item", "list", "fields", "compare", "paging"))
    allowed = ("field", "value")
    by_field = Template("{field}", frozenset({"field"})), Template("{value}", frozenset({"value"}))
    expected = Expected(
        lists.verb,
        lists.path.text,
        lists.body,
        query=type(lists.query)((*lists.query.parameters, by_field)),
        item=None,
        list=lists.list,
        headers=lists.headers,
    )
    read = endpoint(section, "find", expected, allowed)
    needs(section, read, "value")
    fields = section.names("fields") or (shape.email,)
    for name in section.names("fields"):
        as_path(name, section.place("fields"), problems)
    if section.get("fields") in ([], ()):
        section.problem("fields", "an empty list is no look-up. Name a field, or leave it out")
    if len(fields) > 1 and "field" not in read.uses and not problems.below("find"):
        section.problem("fields", "there are several, so {field} has to stand in find.query, for the one looked by")
    same = read.verb == lists.verb and read.path.text == lists.path.text
    pages = list_paging if same and read.item is None else Paging(type="none", size=None)
    if "paging" in section:
        pages = paging(section.get("paging"), section.place("paging"), problems)
    return Find(read, fields, section.choice("compare", COMPARE, "ignore_case"), pages)


def batch(data: object, name: str, problems: Problems) -> Batch:
    """Read `create_many` or `update_many`."""
    own = ("size", "each", "results", "status", "answer", "item", "success")
    section = opened(data, name, problems, (*own, "id") if name == "create_many" else own)
    read = endpoint(section, name, Expected("POST", body=ALL), ("contacts",))
    needs(section, read, "contacts")
    size = section.count("size", None, least=2)
    if "size" not in section and not problems.below(name):
        section.problem("size", "it is missing. Write how many contacts the API takes with one call")
    each = WHOLE
    if "each" in section:
        each = template(section.get("each"), ("contact", "id"), section.place("each"), problems)
        if "contact" not in each.uses:
            section.problem("each", "it does not hold {contact}, so nothing would be sent. Write it where it goes")
    if name == "update_many" and "id" not in each.uses and "each" in section:
        section.problem("each", "it does not hold {id}, so the API could not tell which record is meant")
    id = section.path("id", None) if name == "create_many" else None
    if name == "create_many" and read.item is None and id is None:
        section.problem("id", "it is missing. Write where a result holds the new id, as it holds no record")
    if id is not None and "item" not in section:
        read = replace(read, item=None)
    success = optional_rule(section, "success")
    if success is not None:
        is_success(success, section.place("success"), problems)
    return Batch(
        endpoint=read,
        size=size or 2,
        each=each,
        results=section.path("results", ()),
        status=section.path("status", None),
        answer=section.path("answer", ()),
        id=id,
        success=success,
    )


def changed(data: object, problems: Problems, lists: Endpoint, list_paging: Paging) -> Changed:
    """Read `changed`: the endpoint of lists, where nothing else is said."""
    own = ("list", "position", "format", "overlap", "next", "expired", "paging")
    section = opened(data, "changed", problems, own)
    expected = Expected(lists.verb, lists.path.text, lists.body, lists.query, list=lists.list, headers=lists.headers)
    read = endpoint(section, "changed", expected, ("since",))
    needs(section, read, "since")
    if "since" in read.path.uses:
        section.problem(
            "path", "{since} cannot stand there, as there is none the first time. Write it into query or body"
        )
    if ("position" in section) == ("next" in section):
        section.problem("position", "expected either position or next, by which the next time goes on")
    pages = list_paging
    if "paging" in section:
        pages = paging(section.get("paging"), section.place("paging"), problems)
    expired = optional_rule(section, "expired") or NO_RULE
    says_something(expired, section.place("expired"), problems)
    return Changed(
        endpoint=read,
        position=position(section) if "position" in section else None,
        next=section.path("next", ()),
        expired=expired,
        paging=pages,
    )


def fields(data: object, problems: Problems) -> tuple[CRMField, ...] | FieldsFrom:
    """Read `fields`: a list of them, or an endpoint."""
    if isinstance(data, list | tuple):
        return tuple(_field(each, f"fields.{number}", problems) for number, each in enumerate(data))
    if not isinstance(data, Mapping) and not (isinstance(data, str) and " " in data):
        problems.add("fields", f"expected a list of fields, or the endpoint that names them, got {kind_of(data)}")
        return ()
    section = opened(data, "fields", problems, ("list", "prefix", *_FIELD_KEYS))
    read = endpoint(section, "fields", Expected(), ())
    paths = {key: section.path(key, (key,) if key == "name" else None) for key in _FIELD_KEYS}
    prefix = section.get("prefix", "")
    if not isinstance(prefix, str):
        section.problem("prefix", f"expected text, got {kind_of(prefix)}")
        prefix = ""
    return FieldsFrom(read, {key: path for key, path in paths.items() if path is not None}, prefix)


def _field(data: object, where: str, problems: Problems) -> CRMField:
    if isinstance(data, str) and data:
        return CRMField(data)
    section = Section(data, where, _FIELD_KEYS, problems)
    if isinstance(data, Mapping) and section.get("name") is MISSING:
        section.problem("name", "it is missing. Write the field's name as a mapping does")
    flags: dict[str, Any] = {key: section.flag(key, False) for key in ("read_only", "unique")}
    return CRMField(section.text("name", ""), section.text("type", ""), label=section.text("label", ""), **flags)
