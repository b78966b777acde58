"""What a database refuses, in words that name columns and never values."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import exc

_SQLITE: Final = {
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_ROWID": "unique",
    "SQLITE_CONSTRAINT_NOTNULL": "empty",
    "SQLITE_CONSTRAINT_CHECK": "check",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "reference",
}
_STATES: Final = {"23505": "unique", "23502": "empty", "23514": "check", "23503": "reference"}  # of the SQL standard
_MYSQL: Final = {1062: "unique", 1048: "empty", 1364: "empty", 3819: "check", 1451: "reference", 1452: "reference"}

_SAID: Final = {
    "unique": "another row has the same",
    "empty": "it may not be empty",
    "check": "a rule of the table (CHECK) is against it",
    "reference": "another table refers to the row, or has none that this one refers to",
}
_PLACE: Final = re.compile(r"constraint failed: (?:[^.]+\.)?([^.:,]{1,63})")


def is_refused(error: exc.DBAPIError) -> bool:
    """Whether it is the values that the database refuses, so that another try would end likewise."""
    return isinstance(error, exc.IntegrityError | exc.DataError) or _kind(error) is not None


def is_unique(error: exc.DBAPIError) -> bool:
    """Whether there is a row with the same values already."""
    return _kind(error) == "unique"


def refusal(error: exc.DBAPIError, table: str) -> str:
    """Say what the database refuses. What it says itself is not repeated: it holds the values."""
    kind = _kind(error)
    place = _column(error)
    at = f"{table}.{place}" if place else table
    if kind in _SAID:
        return f"the database refuses the row: {at}: {_SAID[kind]}"
    return f"the database refuses a value of {at} ({type(error.orig).__name__})"


def _kind(error: exc.DBAPIError) -> str | None:
    driver: Any = error.orig
    code = driver.args[0] if driver is not None and driver.args else None
    return (
        _SQLITE.get(getattr(driver, "sqlite_errorname", ""))
        or _STATES.get(getattr(driver, "sqlstate", None) or "")
        or (_MYSQL.get(code) if isinstance(code, int) else None)
    )


def _column(error: exc.DBAPIError) -> str | None:
    """The column or the constraint that the driver names."""
    told = getattr(error.orig, "diag", None)
    if told is not None:
        return getattr(told, "column_name", None) or getattr(told, "constraint_name", None)
    if getattr(error.orig, "sqlite_errorname", "") in _SQLITE:
        found = _PLACE.search(str(error.orig))
        return found[1] if found else None
    return None
