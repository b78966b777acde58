"""Pages of the sandbox, and what they are made of. Another development tool's page may be built of the same.

`base.css` is the look; `kit.js` is an ES module: building elements without markup, calling JSON endpoints, polling a
state, and a table of contacts that can be edited.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from flask import Blueprint, Response, abort

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-src http: https:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def html_page(html: str) -> Response:
    """Answer a page, given as HTML or as a file's name here, that may load only what is served beside it."""
    text = files(__package__).joinpath(html).read_text("utf-8") if html.endswith(".html") else html
    return Response(text, mimetype="text/html", headers=_HEADERS)


def asset_routes() -> Blueprint:
    """The routes `/assets/…`: style sheets and scripts of this folder."""
    routes = Blueprint("assets", __name__)
    known = {file.name: file for file in files(__package__).iterdir() if file.name.endswith(tuple(_TYPES))}

    @routes.get("/assets/<name>")
    def asset(name: str) -> Response:
        if name not in known:
            abort(404)
        kind = _TYPES[name[name.rindex(".") :]]
        return Response(known[name].read_bytes(), mimetype=kind, headers=_HEADERS)

    return routes
