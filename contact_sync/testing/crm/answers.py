"""What the CRM answers over its wire, and the one function that sees in it that a record is not there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .quirks import Missing

JSON: Final = "application/json"
PROTOCOL: Final = "application/x-protocol"
_NO_SUCH_OBJECT: Final = "32"  # as in LDAP


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the CRM.

    Attributes:
        status: The HTTP status.
        body: The text. Left out of `repr`, since it holds contacts.
        content_type: What the text is.
        headers: Further headers.
    """

    status: int
    body: str = field(default="", repr=False)
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, data: object) -> Answer:
        """An answer in JSON."""
        return cls(status, json.dumps(data))

    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class CrmError(Exception):
    """The CRM refused a call. Its `response` is the answer, as with exceptions of HTTP clients."""

    def __init__(self, response: Answer) -> None:
        super().__init__(f"the CRM answered {response.status}")
        self.response = response


MISSING: Final[Mapping[Missing, Answer | None]] = {
    "result": None,
    "json_404": Answer.of(404, {"error": "not_found"}),
    "html_404": Answer(404, "<!doctype html><title>404</title><h1>Nothing here</h1>", "text/html"),
    "text_404": Answer(404, "no such contact", "text/plain"),
    "forbidden_403": Answer.of(403, {"error": "forbidden"}),
    "error_in_200": Answer.of(200, {"error": {"code": "not_found"}}),
    "protocol_code": Answer(200, f"{_NO_SUCH_OBJECT} noSuchObject", PROTOCOL),
}
"""How a CRM says that a record is not there."""


def says_missing(answer: Answer | None) -> bool:
    """Whether an answer about one record says that it is not there, in any of the ways that CRMs have."""
    if answer is None or answer.status in (403, 404):  # a 403 about one record hides whether there is one
        return True
    if answer.content_type == PROTOCOL:
        return answer.body.split(" ", 1)[0] == _NO_SUCH_OBJECT
    if answer.status != 200 or answer.content_type != JSON:
        return False
    error = answer.json().get("error")
    return isinstance(error, dict) and error.get("code") == "not_found"
