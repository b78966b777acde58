"""The sandbox: a chatbot platform on loopback, for tests and for trying out by hand."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from .assets import asset_routes
from .control import Control
from .core import MAIN, SandboxCore
from .delivery import Delivery, DeliveryRules
from .server import LoopbackServer
from .store import CampaignEvent, Ids, Placement

_LARGEST_REQUEST: Final = 32 * 2**20


class SandboxPlatform(SandboxCore):
    """A chatbot platform in this process: a real HTTP server on 127.0.0.1, with real validation.

    It has the platform's REST API, sends events to installed webhooks (in order for each contact, again after a
    failure), suffers faults on demand, and shows a page at `/`. Use it with `with`, or `start` and `close`. All methods
    may be called from any thread. What is said of contacts, tokens and installations concerns the workspace `main`;
    `workspace(name)` gives others.

    Args:
        port: The port; 0 takes a free one.
        token: The first token of `main`; else one is made up.
        strict: Whether requests with undeclared properties are refused (422). They are ignored otherwise.
        echo: Whether calls of the REST API make events as well, as on a real platform.
        placement: Where a contact event has its contact: in `data`, or in `data[event name]`.
        held: Whether events of contacts wait until they are delivered by hand, with `deliver_next` or `deliver_all`.
        ids: Whether contact ids are numbers or text in JSON.
        delivery: How events are delivered.

    Attributes:
        main: The workspace `main`.
        token: Its first token.
        switches: How the platform behaves now; changed by `switch`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        token: str | None = None,
        strict: bool = True,
        echo: bool = False,
        placement: Placement = "flat",
        held: bool = False,
        ids: Ids = "number",
        delivery: DeliveryRules | None = None,
    ) -> None:
        super().__init__(ids, delivery or DeliveryRules())
        self.switch(strict=strict, echo=echo, placement=placement, held=held)
        self.main = self.workspace(MAIN)
        self.token = self.main.issue_token(token)
        self._server = LoopbackServer(self._app(), port)

    def start(self) -> Self:
        """Listen and begin to deliver. Once closed, it cannot be started again.

        Raises:
            ConfigurationError: The port is taken.
        """
        self._server.start()
        self._courier.start()
        return self

    def close(self) -> None:
        """Stop. Deliveries that still wait are left. May be called twice."""
        self._stopping.set()
        self._courier.stop()
        self._server.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SandboxPlatform {self.url}>"

    @property
    def url(self) -> str:
        """The address: what `BOTMATIC_BASE_URL` is to be."""
        return self._server.url

    @property
    def contacts(self) -> dict[str, dict[str, Any]]:
        """A copy of all contacts, by id (text)."""
        return self.main.contacts

    @property
    def properties(self) -> dict[str, str]:
        """A copy of the declared properties: name → type."""
        return self.main.properties

    @property
    def campaign_events(self) -> tuple[CampaignEvent, ...]:
        """The campaign events that integrations have sent."""
        return self.main.campaign_events

    def create_contact(self, contact: Mapping[str, Any]) -> str:
        """Create a contact as a person on the platform does. Its id."""
        return self.main.create_contact(contact)

    def update_contact(self, id: str | int, contact: Mapping[str, Any]) -> None:
        """Set properties of a contact as a person on the platform does; `None` clears one."""
        self.main.update_contact(id, contact)

    def delete_contact(self, id: str | int) -> None:
        """Delete a contact as a person on the platform does."""
        self.main.delete_contact(id)

    def merge_contacts(self, loser: str | int, winner: str | int) -> None:
        """Merge a contact into another as a person on the platform does."""
        self.main.merge_contacts(loser, winner)

    def issue_token(self, token: str | None = None) -> str:
        """Issue a further token, or the one given."""
        return self.main.issue_token(token)

    def install(self, url: str, *, token: str | None = None, timeout: float = 30.0) -> Delivery:
        """Install an integration and wait for its answer. If the event is given up, nothing is installed."""
        return self.main.install(url, token=token, timeout=timeout)

    def uninstall(self, *, token: str | None = None, timeout: float = 30.0) -> Delivery:
        """Uninstall an integration and wait for its answer."""
        return self.main.uninstall(token=token, timeout=timeout)

    def send_event(self, name: str, data: Mapping[str, Any] | None = None, *, token: str | None = None) -> Delivery:
        """Send an event of any name (`user_reply`, …). It is under way when this returns."""
        return self.main.send_event(name, data, token=token)

    def send_action(self, name: str, data: Mapping[str, Any] | None = None, *, token: str | None = None) -> Delivery:
        """Send an action. It is under way when this returns."""
        return self.main.send_action(name, data, token=token)

    def _app(self) -> Flask:
        app = Flask(__name__, static_folder=None)
        app.config["MAX_CONTENT_LENGTH"] = _LARGEST_REQUEST
        app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
        app.url_map.merge_slashes = False  # an id may have several in a row
        app.logger.setLevel(logging.ERROR)
        app.register_error_handler(HTTPException, _no_route)
        app.register_blueprint(self._api.blueprint())
        app.register_blueprint(Control(self).blueprint())
        app.register_blueprint(asset_routes())
        return app


def _no_route(error: HTTPException) -> Response:
    response = jsonify({"success": False, "error": error.name})
    response.status_code = error.code or 500
    return response
