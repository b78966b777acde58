"""What a table is like: read from the database once, when the consumer is made."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Column, Connection, Inspector, MetaData, Table, exc, inspect, text, types
from sqlalchemy.types import NullType, TypeEngine

from contact_sync.errors import ConfigurationError

from .fields import Field
from .values import Kind

log = logging.getLogger(__name__)

_KINDS: Final[Sequence[tuple[tuple[type[TypeEngine[Any]], ...], Kind]]] = (
    ((types.Uuid,), "uuid"),
    ((types.JSON,), "json"),
    ((types.Boolean,), "boolean"),
    ((types.Integer,), "integer"),
    ((types.Numeric, types.Float), "number"),
    ((types.DateTime,), "datetime"),
    ((types.Date,), "date"),
    ((types.Time,), "time"),
    ((types.LargeBinary, types.BINARY, types.VARBINARY), "bytes"),
    ((types.String,), "text"),  # enumerations are, too
)
_NUMERIC: Final = ("NUM", "DEC")
_IDS: Final[Collection[Kind]] = ("integer", "text", "uuid")
_CHANGED: Final[Collection[Kind]] = ("integer", "number", "datetime", "date")
_DELETED: Final[Collection[Kind]] = ("boolean", "integer", "datetime", "date")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user says of a table, as `SQLTableConsumer` explains it."""

    table: str
    schema: str | None
    id: str | None
    email: str | None
    changed: str | None
    deleted: str | None
    columns: Sequence[str] | None
    read_only: Collection[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """A table as it is used.

    Attributes:
        table: For statements.
        fields: What contacts have, by the names of the columns; the id among it.
        id: Of the rows.
        email: What contacts are found by, if there is such a column.
        changed: What says when a row has changed, if there is such a column.
        deleted: What says that a row is deleted, if there is such a column.
        uniques: The columns of which no two rows have the same values.
    """

    table: Table
    fields: Mapping[str, Field]
    id: Field
    email: Field | None
    changed: Field | None
    deleted: Field | None
    uniques: Sequence[tuple[str, ...]]


def read_layout(connection: Connection, wanted: Wanted) -> Layout:
    """Read what a table is like.

    Raises:
        ConfigurationError: There is no such table or column, or it cannot be what it is said to be.
    """
    inspector = inspect(connection)
    try:
        columns = inspector.get_columns(wanted.table, wanted.schema)
    except exc.NoSuchTableError:
        raise ConfigurationError(
            f"SQLTableConsumer: the database has no table {_named(wanted)!r}; check name, schema and rights"
        ) from None
    declared = _declared_types(connection, wanted)
    every = {field.name: field for field in (_field(one, declared) for one in columns)}
    key = inspector.get_pk_constraint(wanted.table, wanted.schema)["constrained_columns"]
    id = wanted.id or _primary_key(key, wanted)
    for argument, name in _columns_of(wanted, id):
        if name not in every:
            raise ConfigurationError(
                f"SQLTableConsumer: {argument} names the column {name!r}, which {_named(wanted)!r} has not; it has "
                f"{', '.join(every)}"
            )
    uniques = _uniques_of_sqlite(connection, wanted) if declared else _uniques(inspector, wanted)
    if wanted.table not in inspector.get_view_names(wanted.schema):  # of a view, nobody knows
        _check_unique(id, key, uniques, wanted)
    if declared.get(id) == "INTEGER" and wanted.deleted is None:
        _warn_of_ids_that_come_again(connection, wanted)
    _check(every[id], _IDS, "id_column", "whole numbers, texts or UUIDs")
    written_by_others = {one for one in (wanted.changed, wanted.deleted, *wanted.read_only) if one is not None}
    every |= {name: replace(every[name], read_only=True) for name in written_by_others}
    kept: tuple[Kind, ...] = ("text", "other") if declared else ()  # how times are kept by SQLite, often
    if wanted.changed is not None:
        _check(every[wanted.changed], (*_CHANGED, *kept), "changed_column", "times or numbers")
    if wanted.deleted is not None:
        _check(every[wanted.deleted], (*_DELETED, *kept), "deleted_column", "a boolean, a whole number, or a time")
    shown = every if wanted.columns is None else dict.fromkeys([id, *wanted.columns])
    return Layout(
        table=_table(wanted, columns, raw=bool(declared)),
        fields={name: every[name] for name in shown},
        id=every[id],
        email=None if wanted.email is None else every[wanted.email],
        changed=None if wanted.changed is None else every[wanted.changed],
        deleted=None if wanted.deleted is None else every[wanted.deleted],
        uniques=uniques,
    )


def path_of(column: str) -> str:
    """Give a column's name as a mapping has to write it."""
    return column.replace("\\", "\\\\").replace(".", "\\.")


def _columns_of(wanted: Wanted, id: str) -> list[tuple[str, str]]:
    special = {"id_column": id, "changed_column": wanted.changed, "deleted_column": wanted.deleted}
    named = [(argument, name) for argument, name in special.items() if name is not None]
    if wanted.email is not None:
        named.append(("email_column (None: there is none)", wanted.email))
    named += [("columns", name) for name in wanted.columns or ()]
    return named + [("read_only", name) for name in wanted.read_only]


def _field(column: Mapping[str, Any], declared: Mapping[str, str]) -> Field:
    type: TypeEngine[Any] = getattr(column["type"], "data_type", column["type"])  # of a domain, what it is made of
    kind: Kind = next((kind for types, kind in _KINDS if isinstance(type, types)), "other")
    said = declared.get(column["name"])
    if said is not None and kind == "number" and not isinstance(type, types.Float) and not said.startswith(_NUMERIC):
        kind = "text"  # a type that SQLite does not know, such as UUID
    identity = column.get("identity") or {}
    length = getattr(type, "length", None)
    return Field(
        name=column["name"],
        path=path_of(column["name"]),
        kind=kind,
        type=said if said is not None else _type_name(column["type"]),
        raw=said is not None,
        nullable=column["nullable"],
        has_default=column["default"] is not None,
        read_only=column.get("computed") is not None or bool(identity.get("always")),
        zoned=bool(getattr(type, "timezone", False)),
        length=length if kind == "text" and said is None and isinstance(length, int) else None,
        bits=64 if said is not None else _bits(type),
        words=tuple(getattr(type, "enums", ())),
        label=column.get("comment") or "",
    )


def _type_name(type: TypeEngine[Any]) -> str:
    try:
        return str(type)
    except exc.CompileError:  # a type of one database alone
        return type.__class__.__name__


def _bits(type: TypeEngine[Any]) -> int:
    bits = 16 if isinstance(type, types.SmallInteger) else 64 if isinstance(type, types.BigInteger) else 32
    return bits + bool(getattr(type, "unsigned", False))


def _declared_types(connection: Connection, wanted: Wanted) -> dict[str, str]:
    """The types of the columns in the words of who made the table; of SQLite alone, where they bind nobody."""
    if connection.dialect.name != "sqlite":
        return {}
    rows = connection.execute(
        text("SELECT name, upper(type) FROM pragma_table_xinfo(:name, :schema)"),
        {"name": wanted.table, "schema": wanted.schema},
    )
    return {name: type for name, type in rows}  # noqa: C416 - rows are no pairs to a type checker


def _primary_key(key: Sequence[str], wanted: Wanted) -> str:
    if len(key) == 1:
        return key[0]
    has = "a primary key of several columns" if key else "no primary key"
    raise ConfigurationError(
        f"SQLTableConsumer: {_named(wanted)!r} has {has}; name the column that holds a row's id: id_column=…"
    )


def _check_unique(id: str, key: Sequence[str], uniques: Collection[tuple[str, ...]], wanted: Wanted) -> None:
    if [id] != key and (id,) not in uniques:
        raise ConfigurationError(
            f"SQLTableConsumer: id_column: two rows of {_named(wanted)!r} may have the same {id!r}; make a unique index"
        )


def _warn_of_ids_that_come_again(connection: Connection, wanted: Wanted) -> None:
    made = connection.execute(
        text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name COLLATE NOCASE"),
        {"name": wanted.table},
    ).scalar()
    if made is not None and "AUTOINCREMENT" not in made.upper():
        log.warning(
            "SQLite gives the id of the last row of %r to another one after it was deleted, which looks like the same "
            "then; make the table's id INTEGER PRIMARY KEY AUTOINCREMENT, or name a deleted_column",
            wanted.table,
        )


def _uniques(inspector: Inspector, wanted: Wanted) -> list[tuple[str, ...]]:
    found = [tuple(one["column_names"]) for one in inspector.get_unique_constraints(wanted.table, wanted.schema)]
    for index in inspector.get_indexes(wanted.table, wanted.schema):
        options = index.get("dialect_options", {})
        partial = any(name.endswith("_where") and said is not None for name, said in options.items())
        names = tuple(name for name in index["column_names"] if name is not None)
        if index["unique"] and not partial and len(names) == len(index["column_names"]):
            found.append(names)
    return list(dict.fromkeys(found))


def _uniques_of_sqlite(connection: Connection, wanted: Wanted) -> list[tuple[str, ...]]:
    # From SQLite itself: SQLAlchemy reads the constraints from the statement that made the table, and not all of them.
    rows = connection.execute(
        text(
            "SELECT list.name, info.name FROM pragma_index_list(:name, :schema) AS list, pragma_index_info(list.name, "
            ':schema) AS info WHERE list."unique" AND NOT list.partial ORDER BY list.seq, info.seqno'
        ),
        {"name": wanted.table, "schema": wanted.schema},
    )
    found: dict[str, list[str | None]] = {}
    for index, column in rows:
        found.setdefault(index, []).append(column)
    return [tuple(map(str, names)) for names in found.values() if None not in names]  # None: an expression


def _table(wanted: Wanted, columns: Sequence[Mapping[str, Any]], *, raw: bool) -> Table:
    made = [Column(one["name"], NullType() if raw else one["type"]) for one in columns]
    return Table(wanted.table, MetaData(), *made, schema=wanted.schema)


def _check(field: Field, kinds: Collection[Kind], argument: str, wanted: str) -> None:
    if field.kind not in kinds:
        raise ConfigurationError(
            f"SQLTableConsumer: {argument}: the column {field.name!r} is of the type {field.type or 'none'}; it has to "
            f"hold {wanted}"
        )


def _named(wanted: Wanted) -> str:
    return wanted.table if wanted.schema is None else f"{wanted.schema}.{wanted.table}"
