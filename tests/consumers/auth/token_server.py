"""A server on loopback that gives tokens, and an API that takes them."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

CLIENT = "the client"
SECRET = "s3cret+client/secret%"
PERSON = {"identity": "sync@example.com", "password": "s3cret-password"}
FIRST_REFRESH = "s3cret-refresh-0"


@dataclass
class Answer:
    """What is answered in place of a token."""

    status: int
    body: str | bytes = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, body: object, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(body), {"Content-Type": "application/json", **named})


class TokenServer:
    """Gives tokens at `/token` to a client, and at `/login` to a person; `/api` takes them.

    Attributes:
        expires_in: What it says about how long they last.
        rotates: Whether a refresh token is good for one use, and a new one comes with each token.
        repeats: Whether it says the refresh token that stays again, with each token.
        forgiving: Whether the last refresh token that was used works once more.
        instead: What it answers in place of tokens, if anything.
        asked: What it was asked for tokens with, in order.
        reused: The used refresh tokens that it was given again.
        calls: The `Authorization` of each call of the API, in order.
        live: The tokens that the API takes.
        meanwhile: Is called before a token is given.
        gate: Nothing is answered while it is not set.
    """

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget everything, and be as at first."""
        self.expires_in: object = 3600
        self.rotates = False
        self.repeats = False
        self.forgiving = False
        self.instead: Answer | None = None
        self.asked: list[dict[str, Any]] = []
        self.reused: list[str] = []
        self.calls: list[str | None] = []
        self.live: set[str] = set()
        self.meanwhile: Callable[[], object] = lambda: None
        self.gate = threading.Event()
        self.gate.set()
        self.refresh = FIRST_REFRESH
        self._used: list[str] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.url}/token"

    def revoke(self) -> None:
        """Let the API take none of the tokens so far."""
        self.live.clear()

    def answer(self, path: str, authorization: str | None, body: bytes) -> Answer:
        """Answer a request."""
        if path.startswith("/api"):
            self.calls.append(authorization)
            good = (authorization or "").removeprefix("Bearer ") in self.live
            return Answer.of(200, {"ok": True}) if good else Answer.of(401, {"ok": False})
        given = dict(parse_qsl(body.decode())) if path == "/token" else json.loads(body)
        with self._lock:
            self.asked.append(given | {"path": path} | _client_of(authorization))
        self.gate.wait(30)
        self.meanwhile()
        if self.instead is not None:
            return self.instead
        with self._lock:
            return self._token(given) if path == "/token" else self._logged_in(given)

    def _token(self, given: dict[str, str]) -> Answer:
        client = self.asked[-1]
        if (client.get("client_id"), client.get("client_secret")) != (CLIENT, SECRET):
            return Answer.of(401, {"error": "invalid_client", "error_description": f"{SECRET} is wrong"})
        answer = {"access_token": self._new("access"), "token_type": "bearer", "expires_in": self.expires_in}
        if given["grant_type"] == "refresh_token":
            used = given["refresh_token"]
            if used in self._used:
                self.reused.append(used)
            again = self.forgiving and used == (self._used or [""])[-1]
            if used != self.refresh and not again:
                return Answer.of(400, {"error": "invalid_grant", "error_description": f"{used} is no more"})
            if self.rotates:
                self._used.append(used)
                self.refresh = self._new("refresh")
            if self.rotates or self.repeats:
                answer["refresh_token"] = self.refresh
        self.live.add(str(answer["access_token"]))
        return Answer.of(200, answer)

    def _logged_in(self, given: dict[str, str]) -> Answer:
        if given != PERSON:
            return Answer.of(400, {"message": f"{given} is wrong"})
        token = self._new("access")
        self.live.add(token)
        return Answer.of(200, {"data": {"token": token, "expires": self.expires_in}})

    def _new(self, kind: str) -> str:
        return f"s3cret-{kind}-{next(self._numbers)}"


@contextmanager
def running() -> Iterator[TokenServer]:
    """Run one on a free port of 127.0.0.1."""
    tokens = TokenServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # in two parts, an answer takes 40 ms longer

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = tokens.answer(urlsplit(self.path).path, self.headers.get("Authorization"), body)
            sent = answer.body.encode() if isinstance(answer.body, str) else answer.body
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(sent)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Say nothing on standard error."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing about clients that do not wait for an answer."""

    with Server(("127.0.0.1", 0), Handler) as server:
        tokens.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield tokens
        finally:
            tokens.gate.set()
            server.shutdown()
            thread.join()


def _client_of(authorization: str | None) -> dict[str, str]:
    if authorization is None:
        return {}
    name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret), "in": "header"}
