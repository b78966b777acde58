"""One vCard, line by line: what is not changed stays as it was, to the letter.

vobject's own tree of a card loses things on the way through it: all but the first of `NICKNAME:Jim,Jimmy`, the `HOME`
of `TEL;HOME:…`, names of more than five parts; and its reading of a line takes exponential time with some broken ones.
So lines are told apart here, and vobject is what writes those that are changed: their parameters, escapes and folds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, Self

from contact_sync.errors import ConfigurationError, ContactSyncError

VERSIONS: Final = ("3.0", "4.0")
"""The versions of vCard that are read, each of which is written back as it was."""

_BREAK: Final = re.compile(r"\r\n|\n|\r")
_HEAD: Final = re.compile(
    r'(?:(?P<group>[\w-]+)\.)?(?P<name>[\w-]+)(?P<params>;[^":]*(?:"[^"]*"[^":]*)*)?:(?P<value>.*)',
    re.DOTALL | re.ASCII,
)
_PARAM: Final = re.compile(r'(?:[^;"]|"[^"]*")+')
_PARAM_VALUE: Final = re.compile(r'(?:[^,"]|"[^"]*")+')
_ESCAPED: Final = re.compile(r"\\([\\,;:nN])")
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LABELS: Final = "X-AB"  # item1.X-ABLabel says what the label of item1.EMAIL is
_PREFERRED: Final = "pref"
_NOT_PREFERRED: Final = 1000
_MARKS: Final = ("BEGIN", "END")


class UnreadableCard(ContactSyncError):
    """A card is no vCard of version 3.0 or 4.0."""


class Line:
    """A line of a card.

    Args:
        raw: It as it was read, folds and all; `None` for a new one.
        content: What vobject makes of it; `None` if it cannot be read, and so is only kept.
    """

    def __init__(self, raw: str | None, content: Any) -> None:
        self._raw = raw
        self._content = content

    @property
    def name(self) -> str:
        """The property's name, in capitals; empty for a line that cannot be read."""
        return "" if self._content is None else str(self._content.name)

    @property
    def group(self) -> str | None:
        """The `item1` of `item1.EMAIL`, in small letters."""
        group = None if self._content is None else self._content.group
        return group.lower() if group else None

    @property
    def value(self) -> str:
        """What stands behind the colon."""
        return "" if self._content is None else str(self._content.value)

    @property
    def text(self) -> str:
        """The value as text."""
        return unescape(self.value)

    @property
    def rank(self) -> int:
        """How much it is preferred to others of its name: the lowest is it most."""
        ranks = [int(value) for value in self.params("PREF") if value.isdecimal()]
        if ranks:
            return min(ranks)
        return 1 if _PREFERRED in self._types else _NOT_PREFERRED

    @property
    def _types(self) -> list[str]:
        return [value.strip().lower() for value in self.params("TYPE")]

    def params(self, name: str) -> list[str]:
        """The values of a parameter."""
        if self._content is None:
            return []
        bare = self._content.singletonparams if name == "TYPE" else []  # TEL;HOME is TEL;TYPE=HOME in vCard 2.1
        whole = [*self._content.params.get(name, ()), *bare]
        return [part for value in whole for part in value.split(",")]

    def set(self, value: str) -> None:
        """Change what stands behind the colon."""
        self._touch()
        self._content.value = value

    def drop(self, *params: str) -> None:
        """Take parameters away."""
        self._touch()
        for name in params:
            self._content.params.pop(name, None)

    def take_mark(self, other: Line) -> None:
        """Be the preferred one in place of another that is marked so."""
        self._touch()
        other._touch()
        mine, theirs = self._content.params, other._content.params
        if "PREF" in theirs:
            mine["PREF"] = theirs.pop("PREF")
            return
        kept = [value for value in other.params("TYPE") if value.strip().lower() != _PREFERRED]
        theirs.pop("TYPE", None)
        if kept:
            theirs["TYPE"] = kept
        mine["TYPE"] = [*self.params("TYPE"), _PREFERRED]

    def serialize(self) -> str:
        """The line, folded, without a line break behind it."""
        return self._raw if self._raw is not None else str(self._content.serialize()).removesuffix("\r\n")

    def _touch(self) -> None:
        self._raw = None
        bare = self._content.singletonparams
        if bare:  # which vobject does not write
            self._content.params["TYPE"] = self.params("TYPE")
            bare.clear()
        self._content.params.pop("CHARSET", None)  # it is UTF-8 from now on


