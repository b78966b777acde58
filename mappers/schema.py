"""Tables as data: lists of dicts in the Node library's form or in the flat one, from Python, YAML or JSON.

    {"id": true, "botmatic": {"name": "id"}, "ext": {"name": "ref"}}          the Node library's form
    {"id": true, "botmatic": "id", "external": "ref"}                         the flat form

The schema checks the shape; what the words mean is checked by `Mapping` itself.
"""

from __future__ import annotations

from collections import abc
from typing import Any, Final, NamedTuple

from marshmallow import Schema, ValidationError, fields

from .errors import MappingDefinitionError
from .mapping import Mapping
from .transforms import TRANSFORMS, Transform, named
from .values import kind_of
from .words import FIELD_TYPES, PROPERTY_TYPES, instead_of, one_of

_UNKNOWN: Final = "unknown key"
_NAMELESS: Final = "it is missing. Write the field's name on that side"
_NO_SIDE: Final[Any] = {"null": "expected a name, got nothing. Write the field's name on that side"}
_LONG: Final = 60

# Where the Node library's form keeps what a row calls otherwise.
_SIDE_KEYS: Final = {
    "botmatic": {
        "name": "botmatic",
        "type": "property_type",
        "transform": "to_botmatic",
        "codec": "botmatic_codec",
    },
    "ext": {"name": "external", "transform": "to_external", "codec": "external_codec"},
}


class Table(NamedTuple):
    """A table as it was declared: its rows, and the other arguments of `Mapper`."""

    rows: list[Mapping]
    options: dict[str, Any]


class _StrictSchema(Schema):
    error_messages = {"unknown": _UNKNOWN}  # noqa: RUF012 - this is how marshmallow reads it


class _ExternalSide(_StrictSchema):
    name = fields.Raw(required=True, allow_none=True, error_messages={"required": _NAMELESS})
    transform = fields.Raw(allow_none=True)
    codec = fields.Raw(allow_none=True)


class _BotmaticSide(_ExternalSide):
    type = fields.Raw(allow_none=True)


def _named(side: object) -> object:
    """Take a name alone for a side of that name."""
    return side if isinstance(side, abc.Mapping) else {"name": side}


class _Row(_StrictSchema):
    botmatic = fields.Nested(_BotmaticSide, pre_load=_named, error_messages=_NO_SIDE)
    ext = fields.Nested(_ExternalSide, pre_load=_named, error_messages=_NO_SIDE)
    external = fields.Nested(_ExternalSide, pre_load=_named, error_messages=_NO_SIDE)
    id = fields.Raw(allow_none=True)
    match = fields.Raw(allow_none=True)
    type = fields.Raw(allow_none=True)
    direction = fields.Raw(allow_none=True)
    on_empty = fields.Raw(allow_none=True)
    conflict = fields.Raw(allow_none=True)
    region = fields.Raw(allow_none=True)
    transform = fields.Raw(allow_none=True)
    to_botmatic = fields.Raw(allow_none=True)
    to_external = fields.Raw(allow_none=True)
    botmatic_codec = fields.Raw(allow_none=True)
    external_codec = fields.Raw(allow_none=True)
    property_type = fields.Raw(allow_none=True)


class _Table(_StrictSchema):
    on_empty = fields.Raw(allow_none=True)
    default_region = fields.Raw(allow_none=True)
    rows = fields.Raw(
        required=True, allow_none=True, error_messages={"required": "it is missing. Write the list of rows under it"}
    )


_row: Final = _Row()
_table: Final = _Table()


def table_from_data(data: object, transforms: abc.Mapping[str, Transform] | None = None) -> Table:
    """Read a table: a list of rows, or an object with `rows` and perhaps the options of `Mapper`.

    Args:
        data: The table. It stays as it is.
        transforms: Transforms that rows may name, beside the ready-made ones.

    Raises:
        MappingDefinitionError: The table is wrong.
    """
    options: dict[str, Any] = {}
    if isinstance(data, abc.Mapping):
        options = _loaded(_table, data, "")
        data = options.pop("rows")
    known = _known_transforms(transforms)
    return Table([row_from_dict(number, row, known) for number, row in enumerate(listed(data), 1)], options)


def listed(rows: object) -> list[Any]:
    """Check that rows come as a list (or a tuple)."""
    if not isinstance(rows, (list, tuple)):
        raise MappingDefinitionError(f"rows: expected a list of rows, got {kind_of(rows)}. Put the rows into a list")
    return list(rows)


