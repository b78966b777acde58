"""Users' transforms, called so that whatever they do ends in a value or in one clear failure."""

from __future__ import annotations

import inspect
import traceback
from datetime import date, datetime
from pathlib import Path
from typing import Any

from . import json_text
from .codecs import datetime_codec, iso
from .field_types import Convert, text_for_botmatic
from .transforms import TransformFunction
from .values import Unfit, is_empty

_moments = datetime_codec("iso")


def guarded(function: TransformFunction, key: str) -> Convert:
    """Make the conversion that a transform stands for.

    The transform gets the other side's value as it is (a copy, where it could be changed). What it returns is final;
    but for the platform an object or list becomes JSON text, and a date or datetime ISO text.

    Args:
        function: The user's function.
        key: `to_botmatic` or `to_external`.
    """
    finish = _for_botmatic if key == "to_botmatic" else _as_it_is

    def convert(value: Any) -> Any:
        if isinstance(value, (dict, list)):
            value = json_text.copy(value)
        try:
            made = function(value)
        except Unfit:
            raise
        except Exception as error:  # noqa: BLE001 - a user's function may raise anything
            problem = f"its {key} raised {type(error).__name__}{_place(error)}"
        else:
            return None if is_empty(made) else finish(made)
        # Outside the handler, so that the user's exception, which may quote the value, is not chained.
        raise Unfit(problem)

    return convert


def is_async(function: TransformFunction) -> bool:
    """Whether calling it gives something to await instead of a value."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _for_botmatic(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(_moments.decode(value))
    if isinstance(value, date):
        return value.isoformat()
    return text_for_botmatic(value)


def _as_it_is(value: Any) -> Any:
    return value


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is `convert` itself
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
