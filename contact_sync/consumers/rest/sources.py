"""Where a declaration comes from: YAML, with values of the environment in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final

from contact_sync.consumers.auth.checks import shown
from contact_sync.errors import ConfigurationError

from .reading import Problems

_LARGEST: Final = 1_000_000
_NAME: Final = re.compile(r"\$?\$\{([^}]*)\}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def from_file(path: str | PathLike[str], source: str) -> Any:
    """Read a file of YAML (or JSON, which is YAML too).

    Raises:
        ConfigurationError: It cannot be read, or is no YAML.
    """
    name = Path(path).name
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{source}: {name} cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise ConfigurationError(
            f"{source}: {name} is larger than 1 MB, which no declaration is. Is it the right file?"
        )
    try:
        return from_text(content.decode("utf-8-sig"), f"{source}: {name}")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{source}: {name} is not UTF-8. Save it as UTF-8") from None


def from_text(text: str, source: str) -> Any:
    """Read YAML.

    Raises:
        ConfigurationError: It is none, or PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise ConfigurationError(
            f'{source}: reading YAML needs PyYAML. Install it with: pip install "contact-sync[rest]"'
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1} is" if mark else "it is"
    except (yaml.YAMLError, ValueError, RecursionError):
        line = "it is"
    # What the parser says may repeat the line, and a secret in it.
    raise ConfigurationError(f"{source}: {line} not YAML; look for a missing quote, a tab, or an indent")


def with_environment(data: Any, environ: Mapping[str, str], problems: Problems, where: str = "") -> Any:
    """Put the environment's values in place of `${NAME}` in every text; `$${` is a plain `${`.

    Returns:
        A copy. What is not set is noted, and left as it is.
    """
    if isinstance(data, str):
        return _NAME.sub(lambda found: _value(found, environ, problems, where or "the declaration"), data)
    if isinstance(data, Mapping):
        inner = {key: f"{where}.{shown(key)}" if where else shown(key) for key in data}
        return {key: with_environment(value, environ, problems, inner[key]) for key, value in data.items()}
    if isinstance(data, list):
        return [with_environment(value, environ, problems, f"{where}.{n}") for n, value in enumerate(data)]
    return data


def _value(found: re.Match[str], environ: Mapping[str, str], problems: Problems, where: str) -> str:
    if found[0].startswith("$$"):
        return found[0][1:]
    if not _VARIABLE.fullmatch(found[1]):
        problems.add(where, "${…} holds no name of an environment variable. Write one such as ${ACME_TOKEN}")
        return found[0]
    value = environ.get(found[1])
    if value is None:
        problems.add(where, f"the environment variable {found[1]} is not set. Set it, or write the value itself")
        return found[0]
    return value
