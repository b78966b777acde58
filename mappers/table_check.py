"""The checks of a whole table: what no row can see by itself."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import MappingDefinitionError
from .mapping import Mapping
from .paths import Path


def check_table(rows: Sequence[Mapping]) -> Mapping:
    """Check that rows go together.

    Returns:
        The id row.

    Raises:
        MappingDefinitionError: There is not exactly one id row, or two rows share a place on a side.
    """
    _check_botmatic_names(rows)
    _check_external_paths(rows)
    return _id_row(rows)


def _id_row(rows: Sequence[Mapping]) -> Mapping:
    found = [number for number, row in enumerate(rows, 1) if row.id]
    if not found:
        raise MappingDefinitionError(
            "id: no row is the id row. Mark the row that holds the external side's id with id=True (id: true in a file)"
        )
    first, *others = found
    if others:
        _fail(rows, others[0], f"id: {_label(rows, first)} is the id row already. Leave id out of one of them")
    return rows[first - 1]


def _check_botmatic_names(rows: Sequence[Mapping]) -> None:
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        first = seen.setdefault(row.botmatic, number)
        if first != number:
            _fail(rows, number, f"botmatic: row {first} has this name as well. Keep one of them")


def _check_external_paths(rows: Sequence[Mapping]) -> None:
    whole: dict[Path, int] = {}
    parts: dict[Path, int] = {}
    for number, row in enumerate(rows, 1):
        outer = (row.path[:length] for length in range(1, len(row.path)))
        if row.path in whole:
            _fail(rows, number, f"external: {_label(rows, whole[row.path])} has this name as well. Keep one of them")
        for path in outer:
            if path in whole:
                _fail(rows, number, _nested(rows, number, whole[path]))
            parts.setdefault(path, number)
        if row.path in parts:
            _fail(rows, number, _nested(rows, parts[row.path], number))
        whole[row.path] = number


def _nested(rows: Sequence[Mapping], inner: int, outer: int) -> str:
    return (
        f'external: "{rows[inner - 1].external}" of {_label(rows, inner)} lies within "{rows[outer - 1].external}" of '
        f"{_label(rows, outer)}. Map the whole or its parts"
    )


def _label(rows: Sequence[Mapping], number: int) -> str:
    return f'row {number} ("{rows[number - 1].botmatic}")'


def _fail(rows: Sequence[Mapping], number: int, problem: str) -> None:
    raise MappingDefinitionError(problem, _label(rows, number))