class Card:
    """A vCard.

    Args:
        lines: Its lines, without BEGIN and END.
        version: Its version.
    """

    def __init__(self, lines: Sequence[Line], version: str) -> None:
        self._lines = list(lines)
        self.version = version

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a card.

        Raises:
            UnreadableCard: It is none, or of another version.
        """
        lines = [_line(raw) for raw in _unfolded(text.removeprefix("\ufeff"))]
        marks = [(n, line.name, line.value.strip().upper()) for n, line in enumerate(lines) if line.name in _MARKS]
        if marks != [(0, "BEGIN", "VCARD"), (len(lines) - 1, "END", "VCARD")]:
            raise UnreadableCard("a card is not one whole vCard; nothing is read from it")
        card = cls(lines[1:-1], "")
        said = card.preferred("VERSION")
        card.version = "" if said is None else said.value.strip()
        if card.version not in VERSIONS:
            raise UnreadableCard(f"a card is of another version of vCard than {' or '.join(VERSIONS)}")
        return card

    @classmethod
    def new(cls, uid: str) -> Self:
        """Make a card of version 3.0, which every address book takes, with what it has to have."""
        card = cls([], VERSIONS[0])
        for name, value in (("VERSION", VERSIONS[0]), ("UID", uid), ("N", ";;;;"), ("FN", "")):
            card.add(name, value)
        return card

    @property
    def is_group(self) -> bool:
        """Whether it is a list of people rather than somebody."""
        kinds = [*self.all("KIND"), *self.all("X-ADDRESSBOOKSERVER-KIND")]
        return any(line.text.strip().lower() == "group" for line in kinds)

    def all(self, name: str) -> list[Line]:
        """The lines of a property, in the card's order."""
        return [line for line in self._lines if line.name == name]

    def preferred(self, name: str) -> Line | None:
        """The line of a property that is preferred: by `PREF` or `TYPE=pref`, else the first that is not blank."""
        lines = self.all(name)
        return min(lines, key=lambda line: (not line.value.strip(" ;"), line.rank), default=None)

    def add(self, name: str, value: str, **params: str) -> Line:
        """Put a line at the end."""
        line = Line(None, _content(name, [[param, text] for param, text in params.items()], value, None))
        self._lines.append(line)
        return line

    def remove(self, line: Line) -> None:
        """Take a line away, and the label that it alone has."""
        self._lines.remove(line)
        group = [other for other in self._lines if line.group is not None and other.group == line.group]
        if all(other.name.startswith(_LABELS) for other in group):
            for other in group:
                self._lines.remove(other)

    def prefer(self, line: Line, other: Line) -> None:
        """Let a line be the preferred one in place of another."""
        if other.rank < _NOT_PREFERRED:
            line.take_mark(other)
        else:
            self.order([line, other])

    def order(self, lines: Sequence[Line]) -> None:
        """Put lines of the card into this order, where the first of them is."""
        if not lines or lines == [line for line in self._lines if line in lines]:
            return
        place = min(self._lines.index(line) for line in lines)
        rest = [line for line in self._lines if line not in lines]
        self._lines = [*rest[:place], *lines, *rest[place:]]

    def serialize(self) -> str:
        """The card as text."""
        lines = (line.serialize() for line in self._lines)
        return "\r\n".join(("BEGIN:VCARD", *lines, "END:VCARD", ""))


def escape(text: str) -> str:
    """Write text as the value of a property."""
    return str(_vobject().backslashEscape(clean(text)))


def unescape(value: str) -> str:
    """Read text from the value of a property."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def clean(text: str) -> str:
    """Leave out what XML cannot hold: with a NUL in one card, no server could answer with it any more."""
    return _NOT_IN_XML.sub("", text)


def split(value: str, separator: str) -> list[str]:
    """Take a value apart where a separator is that is not escaped. The parts keep their escapes."""
    parts, start, at = [], 0, 0
    while at < len(value):
        if value[at] == separator:
            parts.append(value[start:at])
            start = at + 1
        at += 2 if value[at] == "\\" else 1
    return [*parts, value[start:]]


def checked_library() -> None:
    """See that vobject is there.

    Raises:
        ConfigurationError: It is not.
    """
    _vobject()


def _unfolded(text: str) -> Iterable[str]:
    """The lines of a card, each with its folds; those that are blank are left out."""
    line = ""
    for part in _BREAK.split(text):
        if part[:1] in (" ", "\t") and line:
            line += "\r\n" + part
            continue
        if line.strip():
            yield line
        line = part
    if line.strip():
        yield line


def _line(raw: str) -> Line:
    found = _HEAD.fullmatch(re.sub(r"\r\n[ \t]", "", raw))
    if found is None:
        return Line(raw, None)
    params = [_param(part) for part in _PARAM.findall(found["params"] or "")]
    try:
        return Line(raw, _content(found["name"], params, found["value"], found["group"]))
    except (ValueError, LookupError, TypeError):  # it says that it is coded in a way in which it is not
        return Line(raw, None)


def _param(text: str) -> list[str]:
    """`TYPE=work,"a;b"` as vobject takes it: the name, and the values; or a bare word alone."""
    name, equals, values = text.partition("=")
    if not equals:
        return [name]
    return [name, *([value.strip('"') for value in _PARAM_VALUE.findall(values)] or [""])]


def _content(name: str, params: list[list[str]], value: str, group: str | None) -> Any:
    return _vobject().ContentLine(name, params, value, group, encoded=True)


def _vobject() -> Any:
    try:
        import vobject.base
    except ImportError:
        raise ConfigurationError(
            "CardDAVConsumer needs the package 'vobject'; pip install 'contact-sync[carddav]'"
        ) from None
    return vobject.base
