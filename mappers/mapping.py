"""A row of the table: one field, its name on either side, and how its values travel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final

from . import matching, paths, row_check
from .errors import MappingDefinitionError, MappingValueError
from .field_types import Conversions, canonical_text, or_as_text
from .transforms import Transform, TransformFunction
from .values import MISSING, Unfit, is_empty
from .words import (
    DIRECTIONS,
    FIELD_TYPES,
    MATCH_TYPES,
    ON_EMPTY,
    PROPERTY_TYPES,
    SIDES,
    Conflict,
    Direction,
    FieldType,
    OnEmpty,
    PropertyType,
    Side,
    one_of,
)

ConflictFunction = Callable[..., Any]
"""Decides about a field that both sides changed. Who asks it says what it is given and what it returns."""

_PROPERTY_TYPES: Final[dict[FieldType, PropertyType]] = {"number": "number", "date": "date", "datetime": "date"}


@dataclass(frozen=True)
class Mapping:
    """One field: its name on the platform, its name on the external side, and how its values travel.

    A row is checked when it is made; `MappingDefinitionError` names the key and what to write instead.

    Attributes:
        botmatic: The name on the platform; `id` is the platform's own id.
        external: The name on the external side. Dots lead into objects (`properties.email`); a dot that belongs to a
            name is written with a backslash before it (`e\\.mail`), a backslash itself as two.
        id: Whether this is the external side's id. Exactly one row of a table is.
        match: Whether an unknown contact is looked up by this field: one of type `text`, `email`, `phone` or `number`,
            or a `list` of texts, each of which is looked up.
        type: What the field holds: `text`, `email`, `phone`, `number`, `boolean`, `date`, `datetime`, `list` or
            `object`.
        direction: Which way it travels: `both`, `to_botmatic` or `to_external`.
        on_empty: What an empty value does on the other side: `clear` or `ignore`; `None` takes what the table says.
        conflict: Who wins where both sides changed the field: `last_write`, `botmatic`, `external`, or a function;
            `None` takes what the sync says. The row only carries it.
        to_botmatic: Makes the platform's value from the external one, in place of what the type does: a function, or
            the name of a ready-made transform.
        to_external: Makes the external value from the platform's, likewise.
        transform: A ready-made transform's name, or a `Transform`, for both directions at once.
        botmatic_codec: How the platform writes a date or datetime: `iso` (also when left out), `epoch_s`, `epoch_ms`,
            or a `strftime` format.
        external_codec: How the external side writes it.
        region: Of type phone: the country of numbers that name none, as its two letters (`FR`); `None` takes what the
            table says.
        property_type: As what the property is declared on the platform: `text`, `number` or `date`. Left out, it
            follows from the type. A field of type text whose property is a number has text turned into the number
            that it writes.
        path: The external name, taken apart.
        key: Both names in one text, different for any two rows of a table.
        conversions: What the row does to values; put together from the above.
    """

    botmatic: str
    external: str
    _: KW_ONLY
    id: bool = False
    match: bool = False
    type: FieldType = "text"
    direction: Direction = "both"
    on_empty: OnEmpty | None = None
    conflict: Conflict | ConflictFunction | None = None
    to_botmatic: TransformFunction | str | None = None
    to_external: TransformFunction | str | None = None
    transform: Transform | str | None = None
    botmatic_codec: str | None = None
    external_codec: str | None = None
    region: str | None = None
    property_type: PropertyType | None = None
    path: paths.Path = field(init=False, repr=False, compare=False)
    key: str = field(init=False, repr=False, compare=False)
    conversions: Conversions = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            self._check()
        except ValueError as error:
            problem = str(error)
        else:
            return
        name = f' "{self.botmatic}"' if isinstance(self.botmatic, str) else ""
        raise MappingDefinitionError(problem, f"Mapping{name}")

    def _check(self) -> None:
        row_check.check_name("botmatic", self.botmatic)
        row_check.check_name("external", self.external)
        row_check.check_flag("id", self.id)
        row_check.check_flag("match", self.match)
        row_check.check_word("type", self.type, FIELD_TYPES)
        row_check.check_word("direction", self.direction, DIRECTIONS)
        if self.on_empty is not None:
            row_check.check_word("on_empty", self.on_empty, ON_EMPTY)
        if self.conflict is not None:
            row_check.check_conflict("conflict", self.conflict)
        if self.property_type is not None:
            row_check.check_word("property_type", self.property_type, PROPERTY_TYPES)
        self._check_roles()
        try:
            object.__setattr__(self, "path", paths.split(self.external))
        except ValueError as error:
            raise ValueError(f"external: {error}") from None
        name = self.botmatic.replace("\\", r"\\").replace("=", r"\=")
        object.__setattr__(self, "key", f"{name}={self.external}")
        object.__setattr__(self, "conversions", self._compile())

    def _check_roles(self) -> None:
        if self.id and self.match:
            raise ValueError("match: the id row cannot be one, since ids are looked up in the key store. Leave it out")
        if self.match and self.type not in MATCH_TYPES:
            raise ValueError(
                f'match: only a field of type {one_of(MATCH_TYPES)} can be one, not "{self.type}". '
                "Leave one of them out"
            )
        if self.botmatic == "id" and not self.id and self.direction != "to_external":
            raise ValueError(
                'botmatic: "id" is the platform\'s own id. Make this the id row with id=true, '
                'or let it travel one way with direction="to_external"'
            )

    def _compile(self) -> Conversions:
        typed = row_check.typed_conversions(
            self.type,
            self.botmatic_codec,
            self.external_codec,
            self.region,
            numeric=self.property_type == "number",
        )
        to_botmatic = row_check.transform_of("to_botmatic", self.to_botmatic, self.transform, self.direction)
        to_external = row_check.transform_of("to_external", self.to_external, self.transform, self.direction)
        if to_botmatic is None and to_external is None:
            return typed
        # What a transform makes has a form of its own, which no type knows: it is compared as text. An address or a
        # number stays one, however a side decorates it.
        form = or_as_text(typed.of_ext) if self.type in ("email", "phone") else canonical_text
        return Conversions(to_botmatic or typed.to_botmatic, to_external or typed.to_external, form, form)

    @property
    def platform_type(self) -> PropertyType:
        """As what the property is declared on the platform."""
        return self.property_type or _PROPERTY_TYPES.get(self.type, "text")

    def name_on(self, side: Side) -> str:
        """The field's name on a side, as it was declared."""
        return self.botmatic if side == "botmatic" else self.external

    def path_on(self, side: Side) -> paths.Path:
        """Where the field lies in a side's contacts. The platform's are flat."""
        return (self.botmatic,) if side == "botmatic" else self.path

    def read(self, contact: object, side: Side) -> Any:
        """Give the field's value in a side's contact; `mappers.values.MISSING` if it has none."""
        if side == "botmatic" and contact.__class__ is dict:  # flat, and read many times for each contact
            return contact.get(self.botmatic, MISSING)
        return paths.read(contact, self.path_on(side))

    def canonical(self, value: Any, side: Side = "botmatic") -> Any:
        """Give the one form that a value has, however a side writes it. Equal forms mean that nothing changed.

        It is JSON: text for dates (`2018-02-09`), datetimes (`2018-02-09T12:44:26.000Z`, cut to what both sides can
        hold), lists and objects (JSON text with sorted keys); a number or a boolean for those types. An e-mail address
        is in lower case, a phone number in E.164 (`+33612345678`, with `;ext=` and the extension where it has one);
        what is no possible phone number is its digits. Of type text, and wherever a transform is declared for a value
        that is neither address nor phone number, it is text.

        Args:
            value: The value as it stands on a side. An empty one gives `None`.
            side: That side.

        Raises:
            MappingValueError: The value does not fit the row.
        """
        row_check.check_word("side", side, SIDES)
        if is_empty(value):
            return None
        form = self.conversions.of_botmatic if side == "botmatic" else self.conversions.of_ext
        try:
            return form(value)
        except Unfit as error:
            reason = str(error)
        raise self.value_error(side, reason)

    def match_texts(self, value: Any, side: Side) -> list[str]:
        """Give the texts by which a contact with this value can be looked up, without repeats.

        A list has one for each of its texts, everything else one at most: an e-mail address, a phone number and a
        number in canonical form, text without spaces around it. What is empty, or no value for this, has none.

        Args:
            value: The value as it stands on a side.
            side: That side.
        """
        found: dict[str, str] = {}
        for text in self._match_texts(value, side):
            found.setdefault(self._match_form(text, side), text)
        return list(found.values())

    def same_match(self, value: Any, text: str, side: Side) -> bool:
        """Whether a side's value, or an element of it where it is a list, is what a match text stands for.

        Args:
            value: The value as it stands on that side. One that does not fit is not the same as anything.
            text: The text, as of `match_texts`. It may be written otherwise: case does not count, for a phone number
                only the number.
            side: That side.
        """
        row_check.check_word("side", side, SIDES)
        if self.type == "text" and isinstance(value, (int, float)) and not isinstance(value, bool):
            # Services may keep text of digits as the number that it writes.
            try:
                value = canonical_text(value)
            except Unfit:
                return False
        form = self._match_form(text, side)
        return form != "" and any(self._match_form(own, side) == form for own in self._match_texts(value, side))

    def _match_texts(self, value: Any, side: Side) -> Iterator[str]:
        return matching.match_texts(self.type, self.conversions, value, side)

    def _match_form(self, text: str, side: Side) -> str:
        return matching.match_form(self.type, self.conversions, text, side)

    def value_error(self, side: Side, reason: str) -> MappingValueError:
        """Make the exception for a value of a side's contact that does not fit."""
        name = self.name_on(side)
        return MappingValueError(
            f'{"platform" if side == "botmatic" else "external"} field "{name}": {reason}', field=name
        )
