"""Serves the apps of many worlds from one real HTTP server."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable
from typing import Any

from flask import Flask
from werkzeug.serving import make_server


class Host:
    """One server; each app has a prefix of its own, and may come and go."""

    def __init__(self) -> None:
        self._apps: dict[str, Any] = {}
        self._numbers = itertools.count(1)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def mount(self, app: Flask) -> str:
        """Serve an app; its address."""
        prefix = f"/{next(self._numbers)}"
        self._apps[prefix] = app
        return f"http://127.0.0.1:{self._server.server_port}{prefix}/"

    def unmount(self, address: str) -> None:
        """Serve an app no longer."""
        self._apps.pop("/" + address.rstrip("/").rpartition("/")[2])

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        _, first, rest = environ["PATH_INFO"].split("/", 2)
        environ["SCRIPT_NAME"] = f"/{first}"
        environ["PATH_INFO"] = f"/{rest}"
        app = self._apps.get(f"/{first}")
        if app is None:
            start_response("410 Gone", [("Content-Length", "0")])
            return []
        answer: Iterable[bytes] = app(environ, start_response)
        return answer
