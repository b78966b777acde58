"""Reads a declaration key by key, and gathers everything that is wrong with it, so that it is told at once.

A problem says where it is (`paging.type`), what was found (the kind of it, never the value: it may be a secret), what
is expected, and what to write.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from contact_sync.consumers.auth.checks import header_name, header_value, shown
from contact_sync.errors import ConfigurationError
from mappers.paths import split
from mappers.values import MISSING, kind_of
from mappers.words import instead_of, one_of

Path = tuple[str, ...]

D = TypeVar("D")


class Problems:
    """What is wrong with a declaration."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, where: str, problem: str) -> None:
        """Note one: `where` is the place, and `problem` says what is wrong and what to do."""
        self.add_line(f"{where}: {problem}")

    def add_line(self, problem: str) -> None:
        """Note one that names its place itself."""
        if problem not in self._found:
            self._found.append(problem)

    def below(self, where: str) -> bool:
        """Whether something within a section is wrong already: what follows from that need not be told."""
        return any(problem.startswith((f"{where}.", f"{where}:")) for problem in self._found)

    def raise_any(self, source: str) -> None:
        """Raise what was found, if anything was.

        Raises:
            ConfigurationError: It lists all of it, a line each.
        """
        if len(self._found) == 1:
            raise ConfigurationError(f"{source}: {self._found[0]}")
        if self._found:
            lines = "".join(f"\n  {problem}" for problem in self._found)
            raise ConfigurationError(f"{source}: {len(self._found)} things are wrong in the declaration:{lines}")


class Section:
    """An object within a declaration.

    Args:
        data: What was declared there; something that is no object is noted, and read as an empty one.
        where: Its place; empty for the whole declaration.
        keys: What it may hold. Others are noted.
        problems: Where to note what is wrong.
    """

    def __init__(self, data: object, where: str, keys: Iterable[str], problems: Problems) -> None:
        self.where = where
        self.problems = problems
        self._keys = tuple(keys)
        self._data: Mapping[Any, Any] = {}
        if isinstance(data, Mapping):
            self._data = data
        else:
            problems.add(where or "the declaration", f"expected an object of keys and values, got {kind_of(data)}")
        for key in self._data:
            if key not in self._keys:
                self._unknown(key)

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def place(self, key: str) -> str:
        """The place of a key."""
        return f"{self.where}.{key}" if self.where else key

    def problem(self, key: str, problem: str) -> None:
        """Note what is wrong with a key."""
        self.problems.add(self.place(key), problem)

    def get(self, key: str, default: Any = MISSING) -> Any:
        """What was declared; `default` if nothing was."""
        return self._data.get(key, default)

    def text(self, key: str, default: D) -> str | D:
        """A text that is not empty."""
        value = self._data.get(key, MISSING)
        if value is MISSING:
            return default
        if isinstance(value, str) and value:
            return value
        return self._wrong(key, "text", value, default)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._data.get(key, default)
        return value if isinstance(value, bool) else self._wrong(key, "true or false", value, default)

    def count(self, key: str, default: D, *, least: int = 1) -> int | D:
        """A whole number."""
        value = self._data.get(key, MISSING)
        if value is MISSING:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        return self._wrong(key, f"a whole number from {least}", value, default)

    def seconds(self, key: str, default: float, *, least: float = 0.0, most: int = 86_400) -> float:
        """A number of seconds."""
        value = self._data.get(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        return self._wrong(key, f"a number of seconds, {most} at the most", value, default)

    def choice(self, key: str, known: Sequence[str], default: str) -> str:
        """One of several words."""
        value = self._data.get(key, default)
        if isinstance(value, str) and value in known:
            return value
        if isinstance(value, str):
            self.problem(key, f"no such word. {instead_of(value, known)}")
            return default
        return self._wrong(key, one_of(known), value, default)

    def path(self, key: str, default: D) -> Path | D:
        """A dotted path; empty text is the whole."""
        value = self._data.get(key, MISSING)
        if value is MISSING:
            return default
        if not isinstance(value, str):
            return self._wrong(key, "a path such as data.items", value, default)
        return as_path(value, self.place(key), self.problems)

    def names(self, key: str) -> tuple[str, ...]:
        """A list of names; one alone is a list of one."""
        value = self._data.get(key, ())
        listed = [value] if isinstance(value, str) else value
        if isinstance(listed, list | tuple) and all(isinstance(name, str) and name for name in listed):
            return tuple(listed)
        self._wrong(key, "a list of names", value, None)
        return ()

    def texts(self, key: str) -> dict[str, str]:
        """An object of names and texts, such as headers."""
        value = self._data.get(key, {})
        if not isinstance(value, Mapping):
            return self._wrong(key, "an object of names and texts", value, {})
        for name, text in value.items():
            if not isinstance(name, str) or not isinstance(text, str):
                place = f"{key}.{shown(name)}"
                self._wrong(place, "text", text if isinstance(name, str) else name, None)
                return {}
        return dict(value)

    def headers(self, key: str) -> dict[str, str]:
        """An object of headers."""
        for name, value in (headers := self.texts(key)).items():
            try:
                header_name(self.place(key), name)
                header_value(self.place(f"{key}.{shown(name)}"), value)
            except ConfigurationError as error:
                self.problems.add_line(str(error))
        return headers

    def _wrong(self, key: str, expected: str, value: object, default: D) -> D:
        if value == "":
            found = "empty text"
        elif isinstance(value, str):
            plain = expected.startswith(("a whole number", "a number", "true"))
            found = "text. Write it without quotes" if plain else "text"
        elif isinstance(value, int | float) and not isinstance(value, bool) and "number" in expected:
            found = "another number"
        else:
            found = kind_of(value)
            if expected == "text" and isinstance(value, int | float):
                found = f"{found}. Put it in quotes"
        self.problem(key, f"expected {expected}, got {found}")
        return default

    def _unknown(self, key: object) -> None:
        if not isinstance(key, str):
            remedy = "In YAML, put it in quotes: on, off, yes, no and numbers are no text"
            self.problems.add(self.where or "the declaration", f"a key is {kind_of(key)}. {remedy}")
            return
        near = difflib.get_close_matches(key, self._keys, n=1)
        remedy = f'Did you mean "{near[0]}"?' if near else f"There are {', '.join(self._keys)}"
        self.problem(shown(key), f"unknown key. {remedy}")


def as_path(text: str, where: str, problems: Problems) -> Path:
    """Take a dotted path apart, as in a mapping; empty text is the whole."""
    if not text:
        return ()
    try:
        return split(text)
    except ValueError as error:
        problems.add(where, f"it is no path: {error}")
        return ()
