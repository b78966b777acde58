"""The table of fields: checked and compiled when it is made, used for every contact."""

from __future__ import annotations

import dataclasses
import math
from collections import abc
from os import PathLike
from typing import Any, Self

from . import json_text, paths, phones
from .compiled import compiled
from .errors import MappingDefinitionError
from .files import read_file
from .mapping import Mapping
from .row_check import check_region, check_word
from .schema import listed, row_from_dict, table_from_data
from .table_check import check_table
from .transforms import Transform
from .values import MISSING, Unfit
from .words import ON_EMPTY, SIDES, OnEmpty, Side, one_of


class Mapper:
    """A table of fields between the platform (`botmatic`) and the external service (`ext`).

    The table is checked when it is made. It never changes afterwards, and may be used from several threads at once.
    Mapping never changes the contact that it is given, and the result shares nothing with it.
    """

    def __init__(
        self,
        rows: abc.Sequence[Mapping | abc.Mapping[str, Any]],
        *,
        on_empty: OnEmpty = "clear",
        default_region: str | None = None,
    ) -> None:
        """Make a mapper.

        Args:
            rows: `Mapping` rows, or dicts of the Node library's form, or both.
            on_empty: What an empty value (`None` or `""`) does on the other side, for rows that do not say it
                themselves: `clear` maps it to `None`, `ignore` leaves it out.
            default_region: The country of phone numbers that name none, for rows that do not say it themselves: its two
                letters, such as `FR`.

        Raises:
            MappingDefinitionError: The table is wrong. Names the row, the key and what to do.
        """
        try:
            check_word("on_empty", on_empty, ON_EMPTY)
            if default_region is not None:
                check_region("default_region", default_region)
        except ValueError as error:
            raise MappingDefinitionError(str(error)) from None
        made = [
            row if isinstance(row, Mapping) else row_from_dict(number, row)
            for number, row in enumerate(listed(rows), 1)
        ]
        self._rows = tuple(made if default_region is None else _with_region(made, default_region))
        self._id_row = check_table(self._rows)
        self._match_fields = tuple(row for row in self._rows if row.match)
        self._to_botmatic = compiled(self._rows, "botmatic", on_empty)
        self._to_external = compiled(self._rows, "ext", on_empty)

    @classmethod
    def load(cls, path: str | PathLike[str], *, transforms: abc.Mapping[str, Transform] | None = None) -> Self:
        """Make a mapper from a YAML or JSON file.

        Args:
            path: The file; its name ends in `.yaml`, `.yml` or `.json`.
            transforms: Transforms of your own that the file may name, beside the ready-made ones.

        Raises:
            MappingDefinitionError: The file cannot be read, or the table in it is wrong.
        """
        data = read_file(path)
        try:
            return cls.from_data(data, transforms=transforms)
        except MappingDefinitionError as error:
            where = f"{path}: {error.where}" if error.where else str(path)
            raise MappingDefinitionError(error.problem, where) from None

    @classmethod
    def from_data(cls, data: object, *, transforms: abc.Mapping[str, Transform] | None = None) -> Self:
        """Make a mapper from plain data: a list of rows, or a dict with `rows` and perhaps the options of `Mapper`.

        Args:
            data: What a YAML or JSON file would hold.
            transforms: Transforms of your own that rows may name, beside the ready-made ones.

        Raises:
            MappingDefinitionError: The table is wrong.
        """
        table = table_from_data(data, transforms)
        return cls(table.rows, **table.options)

    def __repr__(self) -> str:
        return f"<Mapper of {len(self._rows)} rows, id {self.botmatic_id_key!r} = {self.external_id_key!r}>"

    @property
    def rows(self) -> tuple[Mapping, ...]:
        """The rows, as they were declared; phone rows without a region have the table's."""
        return self._rows

    @property
    def external_id_key(self) -> str:
        """The external name of the id row; it may be a dotted path."""
        return self._id_row.external

    @property
    def botmatic_id_key(self) -> str:
        """The platform's name of the id row."""
        return self._id_row.botmatic

    @property
    def match_fields(self) -> tuple[Mapping, ...]:
        """The rows by which an unknown contact is looked up, in order."""
        return self._match_fields

    def properties(self) -> list[dict[str, str]]:
        """Give the properties that the platform needs, for INSTALL: all rows but the platform's own id."""
        return [{"name": row.botmatic, "type": row.platform_type} for row in self._rows if row.botmatic != "id"]

    def map_to(self, contact: abc.Mapping[str, Any], source: Side, target: Side) -> dict[str, Any]:
        """Map a contact from one side to the other. Keys without a row are dropped.

        Args:
            contact: The contact in the source's names. It stays as it is.
            source: Where it comes from.
            target: For whom it is made; the other side.

        Returns:
            A new contact in the target's names. An absent field is absent; an empty one is `None`, or absent where
            `on_empty` says so.

        Raises:
            MappingValueError: A value does not fit its row. Names the field.
        """
        if source not in SIDES or target not in SIDES or source == target:
            raise ValueError(f"map_to: the source is one of {one_of(SIDES)}, and the target is the other one")
        return self._to_botmatic(contact) if target == "botmatic" else self._to_external(contact)

    def to_botmatic(self, contact: abc.Mapping[str, Any]) -> dict[str, Any]:
        """Map an external contact to the platform's names and values; see `map_to`."""
        return self._to_botmatic(contact)

    def to_external(self, contact: abc.Mapping[str, Any]) -> dict[str, Any]:
        """Map a platform contact to the external names and values; see `map_to`."""
        return self._to_external(contact)

    def external_id(self, contact: abc.Mapping[str, Any]) -> str | None:
        """Give the id of an external contact as text; `None` if it has none that can be one."""
        return _id_text(paths.read(contact, self._id_row.path))

    def botmatic_id(self, contact: abc.Mapping[str, Any]) -> str | None:
        """Give the platform's own id of a platform contact as text; `None` if it has none that can be one."""
        return _id_text(paths.read(contact, ("id",)))

    def with_external_id(self, contact: abc.Mapping[str, Any], id: str | None) -> dict[str, Any]:
        """Copy an external contact with another id.

        Args:
            contact: The contact. It stays as it is.
            id: The id; `None` takes the key out.
        """
        return paths.replaced(contact, self._id_row.path, MISSING if id is None else id)

    def match_values(self, contact: abc.Mapping[str, Any], side: Side) -> list[tuple[Mapping, str]]:
        """Give what an unknown contact can be looked up by.

        Args:
            contact: A contact in a side's names.
            side: That side.

        Returns:
            The match rows in order, each with one text for each value that it has in this contact, without repeats:
            see `Mapping.match_texts`.
        """
        found = ((row, row.read(contact, side)) for row in self._match_fields)
        return [(row, text) for row, value in found if value is not MISSING for text in row.match_texts(value, side)]

    def kept(self, contact: abc.Mapping[str, Any], rows: abc.Iterable[Mapping], side: Side) -> dict[str, Any]:
        """Copy a contact with the fields of some rows alone.

        Args:
            contact: The contact in a side's names. It stays as it is, and the copy shares no object or list with it.
            rows: The rows; fields that the contact does not have stay absent.
            side: That side.

        Raises:
            MappingValueError: A value is nested too deeply to be copied. Names the field.
        """
        result: dict[str, Any] = {}
        for row in rows:
            value = row.read(contact, side)
            if value is MISSING:
                continue
            try:
                value = json_text.copy(value)
            except Unfit as error:
                failed, reason = row, str(error)
                break
            *parents, name = row.path_on(side)
            paths.write(result, tuple(parents), name, value)
        else:
            return result
        # Outside the handler, as in mapping: nothing which may quote the value is chained.
        raise failed.value_error(side, reason)


def mapper_from_dict(data: object, *, transforms: abc.Mapping[str, Transform] | None = None) -> Mapper:
    """Make a mapper from plain data; see `Mapper.from_data`."""
    return Mapper.from_data(data, transforms=transforms)


def load_mapper(path: str | PathLike[str], *, transforms: abc.Mapping[str, Transform] | None = None) -> Mapper:
    """Make a mapper from a YAML or JSON file; see `Mapper.load`."""
    return Mapper.load(path, transforms=transforms)


def _with_region(rows: abc.Iterable[Mapping], region: str) -> list[Mapping]:
    rows = list(rows)
    if any(row.type == "phone" for row in rows):  # only then the library that knows the regions has to be there
        try:
            check_region("default_region", region, phones.regions())
        except ValueError as error:
            raise MappingDefinitionError(str(error)) from None
    return [
        dataclasses.replace(row, region=region) if row.type == "phone" and row.region is None else row for row in rows
    ]


def _id_text(value: object) -> str | None:
    if isinstance(value, str):
        return value or None
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return str(value)
        except ValueError:  # Python writes no integer of thousands of digits
            return None
    return None
