"""The webhook as a Flask blueprint: a Flask request in, `Webhook.answer`, a Flask response out."""

from __future__ import annotations

import json

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from .webhook import Answer, Request, Webhook, refusal


def make_blueprint(webhook: Webhook, name: str, endpoint: str, body_limit: int) -> Blueprint:
    """Make a blueprint with one route: POST on the endpoint, with and without a trailing slash.

    Args:
        webhook: What answers.
        name: The blueprint's name; another one for each time that it is mounted on an app.
        endpoint: The path below the prefix with which the blueprint is mounted.
        body_limit: How many bytes a body may have.
    """
    blueprint = Blueprint(name, __name__)

    def receive() -> Response:
        # get_json and get_data read a body whole before anything can look at its size.
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            body = bounded_body(body_limit)
        except HTTPException:  # it ended before its length
            return to_response(refusal(400, "the body could not be read"))
        return to_response(webhook.answer(Request(headers, body)))

    blueprint.add_url_rule(endpoint, "webhook", receive, methods=["POST"], strict_slashes=False)
    return blueprint


def to_response(answer: Answer) -> Response:
    """Make a Flask response of an answer."""
    return Response(json.dumps(answer.body), answer.status, answer.headers, mimetype="application/json")


def bounded_body(limit: int) -> bytes | None:
    """Read the body; `None` if it has more bytes than allowed."""
    if (request.content_length or 0) > limit:
        return None
    body = bytearray()
    try:
        while len(body) <= limit and (part := request.stream.read(limit + 1 - len(body))):
            body += part  # a body without a length comes in parts
        if not body:
            body += request.get_data()  # a hook of the app's has read it already
    except RequestEntityTooLarge:  # by the app's own, lower limit
        return None
    return bytes(body) if len(body) <= limit else None
