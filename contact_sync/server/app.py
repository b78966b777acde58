"""The default server's own Flask app: the webhook at its root, and a few routes for people and load balancers."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from flask import Blueprint, Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from contact_sync.blueprint import to_response
from contact_sync.errors import ConfigurationError
from contact_sync.failures import translate
from contact_sync.webhook import Answer, bearer_token, refusal

log = logging.getLogger(__name__)

HEALTH: Final = ("/healthz", "/readyz")
METRICS: Final = "/metrics"
EXTERNAL: Final = "/external"
"""Where the CRM's webhooks are."""

TOKEN_VARIABLE: Final = "CONTACT_SYNC_METRICS_TOKEN"  # noqa: S105 - the name of a setting
_NO_STORE: Final = {"Cache-Control": "no-store"}

Unready = Callable[[], str | None]
"""Says why no event could be handled now, or `None`."""

Metrics = Callable[[], tuple[bytes, str]]
"""Gives the metrics as they are to be read, and their content type."""


def default_app(
    blueprint: Blueprint,
    endpoint: str,
    unready: Unready,
    metrics: Metrics | None = None,
    metrics_token: str | None = None,
    *,
    external: Blueprint | None = None,
) -> Flask:
    """Make the app that the default server runs.

    Beside the blueprint it has GET on the endpoint, which says what this is, and all that `health_app` has. Whatever is
    not there is answered in JSON too.

    Args:
        blueprint: The webhook and the settings pages.
        endpoint: The path of the webhook.
        unready: Why no event could be handled now, or `None`.
        metrics: What `/metrics` answers. Left out: there is no such route.
        metrics_token: Who has it as a bearer token may read the metrics. Left out: what the environment has as
            `CONTACT_SYNC_METRICS_TOKEN`; if it has none, everybody who reaches the server.
        external: The CRM's webhooks, which are below `/external`.

    Raises:
        ConfigurationError: The endpoint is the path of one of the other routes, or the token cannot be one.
    """
    taken = [*HEALTH, *([] if metrics is None else [METRICS]), *([] if external is None else [EXTERNAL])]
    if (endpoint.rstrip("/") or "/") in taken:
        raise ConfigurationError(f"endpoint: the default server answers {endpoint!r} itself; choose another path")
    app = health_app(unready, metrics, metrics_token)
    app.register_blueprint(blueprint)
    if external is not None:
        app.register_blueprint(external, url_prefix=EXTERNAL)
    about = _about(endpoint) if metrics is None else _about(endpoint) | {"metrics": METRICS}
    app.add_url_rule(endpoint, "about", lambda: _json(200, about), strict_slashes=False)
    return app


def health_app(unready: Unready, metrics: Metrics | None = None, metrics_token: str | None = None) -> Flask:
    """Make an app for a process that takes no events: `/healthz`, `/readyz` and, if there are any, `/metrics`.

    `/healthz` is 200 for as long as the process answers; `/readyz` is 200, or 503 with the reason. The arguments, and
    what is raised, are those of `default_app`.
    """
    app = Flask("contact_sync", static_folder=None)

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

    app.add_url_rule(HEALTH[0], "healthz", get_health)
    app.add_url_rule(HEALTH[1], "readyz", get_readiness)
    if metrics is not None:
        app.add_url_rule(METRICS, "metrics", _metrics_view(metrics, _checked_token(metrics_token)))
    app.register_error_handler(HTTPException, _refused)
    return app


def _metrics_view(metrics: Metrics, token: str | None) -> Callable[[], Response]:
    def get_metrics() -> Response:
        if token is not None:
            given = bearer_token({"authorization": request.headers.get("Authorization", "")}) or ""
            if not secrets.compare_digest(given.encode(), token.encode()):
                return to_response(refusal(401, "not authorized"))
        body, content_type = metrics()
        return Response(body, content_type=content_type, headers=_NO_STORE)

    return get_metrics


def _checked_token(given: str | None) -> str | None:
    name, token = ("metrics_token", given) if given is not None else (TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE))
    if token is not None and not (token and token.isascii() and token.isprintable() and " " not in token):
        # An empty one is a secret that did not arrive: who set it meant to keep others out.
        raise ConfigurationError(f"{name}: expected a token of ASCII letters, digits and signs, without spaces")
    return token


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
