"""The HTML page around the user's fields, and the headers that go with it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import resources
from typing import Final

from jinja2 import Environment, StrictUndefined

HEADERS: Final = {
    # The address holds a token: it must stay out of caches and out of what other hosts are told.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"

_nonce: ContextVar[str] = ContextVar("settings_page_nonce")


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


_STYLE: Final = _part("page.css")
_SCRIPT: Final = _part("page.js")
_TEMPLATE: Final = Environment(autoescape=True, undefined=StrictUndefined).from_string(_part("page.html"))


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is ready to be sent: its HTML and all of its headers."""

    html: str = field(repr=False)
    headers: dict[str, str]


def script_nonce() -> str:
    """Give the nonce that lets a script of the user's own fields run: `<script nonce="…">`.

    Raises:
        RuntimeError: It is not called from a settings page function.
    """
    try:
        return _nonce.get()
    except LookupError:
        raise RuntimeError("script_nonce() is known only while a settings page function runs") from None


@contextmanager
def fresh_nonce() -> Iterator[str]:
    """Make a nonce, which `script_nonce` gives meanwhile."""
    nonce = secrets.token_urlsafe(18)
    before = _nonce.set(nonce)
    try:
        yield nonce
    finally:
        _nonce.reset(before)


def form_page(fields: str, token: str, nonce: str, frame_ancestors: Sequence[str]) -> Page:
    """Make the page around a form's fields.

    Args:
        fields: Their HTML, which is trusted.
        token: Is escaped.
        nonce: Scripts with it run; others do not.
        frame_ancestors: The exact origins that may frame the page and talk with it.
    """
    return _page(nonce, frame_ancestors, fields=fields, token=token, message=None)


def message_page(message: str, frame_ancestors: Sequence[str]) -> Page:
    """Make a page that only says something to the person in front of the frame."""
    return _page(secrets.token_urlsafe(18), frame_ancestors, fields="", token=None, message=message)


def _page(nonce: str, frame_ancestors: Sequence[str], *, fields: str, token: str | None, message: str | None) -> Page:
    origins = " ".join(frame_ancestors)
    html = _TEMPLATE.render(
        nonce=nonce, parents=origins, token=token, message=message, fields=fields, style=_STYLE, script=_SCRIPT
    )
    policy = (
        "default-src 'none'",
        f"script-src 'nonce-{nonce}'",
        "style-src 'unsafe-inline'",  # style attributes in the user's fields
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'none'",  # the form is posted by the script, or not at all
        "base-uri 'none'",
        f"frame-ancestors {origins}",
    )
    return Page(html, {**HEADERS, "Content-Security-Policy": "; ".join(policy)})
