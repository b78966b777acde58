"""The sandbox's page, and the control calls that it and scripts make: JSON below `/sandbox`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from contact_sync.errors import ConfigurationError
from contact_sync.results import NOT_FOUND

from .api import ApiCall
from .assets import html_page
from .core import MAIN, SandboxCore
from .delivery import Delivery
from .faults import OPERATIONS, Fault
from .guard import refuse_strangers
from .workspace import UnknownContact, Workspace

_SHOWN: Final = 100
_MOST_CONTACTS: Final = 1000
_MOST_SHOWN: Final = 20_000


class Control:
    """Builds the blueprint."""

    def __init__(self, sandbox: SandboxCore) -> None:
        self._sandbox = sandbox

    def blueprint(self) -> Blueprint:
        """The page at `/` and the routes below `/sandbox`."""
        routes = Blueprint("sandbox", __name__)
        routes.before_request(refuse_strangers)
        routes.register_error_handler(ConfigurationError, lambda error: _error(422, str(error)))
        routes.register_error_handler(UnknownContact, lambda _: _error(404, NOT_FOUND))
        routes.register_error_handler(HTTPException, lambda error: _error(error.code or 500, error.name))
        routes.add_url_rule("/", view_func=lambda: html_page("page.html"), endpoint="page")
        routes.add_url_rule("/sandbox/state", view_func=self._state, endpoint="state")
        for rule, method, view in (
            ("contacts", "POST", self._create_contact),
            ("contacts/<path:id>", "PATCH", self._update_contact),
            ("contacts/<path:id>", "DELETE", self._delete_contact),
            ("install", "POST", self._install),
            ("uninstall", "POST", self._uninstall),
            ("events", "POST", self._event),
            ("tokens", "POST", self._issue_token),
            ("faults", "POST", self._add_fault),
            ("faults", "DELETE", self._clear_faults),
            ("switches", "PATCH", self._switch),
        ):
            routes.add_url_rule(f"/sandbox/{rule}", view.__name__, view, methods=[method])
        return routes

    def _state(self) -> Response:
        sandbox = self._sandbox
        with sandbox.changes.lock:
            version = sandbox.changes.version
            if request.args.get("since") == str(version):
                return jsonify({"version": version})
            return jsonify(
                {
                    "version": version,
                    "url": request.host_url.rstrip("/"),
                    "workspaces": [_workspace(workspace) for workspace in sandbox.workspaces],
                    "deliveries": [_delivery(delivery) for delivery in reversed(sandbox.deliveries[-_SHOWN:])],
                    "calls": [_call(call) for call in reversed(sandbox.calls[-_SHOWN:])],
                    "faults": [asdict(fault) for fault in sandbox.faults],
                    "operations": list(OPERATIONS),
                    "switches": asdict(sandbox.switches),
                }
            )

    def _create_contact(self) -> Response:
        return jsonify({"id": self._workspace().create_contact(_dict("contact"))})

    def _update_contact(self, id: str) -> Response:
        self._workspace().update_contact(id, _dict("contact"))
        return jsonify({})

    def _delete_contact(self, id: str) -> Response:
        self._workspace().delete_contact(id)
        return jsonify({})

    def _install(self) -> Response:
        return jsonify(_delivery(self._workspace().install(_text("url"), token=_given("token"))))

    def _uninstall(self) -> Response:
        return jsonify(_delivery(self._workspace().uninstall(token=_given("token"))))

    def _event(self) -> Response:
        workspace = self._workspace()
        send: Callable[..., Delivery] = workspace.send_action if "action" in _body() else workspace.send_event
        name = _text("action" if "action" in _body() else "event")
        return jsonify(_delivery(send(name, _dict("data"), token=_given("token"))))

    def _issue_token(self) -> Response:
        return jsonify({"token": self._workspace().issue_token(_given("token"))})

    def _add_fault(self) -> Response:
        self._sandbox.add_fault(Fault.from_dict(_body()))
        return jsonify({})

    def _clear_faults(self) -> Response:
        self._sandbox.clear_faults()
        return jsonify({})

    def _switch(self) -> Response:
        self._sandbox.switch(**_body())
        return jsonify({})

    def _workspace(self) -> Workspace:
        return self._sandbox.workspace(_given("workspace") or MAIN)


def _body() -> dict[str, Any]:
    body = request.get_json()
    if not isinstance(body, dict):
        raise ConfigurationError("the body must be a JSON object")
    return body


def _dict(name: str) -> dict[str, Any]:
    value = _body().get(name, {})
    if not isinstance(value, dict):
        raise ConfigurationError(f"{name!r} must be an object")
    return value


def _text(name: str) -> str:
    value = _body().get(name)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{name!r} must be text")
    return value


def _given(name: str) -> str | None:
    return _text(name) if _body().get(name) is not None else None


def _workspace(workspace: Workspace) -> dict[str, Any]:
    contacts = list(workspace.contacts.values())
    return {
        "name": workspace.name,
        "tokens": workspace.tokens,
        "webhooks": workspace.webhooks,
        "properties": workspace.properties,
        "contacts": contacts[-_MOST_CONTACTS:],
        "contact_count": len(contacts),
        "campaign_events": [asdict(event) for event in workspace.campaign_events[-_SHOWN:]],
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "number": delivery.number,
        "name": delivery.name,
        "kind": delivery.kind,
        "url": delivery.url,
        "contact_id": delivery.contact_id,
        "state": delivery.state,
        "at": delivery.at,
        "body": delivery.body,
        "attempts": [
            {"status": attempt.status, "body": attempt.body[:_MOST_SHOWN], "error": attempt.error}
            for attempt in delivery.attempts
        ],
    }


def _call(call: ApiCall) -> dict[str, Any]:
    return asdict(call) | {"body": _short(call.body), "answer": _short(call.answer)}


def _short(value: Any) -> Any:
    size = len(json.dumps(value))
    return value if size <= _MOST_SHOWN else f"({size} characters)"


def _error(status: int, error: str) -> Response:
    response = jsonify({"error": error})
    response.status_code = status
    return response
