"""An API that answers what it is told to, in order, and remembers what it was asked."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from werkzeug import Request, Response

from contact_sync.consumers.rest import RestConsumer


class Call(NamedTuple):
    """A request: the path as it was sent, the parameters, the JSON of its body."""

    verb: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


class Script:
    """A WSGI app. What it was not told to answer is a 500."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self._answers: list[Response] = []
        self._made: list[RestConsumer] = []

    def __call__(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        body = json.loads(request.get_data() or "null")
        path = environ["REQUEST_URI"].partition("?")[0]
        self.calls.append(Call(request.method, path, request.args.to_dict(), body, dict(request.headers)))
        answer = self._answers.pop(0) if self._answers else Response("the script is at its end", 500)
        return answer(environ, start)

    def reset(self) -> None:
        """Forget everything, and close the consumers."""
        while self._made:
            self._made.pop().close()
        self.calls.clear()
        self._answers.clear()

    def then(self, body: object, status: int = 200, **headers: str) -> Script:
        """Answer next: JSON, or bytes as they are. A `_` in a header's name is a `-`, `LINK` the server's address."""
        data = body if isinstance(body, bytes) else json.dumps(body)
        named = {name.replace("_", "-"): value.replace("LINK", self.url) for name, value in headers.items()}
        self._answers.append(Response(data, status, {"Content-Type": "application/json", **named}))
        return self

    def consumer(self, declaration: str = "", below: str = "") -> RestConsumer:
        """A consumer of this API."""
        made = RestConsumer.from_yaml(f"base_url: {self.url}{below}\n{declaration}", environ={})
        self._made.append(made)
        return made

    def asked(self, *names: str) -> list[tuple[str | None, ...]]:
        """The values of some parameters in each call so far."""
        return [tuple(call.query.get(name) for name in names) for call in self.calls]
