"""What a user's update function returned, as the JSON that the page understands."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from contact_sync.results import Result

log = logging.getLogger(__name__)

NOT_SAVED: Final = "the settings could not be saved"

_KNOWN: Final = frozenset({"success", "errorFields", "error"})


def to_outcome(returned: object, source: str) -> dict[str, Any]:
    """Check what an update function returned and make the answer's body of it.

    Args:
        returned: `{"success": True}`, `{"success": False, "errorFields": {field: message}}` with an optional general
            `error`, or a `Result`.
        source: Whose it is, for the log.

    Returns:
        Those keys and no others. Anything else is a failure that says nothing of what was returned; the log says what
        is wrong with it.
    """
    if isinstance(returned, Result):
        return {"success": True} if returned.success else failure(returned.error or returned.reason)
    if not isinstance(returned, Mapping) or not isinstance(returned.get("success"), bool):
        log.warning("%s returned %s; expected a dict with a boolean 'success'", source, type(returned).__name__)
        return failure()
    if returned["success"]:
        return {"success": True}
    unknown = sorted(str(name) for name in returned if name not in _KNOWN)
    if unknown:
        log.warning("%s returned unknown keys %s; expected 'success', 'errorFields' and 'error'", source, unknown)
    errors = returned.get("errorFields")
    if errors is None:
        return failure(_text(returned.get("error")))
    if not isinstance(errors, Mapping) or not all(
        isinstance(name, str) and isinstance(message, str) for name, message in errors.items()
    ):
        log.warning("%s returned 'errorFields' that are no dict of texts", source)
        return failure()
    outcome: dict[str, Any] = {"success": False, "errorFields": {str(n): str(m) for n, m in errors.items()}}
    error = _text(returned.get("error"))
    return outcome if error is None else {**outcome, "error": error}


def failure(error: str | None = None) -> dict[str, Any]:
    """The answer's body of something that failed."""
    return {"success": False, "error": error or NOT_SAVED}


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str) and value else None
