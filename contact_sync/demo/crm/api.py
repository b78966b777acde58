"""The CRM's REST API: contacts as JSON under `/api/contacts`, and one webhook that can be asked for."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, jsonify, request
from werkzeug.exceptions import HTTPException

from contact_sync.demo.local_only import HOSTS, only_local

from .calls import Calls
from .checks import problems
from .journal import Journal
from .notices import Notices
from .outage import DOWN, Outage
from .records import NoSuchRecord, Records

LARGEST_PAGE: Final = 100
LARGEST_BODY: Final = 1_000_000
_MOST_PAGES: Final = 1_000_000

Answer = tuple[Response, int]


def make_app(
    records: Records,
    notices: Notices,
    keys: Mapping[str, str],
    calls: Calls | None = None,
    journal: Journal | None = None,
    outage: Outage | None = None,
) -> Flask:
    """Make the CRM.

    Args:
        records: Its contacts.
        notices: Who is told about changes.
        keys: Who may speak: from an API key to a name, which appears in notices.
        calls: Counts the calls of each of them.
        journal: Notes what they write.
        outage: The switch with which it goes down: everybody is answered 503 then.
    """
    counted = Calls() if calls is None else calls
    noted = Journal() if journal is None else journal
    switch = Outage() if outage is None else outage
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # of Flask's default provider
    only_local(app)
    writing = threading.Lock()  # notices go out in the order of the changes

    @app.before_request
    def be_there() -> None:
        if switch.refuses():
            abort(503, DOWN)

    @app.before_request
    def authorize() -> None:
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        names = [name for known, name in keys.items() if hmac.compare_digest(known.encode(), key.encode())]
        if kind != "Bearer" or not names:
            abort(401, "an API key is needed: Authorization: Bearer …")
        g.by = names[0]
        counted.note(g.by)

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Answer:
        return jsonify(error=error.description), error.code or 500

    @app.errorhandler(NoSuchRecord)
    def missing(_: NoSuchRecord) -> Answer:
        return jsonify(error="there is no such contact"), 404

    @app.get("/api/contacts")
    def list_contacts() -> Answer:
        page = _number("page", 1, _MOST_PAGES)
        limit = _number("limit", 30, LARGEST_PAGE)
        contacts, total = records.page(page, limit, request.args.get("email"))
        return jsonify(contacts=contacts, page=page, total=total), 200

    @app.post("/api/contacts")
    def create_contact() -> Answer:
        with writing:
            record = records.add(_fields())
            noted.note(g.by, "created", record["id"])
            notices.tell("contact.created", record, g.by)
        return jsonify(record), 201

    @app.get("/api/contacts/<int:id>")
    def get_contact(id: int) -> Answer:
        return jsonify(records.get(id)), 200

    @app.patch("/api/contacts/<int:id>")
    def update_contact(id: int) -> Answer:
        with writing:
            record = records.change(id, _fields())
            noted.note(g.by, "updated", id)
            notices.tell("contact.updated", record, g.by)
        return jsonify(record), 200

    @app.delete("/api/contacts/<int:id>")
    def delete_contact(id: int) -> tuple[str, int]:
        with writing:
            records.remove(id)
            noted.note(g.by, "deleted", id)
            notices.tell("contact.deleted", {"id": id}, g.by)
        return "", 204

    @app.put("/api/webhook")
    def subscribe() -> Answer:
        wish = request.get_json()
        url, secret = (wish.get("url"), wish.get("secret")) if isinstance(wish, dict) else (None, None)
        if not isinstance(url, str) or not isinstance(secret, str) or not secret:
            abort(422, "a url and a secret are expected")
        if not _is_local(url):
            abort(422, "this CRM sends notices to this machine alone")
        notices.subscribe(url, secret)
        return jsonify(url=url), 200

    @app.delete("/api/webhook")
    def unsubscribe() -> tuple[str, int]:
        notices.unsubscribe()
        return "", 204

    return app


def _number(name: str, default: int, largest: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= largest):
        abort(422, f"{name} is a whole number from 1 to {largest}")
    return int(text)


def _fields() -> dict[str, Any]:
    fields = request.get_json()
    wrong = problems(fields)
    if wrong:
        abort(422, "; ".join(f"{name}: {problem}" for name, problem in wrong.items()))
    return dict(fields)


def _is_local(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname in HOSTS and parts.port is not None
    except ValueError:
        return False
