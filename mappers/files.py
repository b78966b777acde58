"""Mapping files: YAML and JSON to plain data."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any, Final

from .errors import MappingDefinitionError

_LARGEST: Final = 1_000_000
"""Far more than any table needs; a larger file is some other file."""


def read_file(path: str | PathLike[str]) -> Any:
    """Read a mapping file. What is in it is checked elsewhere.

    Args:
        path: A file whose name ends in `.yaml`, `.yml` or `.json`.

    Raises:
        MappingDefinitionError: It cannot be read; says why, and in a file with a wrong syntax in which line.
    """
    where, path = str(path), Path(path)
    readers = {".yaml": _yaml, ".yml": _yaml, ".json": _json}
    read = readers.get(path.suffix.lower())
    if read is None:
        raise MappingDefinitionError("a mapping file ends in .yaml, .yml or .json. Rename it", where)
    return read(_text(path, where), where)


def _text(path: Path, where: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise MappingDefinitionError(
            f"there is no such file. The path is taken from the current folder, {Path.cwd()}", where
        ) from None
    except OSError as error:
        raise MappingDefinitionError(f"it cannot be read: {error.strerror}", where) from error
    if len(content) > _LARGEST:
        raise MappingDefinitionError("it is larger than 1 MB, which no mapping is. Is it the right file?", where)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MappingDefinitionError(f"line {line} is not UTF-8. Save the file as UTF-8", where) from None


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise MappingDefinitionError(f"line {error.lineno} is not JSON: {error.msg}", where) from None
    except (ValueError, RecursionError):
        raise MappingDefinitionError("it holds an unreasonable number or nests too deeply", where) from None


def _yaml(text: str, where: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise MappingDefinitionError(
            'reading YAML needs PyYAML. Install it with: pip install "contact-sync[yaml]"', where
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}" if mark else "it"
        raise MappingDefinitionError(f"{line} is not YAML: {error.problem or error.context}", where) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise MappingDefinitionError(f"it is not YAML ({type(error).__name__})", where) from None
