"""Texts and bodies with placeholders: `{id}` alone is replaced by what it stands for, `{value:json}` is quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from contact_sync.consumers.auth.checks import shown
from mappers.values import kind_of
from mappers.words import instead_of

from .reading import Problems

Values = Mapping[str, Any]

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)(?::([a-z_]*))?\}")

_OWN_NAMES: Final = frozenset({"field"})
"""What the declaration itself says, so that it can stand in any text as it is."""

_OBJECTS: Final = frozenset({"contact", "contacts"})


def _with_backslashes(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


QUOTES: Final[Mapping[str, Callable[[str], str]]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False),
    "sql": lambda text: "'" + text.replace("'", "''") + "'",
    "backslash": _with_backslashes,
    "url": lambda text: quote(text, safe=""),
}


@dataclass(frozen=True, slots=True)
class Template:
    """Data in which placeholders stand.

    Attributes:
        data: Text, or what JSON can hold. Left out of `repr`, since it may hold a secret.
        uses: The names of its placeholders.
    """

    data: Any = field(repr=False)
    uses: frozenset[str] = frozenset()

    def fill(self, values: Values) -> Any:
        """The data with what the placeholders stand for; of an object, without members for which a value is missing."""
        data = self.data
        if isinstance(data, Mapping) and not self.uses <= values.keys():
            data = {name: each for name, each in data.items() if _uses(name) | _uses(each) <= values.keys()}
        return _filled(data, values) if self.uses else data


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """The path of a URL in which placeholders stand. Whatever is filled in is quoted whole.

    Attributes:
        text: The path. Left out of `repr`, since it may hold a secret.
        uses: The names of its placeholders.
    """

    text: str = field(repr=False)
    uses: frozenset[str] = frozenset()

    def fill(self, values: Values) -> str:
        """The path with what the placeholders stand for, none of which is empty, `.` or `..`: quoting changes none of
        these."""
        return _PLACEHOLDER.sub(lambda found: quote(str(values[found[1]]), safe=""), self.text)


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of a URL, in whose names and values placeholders may stand.

    Attributes:
        parameters: Names and values.
    """

    parameters: tuple[tuple[Template, Template], ...] = ()

    @property
    def uses(self) -> frozenset[str]:
        """The names of its placeholders."""
        return frozenset[str]().union(*(part.uses for pair in self.parameters for part in pair))

    def fill(self, values: Values) -> dict[str, str]:
        """The parameters; without those for which a value is missing."""
        return {
            name.fill(values): _as_text(value.fill(values))
            for name, value in self.parameters
            if (name.uses | value.uses) <= values.keys()
        }


NO_QUERY: Final = Query()


def template(data: object, allowed: Collection[str], where: str, problems: Problems) -> Template:
    """Check a text or a body, and see which placeholders it has.

    Args:
        allowed: The placeholders that may stand in it.
    """
    uses: set[str] = set()
    for place, text in _texts(data, where, problems):
        for found in _PLACEHOLDER.finditer(text):
            alone = found.end() - found.start() == len(text)
            _check(found, allowed, alone, place, problems)
            uses.add(found[1])
    return Template(data, frozenset(uses))


def path_template(text: str, allowed: Collection[str], where: str, problems: Problems) -> PathTemplate:
    """Check a path below the base URL."""
    if not text.startswith("/") or text.startswith("//"):
        problems.add(where, "a path begins with one '/' and is added to base_url. Write one such as /contacts/{id}")
    if "?" in text or "#" in text or re.search(r"[\s\\]", text):
        problems.add(where, "a path has no '?', '#', backslash or space. Parameters go into query")
    if any(segment in (".", "..") for segment in text.split("/")):
        problems.add(where, "'.' and '..' lead to other paths. Write the path itself")
    allowed = set(allowed) - _OBJECTS
    uses = set()
    for found in _PLACEHOLDER.finditer(text):
        if found[2] is not None:
            problems.add(where, f"what stands in a path is quoted whole in any case. Write {{{found[1]}}}")
        elif found[1] not in allowed:
            problems.add(where, _no_such(found[1], allowed))
        uses.add(found[1])
    return PathTemplate(text, frozenset(uses))


def query(data: object, allowed: Collection[str], where: str, problems: Problems) -> Query:
    """Check the parameters of a URL."""
    if not isinstance(data, Mapping):
        problems.add(where, f"expected an object of parameters, got {kind_of(data)}")
        return Query()
    pairs = []
    for name, value in data.items():
        place = f"{where}.{shown(name)}" if isinstance(name, str) else where
        if not isinstance(name, str) or not isinstance(value, str | int | float):
            problems.add(place, f"expected text, got {kind_of(value if isinstance(name, str) else name)}")
            continue
        pairs.append((template(name, allowed, place, problems), template(value, allowed, place, problems)))
    return Query(tuple(pairs))


def _texts(data: object, where: str, problems: Problems) -> Iterator[tuple[str, str]]:
    if isinstance(data, str):
        yield where, data
    elif isinstance(data, Mapping):
        for name, value in data.items():
            if not isinstance(name, str):
                problems.add(where, f"a name in it is {kind_of(name)}. In YAML, put it in quotes")
                continue
            yield where, name
            yield from _texts(value, f"{where}.{shown(name)}", problems)
    elif isinstance(data, list | tuple):
        for number, value in enumerate(data):
            yield from _texts(value, f"{where}.{number}", problems)
    elif data is not None and not isinstance(data, bool | int | float):
        problems.add(where, f"it is {kind_of(data)}, which JSON cannot hold. Write it as text, in quotes")


def _check(found: re.Match[str], allowed: Collection[str], alone: bool, where: str, problems: Problems) -> None:
    name, quoting = found[1], found[2]
    if name not in allowed:
        problems.add(where, _no_such(name, allowed))
    elif quoting is not None and (quoting not in QUOTES or name in _OBJECTS):
        how = "it cannot be quoted" if name in _OBJECTS else f"no such quoting. {instead_of(quoting, QUOTES)}"
        problems.add(where, f"{{{name}:…}}: {how}")
    elif quoting is None and not alone and name in _OBJECTS:
        problems.add(where, f"{{{name}}} stands for an object, so it has to be the whole text")
    elif quoting is None and not alone and name not in _OWN_NAMES:
        problems.add(
            where,
            f"{{{name}}} stands within a text, in which a hostile value could say something else. Say how it is "
            f"quoted there: {', '.join(f'{{{name}:{way}}}' for way in QUOTES)}",
        )


def _no_such(name: str, allowed: Collection[str]) -> str:
    if not allowed:
        return f"{{{name}}}: no placeholder can stand here. Write the text itself"
    known = [f"{{{each}}}" for each in sorted(allowed)]
    return f"{{{name}}}: no such placeholder here. {instead_of(f'{{{name}}}', known)}".replace('"', "")


def _filled(data: Any, values: Values) -> Any:
    if isinstance(data, str):
        alone = _PLACEHOLDER.fullmatch(data)
        if alone is not None and alone[2] is None:
            return values[alone[1]]
        return _PLACEHOLDER.sub(lambda found: _put(found, values), data)
    if isinstance(data, Mapping):
        return {_filled(name, values): _filled(value, values) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_filled(value, values) for value in data]
    return data


def _uses(data: Any) -> set[str]:
    texts = _texts(data, "", Problems())
    return {found[1] for _, text in texts for found in _PLACEHOLDER.finditer(text)}


def _put(found: re.Match[str], values: Values) -> str:
    text = _as_text(values[found[1]])
    return text if found[2] is None else QUOTES[found[2]](text)


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
