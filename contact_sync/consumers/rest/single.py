"""The endpoints that every consumer needs: those for one record, and the list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .endpoints import Endpoint, Expected, endpoint, needs, opened
from .reading import Path, Problems, Section
from .records import Shape


@dataclass(frozen=True, slots=True)
class Create:
    """How a record is created.

    Attributes:
        endpoint: Where.
        id: Where the answer holds the new id, if it holds no record.
    """

    endpoint: Endpoint
    id: Path | None


@dataclass(frozen=True, slots=True)
class OfOne:
    """What is done with one record, by its id.

    Attributes:
        endpoint: Where.
        read_first: Whether the record is read before, since the API does not say that it is missing.
        whole: Whether the record is sent with the changes in it, since the API blanks what is not sent.
    """

    endpoint: Endpoint
    read_first: bool = False
    whole: bool = False


class Singles:
    """Reads these endpoints.

    Args:
        whole: The whole declaration.
        shape: What a record looks like.
        path: Where the records are.
    """

    def __init__(self, whole: Section, shape: Shape, path: str) -> None:
        self._whole = whole
        self._problems: Problems = whole.problems
        self._shape = shape
        self._path = path

    def list(self) -> Endpoint:
        """Read `list`."""
        section = opened(self._whole.get("list", {}), "list", self._problems, ("list",))
        return endpoint(section, "list", Expected(path=self._path, list=self._shape.list), ())

    def read(self) -> Endpoint:
        """Read `read`."""
        return self._of_one(self._whole.get("read", {}), "read", "GET", ("item",)).endpoint

    def create(self) -> Create | None:
        """Read `create`; none if records cannot be created."""
        data = self._whole.get("create", {})
        if data is False:
            return None
        section = opened(data, "create", self._problems, ("item", "id"))
        expected = Expected("POST", self._path, self._shape.wrap, item=self._shape.item)
        read = endpoint(section, "create", expected, ("contact",))
        needs(section, read, "contact")
        id = section.path("id", None)
        if read.item is None and id is None:
            section.problem("id", "it is missing. Write where the answer holds the new id, as it holds no record")
        if id is not None and "item" not in section:
            read = replace(read, item=None)
        return Create(read, id)

    def update(self) -> OfOne | None:
        """Read `update`; none if records cannot be updated."""
        data = self._whole.get("update", {})
        return None if data is False else self._of_one(data, "update", "PATCH", ("item", "read_first", "whole"))

    def delete(self) -> OfOne | None:
        """Read `delete`; none if records cannot be deleted."""
        data = self._whole.get("delete", {})
        return None if data is False else self._of_one(data, "delete", "DELETE", ("read_first",))

    def archive(self) -> OfOne | None:
        """Read `archive`; none if it is not declared."""
        data = self._whole.get("archive", False)
        return None if data is False else self._of_one(data, "archive", "POST", ("read_first",))

    def _of_one(self, data: Any, name: str, verb: str, own_keys: tuple[str, ...]) -> OfOne:
        section = opened(data, name, self._problems, own_keys)
        sends = name == "update"
        expected = Expected(
            verb,
            f"{self._path}/{{id}}" if name != "archive" else None,
            self._shape.wrap if sends else None,
            item=self._shape.item,
        )
        read = endpoint(section, name, expected, ("id", "contact") if sends else ("id",))
        needs(section, read, "id")
        if sends:
            needs(section, read, "contact")
        return OfOne(
            read,
            read_first="read_first" in own_keys and section.flag("read_first", False),
            whole="whole" in own_keys and section.flag("whole", False),
        )
