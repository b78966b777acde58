"""The default server's own Flask app: the webhook at its root, and a few routes for people and load balancers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from contact_sync.blueprint import to_response
from contact_sync.errors import ConfigurationError
from contact_sync.failures import translate
from contact_sync.webhook import Answer, refusal

log = logging.getLogger(__name__)

HEALTH: Final = ("/healthz", "/readyz")
_NO_STORE: Final = {"Cache-Control": "no-store"}


def default_app(blueprint: Blueprint, endpoint: str, unready: Callable[[], str | None]) -> Flask:
    """Make the app that the default server runs.

    Beside the blueprint it has: GET on the endpoint, which says what this is; `/healthz`, 200 for as long as the
    process answers; `/readyz`, 200, or 503 with the reason. Whatever is not there is answered in JSON too.

    Args:
        blueprint: The webhook and the settings pages.
        endpoint: The path of the webhook.
        unready: Why no event could be handled now, or `None`.

    Raises:
        ConfigurationError: The endpoint is the path of a health route.
    """
    if (endpoint.rstrip("/") or "/") in HEALTH:
        raise ConfigurationError(f"endpoint: the default server answers {endpoint!r} itself; choose another path")
    app = Flask("contact_sync", static_folder=None)
    app.register_blueprint(blueprint)
    about = _about(endpoint)

    def get_about() -> Response:
        return _json(200, about)

    def get_health() -> Response:
        return _json(200, {"alive": True})

    def get_readiness() -> Response:
        try:
            reason = unready()
        except Exception as error:  # noqa: BLE001 - a user's key store may raise anything; then nothing is ready
            reason = translate(error, "the readiness check").error
        if reason is None:
            return _json(200, {"ready": True})
        return _json(503, {"ready": False, "reason": reason}, {"Retry-After": "5"})

    app.add_url_rule(endpoint, "about", get_about, strict_slashes=False)
    app.add_url_rule(HEALTH[0], "healthz", get_health)
    app.add_url_rule(HEALTH[1], "readyz", get_readiness)
    app.register_error_handler(HTTPException, _refused)
    return app


def _about(endpoint: str) -> dict[str, Any]:
    try:
        number = version("contact-sync")
    except PackageNotFoundError:  # from a folder, without having been installed
        number = None
    return {
        "name": "contact-sync",
        "version": number,
        "webhook": {
            "method": "POST",
            "path": endpoint,
            "headers": {"Authorization": "Bearer TOKEN", "Content-Type": "application/json"},
            "body": {"event": "contact_created", "data": {"id": "…"}},
        },
        "health": list(HEALTH),
    }


def _json(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return to_response(Answer(status, body, _NO_STORE | (headers or {})))


def _refused(error: HTTPException) -> Response:
    """Say in JSON what Flask would say in HTML: who sends to a webhook reads no pages."""
    answer = refusal(error.code or 500, error.name.lower())
    allowed = [pair for pair in error.get_headers() if pair[0].lower() not in ("content-type", "content-length")]
    return to_response(Answer(answer.status, answer.body, {**answer.headers, **dict(allowed)}))
