"""The declaration of an API: read from plain data, checked whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contact_sync.consumer import CRMField
from contact_sync.consumers.http import Timeouts, checked_url
from contact_sync.errors import ConfigurationError
from mappers.values import MISSING, kind_of

from .endpoints import Endpoint
from .paging import Paging, paging
from .rates import Rate, rate
from .reading import Problems, Section
from .records import Shape, shape
from .rules import NO_ERRORS, Errors, errors
from .single import Create, OfOne, Singles
from .special import Batch, Changed, FieldsFrom, Find, batch, changed, fields, find
from .templates import path_template

KEYS: Final = (
    "base_url",
    "auth",
    "headers",
    "timeouts",
    "path",
    "record",
    "create",
    "read",
    "update",
    "delete",
    "list",
    "find",
    "archive",
    "create_many",
    "update_many",
    "changed",
    "fields",
    "paging",
    "errors",
    "rate",
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """An API, declared. An endpoint that it has not is none.

    Attributes:
        base_url: Where it is.
        headers: Sent with each call. Left out of `repr`.
        auth: How calls are authorized, as it was declared. Left out of `repr`.
    """

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    auth: Mapping[str, Any] | None = field(repr=False)
    timeouts: Timeouts
    shape: Shape
    paging: Paging
    errors: Errors
    rate: Rate
    read: Endpoint
    list: Endpoint
    find: Find
    create: Create | None
    update: OfOne | None
    delete: OfOne | None
    archive: OfOne | None
    create_many: Batch | None
    update_many: Batch | None
    changed: Changed | None
    fields: tuple[CRMField, ...] | FieldsFrom | None


def read_declaration(data: object, problems: Problems) -> Declaration:
    """Read a declaration. What is wrong with it is noted, and read as if it were left out."""
    whole = Section(data, "", KEYS, problems)
    shaped = shape(whole.get("record"), "record", problems) if "record" in whole else Shape()
    singles = Singles(whole, shaped, _path(whole))
    lists = singles.list()
    paged = paging(whole.get("paging"), "paging", problems) if "paging" in whole else Paging()
    declared = Declaration(
        base_url=_base_url(whole),
        headers=whole.headers("headers"),
        auth=_auth(whole),
        timeouts=_timeouts(whole),
        shape=shaped,
        paging=paged,
        errors=errors(whole.get("errors"), "errors", problems) if "errors" in whole else NO_ERRORS,
        rate=rate(whole.get("rate"), "rate", problems) if "rate" in whole else Rate(),
        read=singles.read(),
        list=lists,
        find=find(whole.get("find", {}), problems, shaped, lists, paged),
        create=singles.create(),
        update=singles.update(),
        delete=singles.delete(),
        archive=singles.archive(),
        create_many=batch(whole.get("create_many"), "create_many", problems) if _has(whole, "create_many") else None,
        update_many=batch(whole.get("update_many"), "update_many", problems) if _has(whole, "update_many") else None,
        changed=changed(whole.get("changed"), problems, lists, paged) if _has(whole, "changed") else None,
        fields=fields(whole.get("fields"), problems) if _has(whole, "fields") else None,
    )
    _check_together(declared, whole)
    return declared


def _check_together(declared: Declaration, whole: Section) -> None:
    """Note what cannot go together."""
    update = declared.update
    if declared.update_many is not None and (update is None or update.read_first or update.whole):
        whole.problem(
            "update_many",
            "it cannot go with update: false, read_first or whole, since it reads nothing before. Leave it out",
        )
    if declared.create_many is not None and declared.create is None:
        whole.problem("create_many", "it cannot go with create: false. Leave it out")
    paged = [(declared.list, declared.paging), (declared.find.endpoint, declared.find.paging)]
    if declared.changed is not None:
        paged.append((declared.changed.endpoint, declared.changed.paging))
    for asked, way in paged:
        if way.in_body and asked.body is not None and not isinstance(asked.body.data, Mapping):
            whole.problem(f"{asked.name}.body", "expected an object, since paging.in puts parameters into it")


def _has(whole: Section, key: str) -> bool:
    return whole.get(key, False) is not False


def _base_url(whole: Section) -> str:
    given = whole.get("base_url")
    if given is MISSING:
        whole.problem("base_url", "it is missing. Write where the API is, such as https://api.example.com/v3")
        return ""
    try:
        return checked_url(given)
    except ConfigurationError as error:
        whole.problems.add_line(str(error))
        return ""


def _path(whole: Section) -> str:
    text = whole.text("path", "/contacts")
    path_template(text, (), "path", whole.problems)
    return "/contacts" if whole.problems.below("path") else text.rstrip("/")


def _auth(whole: Section) -> Mapping[str, Any] | None:
    given = whole.get("auth", None)
    if given is not None and not isinstance(given, Mapping):
        whole.problem(
            "auth", f"expected an object with a type, such as {{type: bearer, token: …}}, got {kind_of(given)}"
        )
        return None
    return given


def _timeouts(whole: Section) -> Timeouts:
    if "timeouts" not in whole:
        return Timeouts()
    section = Section(whole.get("timeouts"), "timeouts", ("connect", "read", "total"), whole.problems)
    usual = Timeouts()
    return Timeouts(
        *(section.seconds(name, getattr(usual, name), least=0.001, most=3600) for name in ("connect", "read", "total"))
    )