def row_from_dict(number: int, data: object, transforms: abc.Mapping[str, Transform] = TRANSFORMS) -> Mapping:
    """Make a row of a dict.

    Args:
        number: The row's number in its table, from 1, for messages.
        data: The dict. It stays as it is.
        transforms: The transforms that it may name.

    Raises:
        MappingDefinitionError: The row is wrong.
    """
    where = f"row {number}{_name_of(data)}"
    if not isinstance(data, abc.Mapping):
        raise MappingDefinitionError(f"expected an object with botmatic and ext, got {kind_of(data)}", where)
    loaded = _loaded(_row, data, where)
    row, written = _flattened(loaded, where)
    for key in ("transform", "to_botmatic", "to_external"):
        if isinstance(row.get(key), str):
            try:
                row[key] = named(row[key], transforms)
            except ValueError as error:
                raise MappingDefinitionError(f"{written.get(key, key)}: {error}", where) from None
            if key != "transform":
                row[key] = getattr(row[key], key)
    try:
        return Mapping(**row)
    except MappingDefinitionError as error:
        key, _, problem = error.problem.partition(": ")
    raise MappingDefinitionError(f"{written.get(key, key)}: {problem}", where)


def _known_transforms(own: abc.Mapping[str, Transform] | None) -> dict[str, Transform]:
    for name, transform in (own or {}).items():
        if not isinstance(transform, Transform):
            raise MappingDefinitionError(
                f'"{name}": expected a Transform, got {kind_of(transform)}. '
                "Write Transform(to_botmatic=…, to_external=…)",
                "transforms",
            )
    return {**TRANSFORMS, **(own or {})}


def _flattened(loaded: dict[str, Any], where: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Bring a row into the form of `Mapping`'s arguments, and remember how each key was written."""
    if "ext" in loaded and "external" in loaded:
        raise MappingDefinitionError("ext: external is given as well, and means the same. Leave one of them out", where)
    other = "external" if "external" in loaded else "ext"
    row = {key: value for key, value in loaded.items() if key not in ("botmatic", other)}
    written: dict[str, str] = {}
    for side, keys in (("botmatic", _SIDE_KEYS["botmatic"]), (other, _SIDE_KEYS["ext"])):
        if side not in loaded:
            raise MappingDefinitionError(f"{side}: {_NAMELESS}", where)
        for inner, value in loaded[side].items():
            key = keys[inner]
            if key in row:
                raise MappingDefinitionError(f"{side}.{inner}: {key} is given as well. Leave one of them out", where)
            row[key] = value
            written[key] = f"{side}.{inner}" if inner != "name" else side
    kind = row.get("property_type")
    if "property_type" in written and kind in FIELD_TYPES and kind not in PROPERTY_TYPES:
        raise MappingDefinitionError(
            f'botmatic.type: the platform has no "{kind}" properties, only {one_of(PROPERTY_TYPES)}. '
            f"To have values converted, write type: {kind} beside botmatic, not in it",
            where,
        )
    return row, written


def _loaded(schema: Schema, data: abc.Mapping[Any, Any], where: str) -> dict[str, Any]:
    try:
        return dict(schema.load(data))
    except ValidationError as error:
        problem = _first_problem(error.messages, schema.fields)
    raise MappingDefinitionError(problem, where)


def _first_problem(messages: Any, known: abc.Iterable[str], path: str = "") -> str:
    """Give one problem as text, a misspelt key before what is missing because of it."""
    key, found = min(messages.items(), key=lambda item: item[1] != [_UNKNOWN])
    path = f"{path}{_short(key)}"
    if isinstance(found, dict):
        return _first_problem(found, _SIDE_KEYS["botmatic" if key == "botmatic" else "ext"], f"{path}.")
    if found == [_UNKNOWN]:
        return f"{path}: unknown key. {instead_of(_short(key), known)}"
    return f"{path}: {found[0]}"


def _short(name: object) -> str:
    return str(name)[:_LONG]


def _name_of(data: object) -> str:
    name = data.get("botmatic") if isinstance(data, abc.Mapping) else None
    if isinstance(name, abc.Mapping):
        name = name.get("name")
    return f' ("{_short(name)}")' if isinstance(name, str) and name else ""
