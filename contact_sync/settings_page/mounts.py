"""The routes of the settings paths: exact rules, on every app that the blueprint is registered on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response
from flask.blueprints import BlueprintSetupState

View = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path, and what answers it."""

    path: str
    method: str
    view: View

    @property
    def endpoint(self) -> str:
        """The name within the blueprint; a dot in it would name another blueprint."""
        kind = "settings_page" if self.method == "GET" else "update_settings"
        return f"{kind}:{self.path.replace('.', '%2E')}"


class Mounts:
    """Adds routes to blueprints, whether they come before or after the blueprint is registered on an app.

    Every path has its own exact rule; there is none that catches all. So an app on which the blueprint is mounted
    keeps its own routes, its redirects, its 404 and 405.
    """

    def __init__(self) -> None:
        self._routes: list[Route] = []
        self._states: list[BlueprintSetupState] = []

    def on_blueprint(self, blueprint: Blueprint) -> None:
        """Put all routes, also those that come later, on every app that this blueprint is registered on."""
        blueprint.record(self._mount)

    def add(self, route: Route) -> None:
        """Add a route."""
        self._routes.append(route)
        for state in self._states:
            _add(state, route)

    def _mount(self, state: BlueprintSetupState) -> None:
        self._states.append(state)
        for route in self._routes:
            _add(state, route)


def _add(state: BlueprintSetupState, route: Route) -> None:
    # Flask's own `add_url_rule` refuses once the app has answered a request; its map of rules takes one at any time.
    app = state.app
    endpoint = f"{state.name_prefix}.{state.name}.{route.endpoint}".lstrip(".")
    app.view_functions[endpoint] = route.view
    rule = app.url_rule_class(
        (state.url_prefix or "").rstrip("/") + route.path,
        endpoint=endpoint,
        methods=[route.method, "OPTIONS"],
        defaults=state.url_defaults,
        subdomain=state.subdomain,
        strict_slashes=False,
    )
    app.url_map.add(rule)
