"""What each event of the platform does: the sync's own part first, then the user's listener."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from . import listeners
from .engine import NO_ID, Engine
from .events import Event, EventName
from .installations import Installations
from .listeners import Listener, Listeners, Reply
from .results import Result
from .scopes import Scope, Scopes
from .sides import is_empty

log = logging.getLogger(__name__)

CONTACT_EVENTS: Final = frozenset({EventName.CONTACT_CREATED, EventName.CONTACT_UPDATED, EventName.CONTACT_DELETED})
NOT_AN_OBJECT: Final = "the event's data is not an object"
NOT_ADMITTED: Final = Result.failed("another installation is the only one that is let in here")


class Handlers:
    """Does what events call for.

    Args:
        listeners: The user's listeners.
        engine: Keeps contacts the same.
        installations: Who is installed.
        scopes: Finds the CRM account of who speaks.
        forget_token: Told about a token that has just been installed or uninstalled.
    """

    def __init__(
        self,
        listeners: Listeners,
        engine: Engine,
        installations: Installations,
        scopes: Scopes,
        forget_token: Callable[[str], None],
    ) -> None:
        self._listeners = listeners
        self._engine = engine
        self._installations = installations
        self._scopes = scopes
        self._forget_token = forget_token
        self._own: dict[str, Callable[[Event, Listener | None], Reply]] = {
            EventName.INSTALL: self._install,
            EventName.UNINSTALL: self._uninstall,
            EventName.CONTACT_CREATED: self._contact_event,
            EventName.CONTACT_UPDATED: self._contact_event,
            EventName.CONTACT_DELETED: self._contact_event,
        }

    def inner(self, event: Event) -> Event:
        """Take a contact event's contact out of `data[name]`, if it is nested there."""
        if event.kind == "event" and event.name in CONTACT_EVENTS and isinstance(event.data, Mapping):
            nested = event.data.get(event.name)
            if isinstance(nested, Mapping):
                return replace(event, data=nested)
        return event

    def hears(self, event: Event) -> bool:
        """Whether somebody waits for exactly this name: a listener, or the sync itself."""
        return (event.kind == "event" and event.name in self._own) or self._listeners.has_exact(event.kind, event.name)

    def handle(self, event: Event) -> Reply:
        """Do what an event calls for.

        Raises:
            ContactSyncError: Somebody else is installing meanwhile.
            KeyStoreError: The store cannot be asked.
        """
        listener = self._listeners.find(event.kind, event.name)
        if event.kind == "event" and event.name in self._own:
            return self._own[event.name](event, listener)
        if listener is None:
            return Reply.failed(Result.failed(f'No {event.kind} "{event.name}" defined'))
        return listeners.run(listener, event)

    def _install(self, event: Event, listener: Listener | None) -> Reply:
        """Properties first, then the user's listener, then it is remembered. Any of them may refuse."""
        token, id = event.auth.token, event.installation
        with self._installations.changing(id):
            if not self._installations.admits(id):
                return Reply.failed(NOT_ADMITTED, status=401)
            properties = self._engine.platform.create_properties(token, self._engine.mapper.properties())
            if not properties.success:
                return Reply.failed(properties)
            reply = Reply.of(Result.ok(action="installed")) if listener is None else listeners.run(listener, event)
            if reply.data is False:
                reply = Reply.failed(Result.failed("the listener for 'install' returned False"))
            if reply.handled and reply.result.success:
                self._installations.remember(id, token)
                self._forget_token(token)
                self._engine.keys.of(id)  # made while nobody else can make another one
            return reply

    def _uninstall(self, event: Event, listener: Listener | None) -> Reply:
        """Everything of the installation is gone when the user's listener runs."""
        token, id = event.auth.token, event.installation
        with self._installations.changing(id):
            if not self._installations.admits(id):
                return Reply.failed(NOT_ADMITTED, status=401)
            gone = self._installations.forget(id, token)
        self._forget_token(token)
        if gone:
            self._engine.keys.forget(id)
        if not gone:
            return Reply.of(Result.skipped("this token is forgotten; the installation has others and stays"))
        result = Result.ok(action="uninstalled")
        return Reply.of(result) if listener is None else listeners.run(listener, replace(event, result=result))

    def _contact_event(self, event: Event, listener: Listener | None) -> Reply:
        """The sync first. The user's listener sees what came of it; what it returns is ignored."""
        result = self._sync(event)
        if not result.success:
            # The error itself may be a consumer's, and hold anything; it is in the answer.
            again = "it may come again" if result.retryable else "it is not tried again"
            if result.action == "held":
                again = "its contact is held for a person to decide (contact-sync held)"
            log.warning("%s of %.200r was not applied, %s; the answer says why", event.name, event.installation, again)
        if listener is None or (result.retryable and not result.success):
            return Reply.of(result)  # a retryable event comes again: the listener hears of it once, when it is settled
        _, failure = listeners.call(listener, replace(event, result=result))
        if failure is None:
            return Reply.of(result)
        return Reply(handled=False, result=result, data=Reply.of(result).data | {"error": failure.error})

    def _sync(self, event: Event) -> Result:
        if not isinstance(event.data, Mapping):
            return Result.failed(NOT_AN_OBJECT)
        scope = self._scopes.of(event.installation, event.auth)
        if isinstance(scope, Result):
            return scope
        if event.name == EventName.CONTACT_DELETED:
            return self._delete(scope, event.data)
        return self._engine.save(self._engine.to_external(scope), event.data)

    def _delete(self, scope: Scope, data: Mapping[str, Any]) -> Result:
        route = self._engine.to_external(scope)
        named = data.get("contact_id")
        id = route.source.id_of({"id": data.get("id") if is_empty(named) else named})
        result = Result.failed(NO_ID) if id is None else self._engine.delete(route, id)
        return Result.skipped(result.reason or "") if result.not_found else result
