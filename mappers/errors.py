"""What mappers raise.

MappingError
├── MappingDefinitionError    (also a ValueError) the table of fields is wrong: names row, key and remedy
└── MappingValueError         (also a ValueError) a contact's value does not fit its row: names the field, no value
"""

from __future__ import annotations


class MappingError(Exception):
    """The root of everything that `mappers` raises on purpose. No message ever holds a contact's value."""


class MappingDefinitionError(MappingError, ValueError):
    """A table of fields is wrong. Raised when it is made; the message names the row, the key and what to do.

    Attributes:
        problem: The key, what is wrong with it and the remedy.
        where: The row or file that it is about; empty where it is about the table as a whole.
    """

    def __init__(self, problem: str, where: str = "") -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.problem = problem
        self.where = where


class MappingValueError(MappingError, ValueError):
    """A contact's value does not fit its row (text where a number was declared). The message names the field.

    Attributes:
        field: The name of the field on the side that the value came from; none where the whole contact is at fault.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field
