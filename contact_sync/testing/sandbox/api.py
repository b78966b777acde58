"""The platform's REST API, as its integrations call it."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from contact_sync.results import NOT_FOUND

from . import payloads
from .changes import Changes
from .delivery import KEPT
from .faults import Fault, Faults
from .payloads import Refusal
from .store import CampaignEvent, Store, Switches, WorkspaceData

_PAGE: Final = "<!doctype html><title>Sandbox</title><h1>This is not the answer you are looking for</h1>"


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call of the REST API that was made.

    Attributes:
        operation: Which one, by the name of the platform client's method.
        workspace: Whose token it came with; none if the token is unknown.
        status: What was answered; none if the connection was dropped.
        body: The JSON that was sent, if it was JSON. Left out of `repr`.
        answer: The JSON that was answered, if it was JSON: it says why a call was refused. Left out of `repr`.
        id: The id in the path, if there is one.
        fault: Whether a fault was in play.
        at: When, in seconds since 1970.
    """

    operation: str
    workspace: str | None
    status: int | None
    body: Any = field(repr=False)
    answer: Any = field(repr=False)
    id: str | None
    fault: bool
    at: float


class Api:
    """Builds the blueprint and keeps the list of calls."""

    def __init__(self, store: Store, faults: Faults, switches: Switches, changes: Changes, stopping: Event) -> None:
        self._store = store
        self._faults = faults
        self._switches = switches
        self._changes = changes
        self._stopping = stopping
        self.calls: deque[ApiCall] = deque(maxlen=KEPT)

    def blueprint(self) -> Blueprint:
        """The routes below `/api`."""
        routes = Blueprint("api", __name__, url_prefix="/api")
        routes.before_request(self._begin)
        routes.after_request(self._end)
        routes.register_error_handler(Refusal, _refused)
        routes.register_error_handler(HTTPException, _http_error)
        for rule, method, name, view in (
            ("/integrationtokens/validate", "POST", "validate_token", self._validate),
            ("/contacts", "POST", "create_contact", self._create),
            ("/contacts", "PATCH", "update_contacts", self._update_many),
            ("/contacts/<path:id>", "PATCH", "update_contact", self._update),
            ("/contacts/<path:id>", "DELETE", "delete_contact", self._delete),
            ("/properties", "POST", "create_properties", self._declare),
            ("/campaigns/execute-event", "POST", "send_event_on_campaign", self._campaign),
            ("/bots", "GET", "list_bots", self._bots),
            ("/bots/<path:id>", "GET", "get_bot", self._bot),
            ("/bots/<path:id>", "PATCH", "update_bot", self._update_bot),
        ):
            routes.add_url_rule(rule, name, view, methods=[method], provide_automatic_options=False)
        return routes

    # Around every call

    def _begin(self) -> Response | None:
        g.operation = (request.endpoint or "").removeprefix("api.")
        g.fault = g.sent = None
        body = request.get_data()  # read whole in any case: an answer before that would reset the connection
        g.sent = _json(body)
        if g.operation == "create_contact" and isinstance(g.sent, dict) and "contacts" in g.sent:
            g.operation = "create_contacts"
        g.fault = fault = self._faults.take(g.operation)
        if fault is None:
            return None
        self._stopping.wait(fault.delay)
        return Response() if fault.answers and not fault.effect else None

    def _end(self, response: Response) -> Response:
        fault: Fault | None = g.fault
        if fault is not None and fault.answers:
            response = _faulty(fault, response)
        dropped = fault is not None and fault.drop
        workspace = self._workspace()
        call = ApiCall(
            operation=g.operation,
            workspace=workspace.name if workspace else None,
            status=None if dropped else response.status_code,
            body=g.sent,
            answer=None if dropped else _json(response.get_data()),
            id=(request.view_args or {}).get("id"),
            fault=fault is not None,
            at=time.time(),
        )
        with self._changes.lock:
            self.calls.append(call)
            self._changes.note()
        if dropped:
            _drop(request.environ["werkzeug.socket"])
        return response

    def _workspace(self) -> WorkspaceData | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._store.holder(token) if scheme == "Bearer" else None

    def _signed_in(self) -> WorkspaceData:
        workspace = self._workspace()
        if workspace is None:
            raise Refusal(401, "the token is missing or unknown")
        return workspace

    def _body(self, *names: str) -> dict[str, Any]:
        body = payloads.json_object(request.get_data(), request.headers.get("Content-Type", ""))
        payloads.only(body, *names)
        return body

    def _contact(self, workspace: WorkspaceData, value: object, own_id: object = None) -> dict[str, Any]:
        strict = self._switches.strict
        return payloads.checked_contact(value, workspace.properties, strict=strict, own_id=own_id)

    # The calls

    def _validate(self) -> Response:
        token = request.form.get("token")
        if token is None:
            raise Refusal(422, "the form field 'token' is missing")
        known = self._store.holder(token) is not None
        return _answer(200 if known else 401, {"success": known})

    def _create(self) -> Response:
        workspace = self._signed_in()
        body = self._body("contact", "contacts")
        if len(body) != 1:
            raise Refusal(422, "expected either 'contact' or 'contacts'")
        if "contact" in body:
            contact = self._contact(workspace, body["contact"])
            made = self._store.create(workspace, contact, event=self._switches.echo)
            return _answer(201, {"success": True, "id": made["id"]})
        return _answer(201, {"contacts": [self._create_one(workspace, row) for row in _list(body["contacts"])]})

    def _create_one(self, workspace: WorkspaceData, row: object) -> dict[str, Any]:
        try:
            made = self._store.create(workspace, self._contact(workspace, row), event=self._switches.echo)
        except Refusal as refusal:
            return {"success": False, "id": None, "error": refusal.error}
        return {"success": True, "id": made["id"], "error": None}

    def _update(self, id: str) -> Response:
        workspace = self._signed_in()
        body = self._body("contact_id", "contact")
        if payloads.checked_id(body.get("contact_id")) != id:
            raise Refusal(422, "'contact_id' and the path name different contacts")
        if not self._update_one(workspace, id, body.get("contact")):
            raise Refusal(404, NOT_FOUND)
        return _answer(200, {"success": True})

    def _update_many(self) -> Response:
        workspace = self._signed_in()
        return _answer(
            200, {"contacts": [self._tried(workspace, row) for row in _list(self._body("contacts").get("contacts"))]}
        )

    def _tried(self, workspace: WorkspaceData, row: object) -> dict[str, Any]:
        try:
            if not isinstance(row, dict):
                raise Refusal(422, "an update must be an object with 'contact_id' and 'contact_props'")
            payloads.only(row, "contact_id", "contact_props")
            id = payloads.checked_id(row.get("contact_id"))
            if not self._update_one(workspace, id, row.get("contact_props")):
                raise Refusal(404, NOT_FOUND)
        except Refusal as refusal:
            return {"success": False, "error": refusal.error}
        return {"success": True, "id": id}

    def _update_one(self, workspace: WorkspaceData, id: str, value: object) -> bool:
        with self._changes.lock:
            if id not in workspace.contacts:
                return False
            contact = self._contact(workspace, value, own_id=id)
            return self._store.update(workspace, id, contact, event=self._switches.echo) is not None

    def _delete(self, id: str) -> Response:
        if not self._store.delete(self._signed_in(), id, event=self._switches.echo):
            raise Refusal(404, NOT_FOUND)
        return Response(status=204)

    def _declare(self) -> Response:
        workspace = self._signed_in()
        self._store.declare(workspace, payloads.checked_properties(self._body("properties").get("properties")))
        return _answer(201, {"success": True})

    def _campaign(self) -> Response:
        workspace = self._signed_in()
        body = self._body("event_name", "contacts")
        name = body.get("event_name")
        if not isinstance(name, str) or not name:
            raise Refusal(422, "'event_name' must be text")
        ids = payloads.checked_ids(body.get("contacts"))
        with self._changes.lock:
            if any(id not in workspace.contacts for id in ids):
                raise Refusal(404, NOT_FOUND)
            workspace.campaign_events.append(CampaignEvent(name, tuple(ids)))
            self._changes.note()
        return _answer(200, {"success": True})

    def _bots(self) -> Response:
        workspace = self._signed_in()
        with self._changes.lock:
            return _answer(200, {"bots": list(workspace.bots.values())[: request.args.get("page_size", 30, int)]})

    def _bot(self, id: str) -> Response:
        workspace = self._signed_in()
        with self._changes.lock:
            if id not in workspace.bots:
                raise Refusal(404, NOT_FOUND)
            return _answer(200, {"bot": workspace.bots[id]})

    def _update_bot(self, id: str) -> Response:
        workspace = self._signed_in()
        body = self._body("bot", "is_draft")
        bot = _json(body["bot"].encode()) if isinstance(body.get("bot"), str) else None
        if not isinstance(bot, dict) or not isinstance(body.get("is_draft"), bool):
            raise Refusal(422, "expected 'bot', the JSON text of an object, and 'is_draft', a boolean")
        with self._changes.lock:
            if id not in workspace.bots:
                raise Refusal(404, NOT_FOUND)
            workspace.bots[id] = {**bot, "id": workspace.bots[id]["id"], "is_draft": body["is_draft"]}
            self._changes.note()
        return _answer(200, {"success": True})


def _answer(status: int, data: Any) -> Response:
    response = jsonify(data)
    response.status_code = status
    return response


def _refused(refusal: Refusal) -> Response:
    return _answer(refusal.status, {"success": False, "error": refusal.error})


def _http_error(error: HTTPException) -> Response:
    return _answer(error.code or 500, {"success": False, "error": error.name})


def _faulty(fault: Fault, response: Response) -> Response:
    status = fault.status or (200 if fault.html else response.status_code)
    if fault.html:
        response = Response(_PAGE, status, mimetype="text/html")
    elif fault.status is not None:
        response = _answer(status, {"success": False, "error": "a fault on demand"})
    if fault.retry_after is not None:
        response.headers["Retry-After"] = f"{fault.retry_after:g}"
    return response


def _drop(connection: socket.socket) -> None:
    # With a linger of no time, closing resets the connection instead of ending it politely.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise Refusal(422, "'contacts' must be a list")
    return value


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
