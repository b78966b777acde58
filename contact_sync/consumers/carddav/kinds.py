"""The kinds of fields that a card has: how each is read from its lines, and written to them."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from datetime import date
from enum import Enum
from typing import Any, ClassVar, Final

from contact_sync.consumer import CRMField
from contact_sync.errors import ContactSyncError

from .card import Card, Line, clean, escape, split, unescape

_DAY: Final = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?![0-9])")


class FieldRefused(ContactSyncError):
    """A field cannot be written as it was given. The message names it, not its value."""


class _Untold(Enum):
    UNTOLD = "untold"


UNTOLD: Final = _Untold.UNTOLD
"""What a field has that the card holds in a form that cannot be given: the contact goes without it."""


class Field(ABC):
    """A field of a contact.

    Attributes:
        name: As the mapping has to write it.
        property: The name of the card's property.
        label: What people call it.
        type: `text`, `list` or `date`.
        read_only: Whether it is never written.
        searchable: Whether a server can be asked for it.
    """

    type: ClassVar[str] = "text"
    read_only: ClassVar[bool] = False
    searchable: ClassVar[bool] = True

    def __init__(self, name: str, property: str, label: str) -> None:
        self.name = name
        self.property = property
        self.label = label

    @abstractmethod
    def read(self, card: Card) -> object:
        """What the card has; `None` for nothing, `UNTOLD` for what cannot be told."""

    @abstractmethod
    def write(self, card: Card, value: Any) -> None:
        """Put on the card what `wanted` made of a value."""

    def wanted(self, value: object) -> object:
        """What reading the field has to give once a value is written.

        Raises:
            FieldRefused: It cannot be written.
        """
        return _text(value) or None

    def described(self) -> CRMField:
        """The field as `list_fields` tells of it."""
        return CRMField(self.name, self.type, read_only=self.read_only, unique=isinstance(self, Uid), label=self.label)


class Uid(Field):
    """What a card is called once for all."""

    read_only = True

    def read(self, card: Card) -> object:
        line = card.preferred(self.property)
        return None if line is None else line.text.strip() or None

    def write(self, card: Card, value: Any) -> None:
        del card, value
        raise FieldRefused(f"the field {self.name!r} is given once, when a card is made; it cannot be changed")


class Text(Field):
    """The text of the preferred line."""

    def read(self, card: Card) -> object:
        line = card.preferred(self.property)
        return None if line is None else line.text or None

    def write(self, card: Card, value: Any) -> None:
        put(card, self.property, None if value is None else escape(value))


class Part(Field):
    """One of the parts of the preferred line, such as the city of an address."""

    def __init__(self, name: str, property: str, label: str, place: int, parts: int) -> None:
        super().__init__(name, property, label)
        self._place = place
        self._parts = parts

    def read(self, card: Card) -> object:
        line = card.preferred(self.property)
        parts = [] if line is None else split(line.value, ";")
        return unescape(parts[self._place]) or None if self._place < len(parts) else None

    def write(self, card: Card, value: Any) -> None:
        line = card.preferred(self.property)
        parts = [] if line is None else split(line.value, ";")
        parts += [""] * (self._parts - len(parts))
        parts[self._place] = "" if value is None else escape(value)
        while self.property == "ORG" and len(parts) > 1 and not parts[-1]:
            parts.pop()
        keep = any(parts) or self.property == "N"  # which a card of version 3.0 has to have
        put(card, self.property, ";".join(parts) if keep else None)


class Main(Field):
    """The preferred one of several lines, such as the e-mail address that is to be written to."""

    def read(self, card: Card) -> object:
        line = card.preferred(self.property)
        return None if line is None else _plain(line) or None

    def wanted(self, value: object) -> object:
        return _text(value).strip() or None

    def write(self, card: Card, value: Any) -> None:
        line = card.preferred(self.property)
        if line is None:
            if value is not None:
                _add(card, self.property, value)
            return
        if value is None:
            card.remove(line)
            return
        wanted = comparable(self.property, value)
        same = [other for other in card.all(self.property) if comparable(self.property, _plain(other)) == wanted]
        if same and line not in same:
            card.prefer(same[0], line)
            line = same[0]
        if _plain(line) != value:
            _replace(line, value)


class Many(Field):
    """All lines of a property."""

    type = "list"

    def read(self, card: Card) -> object:
        return _texts([_plain(line) for line in card.all(self.property)]) or None

    def wanted(self, value: object) -> object:
        return _texts(value) or None

    def write(self, card: Card, value: Any) -> None:
        rest = card.all(self.property)
        kept = []
        for text in value or ():
            line = next((line for line in rest if _plain(line) == text), None)
            if line is None:
                line = _add(card, self.property, text)
            else:
                rest.remove(line)
            kept.append(line)
        for line in rest:
            card.remove(line)
        card.order(kept)


class Words(Field):
    """Words, with commas between them."""

    type = "list"
    searchable = False

    def read(self, card: Card) -> object:
        words = [unescape(word) for line in card.all(self.property) for word in split(line.value, ",")]
        return _texts(words) or None

    def wanted(self, value: object) -> object:
        return _texts(value) or None

    def write(self, card: Card, value: Any) -> None:
        for line in card.all(self.property)[1:]:
            card.remove(line)
        put(card, self.property, ",".join(escape(word) for word in value) if value else None)


class Day(Field):
    """A day with its year; other forms (`--0209`, "about 1800") are neither told of nor lost."""

    type = "date"
    searchable = False

    def read(self, card: Card) -> object:
        line = card.preferred(self.property)
        if line is None or not line.text.strip():
            return None
        found = _DAY.match(line.text.strip())
        if found is None or line.params("X-APPLE-OMIT-YEAR"):
            return UNTOLD
        try:
            return date(*(int(part) for part in found.groups())).isoformat()
        except ValueError:
            return UNTOLD

    def wanted(self, value: object) -> object:
        text = value.isoformat()[:10] if isinstance(value, date) else _text(value).strip()
        try:
            return date.fromisoformat(text).isoformat() if text else None
        except ValueError:
            raise FieldRefused(f"the field {self.name!r} takes a day, YYYY-MM-DD") from None

    def write(self, card: Card, value: Any) -> None:
        if value is not None and card.version != "3.0":
            value = value.replace("-", "")
        line = put(card, self.property, value)
        if line is not None:
            line.drop("VALUE", "X-APPLE-OMIT-YEAR", "CALSCALE")


def comparable(property: str, value: object) -> str:
    """What of a value counts: of addresses not the case, of phone numbers not what stands between the digits."""
    text = value if isinstance(value, str) else ""
    if property == "EMAIL":
        return text.strip().casefold()
    if property == "TEL":
        return re.sub(r"[^0-9+]", "", text)
    return text


def put(card: Card, property: str, value: str | None) -> Line | None:
    """Change, add or remove the preferred line of a property."""
    line = card.preferred(property)
    if value is None:
        if line is not None:
            card.remove(line)
        return None
    if line is None:
        return card.add(property, value)
    line.set(value)
    return line


def _plain(line: Line) -> str:
    """An address or a number as text, be it text or a link such as `tel:+33-6-12`."""
    text = line.text.strip()
    return text[4:] if text[:4].lower() == "tel:" else text


def _add(card: Card, property: str, text: str) -> Line:
    params = {"TYPE": "INTERNET"} if property == "EMAIL" and card.version == "3.0" else {}
    return card.add(property, escape(text), **params)


def _replace(line: Line, text: str) -> None:
    line.set(escape(text))
    line.drop("VALUE")  # it was a link, and is text now


def _text(value: object) -> str:
    """A value as text; lists and objects as JSON, as the mapping has them where text is wanted."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return clean(text).replace("\r\n", "\n").replace("\r", "\n")


def _texts(value: object) -> list[str]:
    """A list of texts, each once, without those that are blank."""
    values = value if isinstance(value, list | tuple) else [value]
    return [text for text in dict.fromkeys(_text(one).strip() for one in values) if text]
