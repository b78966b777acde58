"""The part of `ContactSync` with which users register their own functions, as calls and as decorators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from .arguments import checked_function
from .engine import Engine
from .errors import ConfigurationError
from .events import EventName
from .listeners import Kind, Listener, Listeners
from .pipeline import Middleware, Pipeline
from .settings_page import SettingsPage, SettingsPages, UpdateSettings

F = TypeVar("F", bound=Callable[..., Any])


class Registering:
    """Listeners, pages and middleware of the user's."""

    engine: Engine
    listeners: Listeners
    pipeline: Pipeline
    _settings: SettingsPages | None

    def on_install(self, listener: F) -> F:
        """Run a listener when the integration is installed. If it raises, fails or returns `False`, nothing is."""
        self.listeners.add("event", EventName.INSTALL, listener)
        return listener

    def on_uninstall(self, listener: F) -> F:
        """Run a listener when the integration is uninstalled. All pairs are gone by then."""
        self.listeners.add("event", EventName.UNINSTALL, listener)
        return listener

    @overload
    def on_event(self, name: str) -> Callable[[F], F]: ...
    @overload
    def on_event(self, name: str, listener: F) -> F: ...
    def on_event(self, name: str, listener: Any = None) -> Any:
        """Run a listener on an event, named exactly or by a regular expression for the whole name."""
        return self._listen("event", name, listener)

    @overload
    def on_action(self, name: str) -> Callable[[F], F]: ...
    @overload
    def on_action(self, name: str, listener: F) -> F: ...
    def on_action(self, name: str, listener: Any = None) -> Any:
        """Run a listener on an action, named exactly or by a regular expression for the whole name."""
        return self._listen("action", name, listener)

    @overload
    def on_external_event(self, name: str) -> Callable[[F], F]: ...
    @overload
    def on_external_event(self, name: str, listener: F) -> F: ...
    def on_external_event(self, name: str, listener: Any = None) -> Any:
        """Run a listener on an event of the CRM (`contact_updated`, …), after the sync; what it returns is ignored."""
        return self._listen("external_event", name, listener)

    def on_conflict(self, listener: F) -> F:
        """Run a listener on each contact in which both sides had changed a field; it gets a `ConflictReport`."""
        self.engine.conflicts.listener = checked_function("on_conflict", listener)
        return listener

    @overload
    def on_settings_page(self, path: str) -> Callable[[F], F]: ...
    @overload
    def on_settings_page(self, path: str, page: SettingsPage) -> SettingsPage: ...
    def on_settings_page(self, path: str, page: Any = None) -> Any:
        """Show a form of settings at a path: `f(auth)` gives the HTML of its fields."""
        return _called_or_decorated(page, lambda function: self._settings_or_error.on_page(path, function))

    @overload
    def on_update_settings(self, path: str) -> Callable[[F], F]: ...
    @overload
    def on_update_settings(self, path: str, update: UpdateSettings) -> UpdateSettings: ...
    def on_update_settings(self, path: str, update: Any = None) -> Any:
        """Take the settings that are posted to a path: `f(auth, fields)` saves them and says so."""
        return _called_or_decorated(update, lambda function: self._settings_or_error.on_update(path, function))

    @overload
    def middleware(self, stage: str) -> Callable[[F], F]: ...
    @overload
    def middleware(self, stage: str, function: Middleware) -> Middleware: ...
    def middleware(self, stage: str, function: Any = None) -> Any:
        """Put a function into a stage: `f(item, next)`, in `format` `f(change, payload, next)`."""
        return _called_or_decorated(function, lambda given: self.pipeline.use(stage, given))

    def _listen(self, kind: Kind, name: str, listener: Listener | None) -> Any:
        return _called_or_decorated(listener, lambda given: self.listeners.add(kind, name, given))

    @property
    def _settings_or_error(self) -> SettingsPages:
        if self._settings is None:
            raise ConfigurationError("frame_ancestors: missing; name the origin of the platform's own pages")
        return self._settings


def _called_or_decorated(function: F | None, register: Callable[[F], None]) -> Any:
    """Register a function that was given, or give the decorator that will."""
    if function is not None:
        register(function)
        return function

    def decorate(given: F) -> F:
        register(given)
        return given

    return decorate
