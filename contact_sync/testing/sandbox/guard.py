"""Who may use the sandbox's own page and controls: this machine's browser, from that very page.

The sandbox listens on loopback alone, but any web page that a developer visits can send requests to loopback
(cross-site requests), and one whose name is made to resolve to 127.0.0.1 can read the answers too (DNS rebinding).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Response, jsonify, request

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def refuse_strangers() -> Response | None:
    """Answer 403 to what another site's page may have sent; 415 to a body that is not JSON."""
    try:
        host = urlsplit(f"http://{request.host}").hostname
    except ValueError:
        host = None
    if host not in _LOOPBACK:
        return _refused(403, "the sandbox answers to 127.0.0.1 and localhost only")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        return _refused(403, "this request comes from another origin")
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return _refused(403, "this request comes from another site")
    if request.method not in ("GET", "HEAD") and not request.is_json:
        return _refused(415, "the Content-Type must be application/json")
    return None


def _refused(status: int, error: str) -> Response:
    response = jsonify({"error": error})
    response.status_code = status
    return response
