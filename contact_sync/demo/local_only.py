"""What the demo's own servers let in: this machine alone, and no other page that happens to be open in its browser."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, abort, request

HOSTS: Final = ("127.0.0.1", "localhost")

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def only_local(app: Flask) -> None:
    """Refuse requests that name another host (a rebound domain), or that come from a page of another origin."""

    @app.before_request
    def check() -> None:
        name, _, _ = request.host.partition(":")
        if name not in HOSTS:
            abort(403, "this server answers to 127.0.0.1 and localhost alone")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"http://{request.host}":
            abort(403, "this request comes from a page of another origin")

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response
