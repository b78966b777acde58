"""The page's server. What is edited on it is edited as people do: on the platform's screens, in the CRM by its API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import requests
from flask import Flask, Response, abort, jsonify, request, send_from_directory
from werkzeug.exceptions import HTTPException

from contact_sync import ConfigurationError, Result
from contact_sync.delivery import Backlog
from contact_sync.demo.crm import Outage
from contact_sync.demo.integration.consumer import CrmConsumer
from contact_sync.demo.local_only import only_local
from contact_sync.testing.sandbox import SandboxPlatform

from . import forms

HERE: Final = Path(__file__).parent

Fields = dict[str, Any]


class Sides(Protocol):
    """What the page shows.

    Attributes:
        platform: The chatbot platform.
        desk: The CRM, by its API.
        outage: The switch with which the CRM goes down.
    """

    platform: SandboxPlatform
    desk: CrmConsumer
    outage: Outage

    def crm_contacts(self) -> dict[str, Fields]:
        """All of the CRM's contacts, by id."""
        ...

    def pairs(self) -> list[tuple[str, str]]:
        """All pairs: (platform id, CRM id)."""
        ...

    def backlog(self) -> Backlog:
        """What waits in the service's inbox, and what has failed there."""
        ...


def make_app(sides: Sides) -> Flask:
    """Make the page's server."""
    app = Flask(__name__, static_folder=None)
    only_local(app)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.description), error.code or 500

    @app.errorhandler(ConfigurationError)
    def not_taken(error: ConfigurationError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 422

    @app.errorhandler(requests.HTTPError)
    def not_taken_by_crm(error: requests.HTTPError) -> tuple[Response, int]:
        return jsonify(error=error.response.json()["error"]), 422

    @app.get("/")
    def page() -> Response:
        return send_from_directory(HERE, "page.html")

    @app.get("/<any(page.css, page.js):name>")
    def file(name: str) -> Response:
        return send_from_directory(HERE, name)

    @app.get("/fields")
    def fields() -> Response:
        return jsonify({"platform": forms.PLATFORM, "crm": forms.CRM, "address": sides.platform.url})

    @app.get("/state")
    def state() -> Response:
        crm = {id: forms.flat(contact) for id, contact in sides.crm_contacts().items()}
        shown = json.dumps({"platform": sides.platform.contacts, "crm": crm, "pairs": sides.pairs()})
        version = hashlib.blake2b(shown.encode(), digest_size=8).hexdigest()
        backlog = sides.backlog()
        waiting = backlog.waiting + backlog.in_flight
        between = {"waiting": waiting, "failed": backlog.failed, "down": sides.outage.is_on}
        head = f'{{"version": "{version}", "between": {json.dumps(between)}'
        rest = "}" if request.args.get("since") == version else f', "state": {shown}}}'
        return Response(head + rest, mimetype="application/json")

    @app.put("/outage")
    def begin_outage() -> Response:
        sides.outage.begin()
        return jsonify(down=True)

    @app.delete("/outage")
    def end_outage() -> Response:
        sides.outage.end()
        return jsonify(down=False)

    @app.post("/platform")
    def create_on_platform() -> Response:
        return jsonify(id=sides.platform.create_contact(_body("platform")))

    @app.patch("/platform/<int:id>")
    def update_on_platform(id: int) -> Response:
        _or_404(id, lambda: sides.platform.update_contact(id, _body("platform")))
        return jsonify(id=str(id))

    @app.delete("/platform/<int:id>")
    def delete_on_platform(id: int) -> Response:
        _or_404(id, lambda: sides.platform.delete_contact(id))
        return jsonify(id=str(id))

    @app.post("/crm")
    def create_in_crm() -> Response:
        return _answer(sides.desk.create_contact(forms.nested(_body("crm"))))

    @app.patch("/crm/<int:id>")
    def update_in_crm(id: int) -> Response:
        return _answer(sides.desk.update_contact({"id": id} | forms.nested(_body("crm"))))

    @app.delete("/crm/<int:id>")
    def delete_in_crm(id: int) -> Response:
        return _answer(sides.desk.delete_contact(str(id)))

    return app


def _body(side: Literal["platform", "crm"]) -> Fields:
    body = request.get_json()
    if not isinstance(body, dict):
        abort(422, "an object of fields is expected")
    problem = forms.misfit(side, body)
    if problem is not None:
        abort(422, problem)
    return body


def _or_404(id: int, act: Callable[[], object]) -> None:
    try:
        act()
    except KeyError:
        abort(404, f"there is no contact {id} on the platform any more")


def _answer(result: Result) -> Response:
    if not result.success:
        abort(404 if result.not_found else 422, result.error)
    return jsonify(id=result.id)
