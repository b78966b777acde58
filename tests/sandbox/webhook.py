"""An integration's webhook: takes what comes, notes it, and answers as a test says."""

from __future__ import annotations

import json
import threading
from types import TracebackType
from typing import Any, Self

from contact_sync.testing.sandbox import LoopbackServer


class Webhook:
    """Answers 200 unless `answers` holds something else: (status, headers), used up one by one."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.gate = threading.Event()
        self.gate.set()
        self._came = threading.Condition()
        self._server = LoopbackServer(self._app)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.gate.set()
        self._server.close()

    @property
    def url(self) -> str:
        return self._server.url + "/hook?a=1"

    def names(self) -> list[str]:
        return [body.get("event") or body["action"] for body in self.received]

    def wait_received(self, count: int) -> None:
        """Wait until so many requests have come, answered or not."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.received) >= count, 10)

    def _app(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        with self._came:
            self.received.append(body)
            self.headers.append(
                {
                    "authorization": environ["HTTP_AUTHORIZATION"],
                    "type": environ["CONTENT_TYPE"],
                    "target": f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}",
                }
            )
            status, headers = self.answers.pop(0) if self.answers else (200, {})
            self._came.notify_all()
        self.gate.wait(10)
        start_response(f"{status} Whatever", [("Content-Type", "application/json"), *headers.items()])
        return [json.dumps({"success": status == 200, "number": len(self.received)}).encode()]
