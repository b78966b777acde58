"""A line for each request: who asked for what, and what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

_LONGEST_PATH: Final = 200


class AccessLog:
    """Logs the requests of an app.

    Neither query strings nor headers are logged: a settings page has the token in the one, events have it in the other.

    Args:
        app: Any WSGI app.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let the app answer, and log it."""
        began = time.perf_counter()
        statuses: list[str] = []

        def note(status: str, *rest: Any) -> Any:
            statuses.append(status.partition(" ")[0])
            return start_response(status, *rest)

        try:
            return self._app(environ, note)
        finally:
            log.info(
                "%s %s %s %s %.0f ms",
                environ.get("REMOTE_ADDR", "-"),
                environ["REQUEST_METHOD"],
                quote(environ.get("PATH_INFO", "").encode("latin-1", "replace"))[:_LONGEST_PATH] or "/",
                statuses[-1] if statuses else "500",
                1000 * (time.perf_counter() - began),
            )
