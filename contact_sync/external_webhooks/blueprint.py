"""The CRM's webhooks as a Flask blueprint: a Flask request in, `Receiver.answer`, a Flask response out."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from contact_sync.blueprint import bounded_body, to_response
from contact_sync.webhook import refusal

from .receiving import Receiver
from .request import ExternalRequest


def make_blueprint(receivers: Mapping[str, Receiver], name: str, body_limit: int) -> Blueprint:
    """Make a blueprint with a route for each path: POST, with and without a trailing slash.

    Args:
        receivers: What answers, by path below the prefix with which the blueprint is mounted.
        name: The blueprint's name.
        body_limit: How many bytes a body may have.
    """
    blueprint = Blueprint(name, __name__)

    def add(number: int, path: str, receiver: Receiver) -> None:
        def receive() -> Response:
            try:
                body = bounded_body(body_limit)
            except HTTPException:  # it ended before its length
                return to_response(refusal(400, "the body could not be read"))
            return to_response(receiver.answer(_read(body)))

        blueprint.add_url_rule(path, f"webhook_{number}", receive, methods=["POST"], strict_slashes=False)

    for number, (path, receiver) in enumerate(receivers.items(), 1):
        add(number, path, receiver)
    return blueprint


def _read(body: bytes | None) -> ExternalRequest:
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = request.query_string.decode("latin-1")
    return ExternalRequest(headers, body, request.method, request.path, query)
