"""What each event does: the sync's own part first, then the user's listener."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from . import listeners
from .contact_events import ContactEvents
from .delivery import Delivery
from .engine import Engine
from .events import EXTERNAL_EVENTS, Event, EventName
from .external_events import UNREAD
from .installations import Installations
from .listeners import Listener, Listeners, Reply
from .observing import UNHEARD
from .results import Result

CONTACT_EVENTS: Final = frozenset({EventName.CONTACT_CREATED, EventName.CONTACT_UPDATED, EventName.CONTACT_DELETED})
NOT_ADMITTED: Final = Result.failed("another installation is the only one that is let in here")


class Handlers:
    """Does what events call for.

    Args:
        listeners: The user's listeners.
        engine: Keeps contacts the same.
        installations: Who is installed.
        contacts: What contact events are about.
        delivery: Gets contact events applied.
        forget_token: Told about a token that has just been installed or uninstalled.
    """

    def __init__(
        self,
        listeners: Listeners,
        engine: Engine,
        installations: Installations,
        contacts: ContactEvents,
        delivery: Delivery,
        forget_token: Callable[[str], None],
    ) -> None:
        self._listeners = listeners
        self._engine = engine
        self._installations = installations
        self._contacts = contacts
        self._delivery = delivery
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
        if event.side == "ext":
            return event.name in EXTERNAL_EVENTS
        return (event.kind == "event" and event.name in self._own) or self._listeners.has_exact(event.kind, event.name)

    def handle(self, event: Event) -> Reply:
        """Do what an event calls for.

        Raises:
            ContactSyncError: Somebody else is installing meanwhile, or what waits cannot be forgotten now.
            KeyStoreError: The store cannot be asked.
        """
        listener = self._listeners.of(event)
        if event.side == "ext":
            if event.name in EXTERNAL_EVENTS:
                return self._contact_event(event, listener)
            return Reply.failed(Result.failed(f"an event of the CRM is none of {', '.join(sorted(EXTERNAL_EVENTS))}"))
        if event.kind == "event" and event.name in self._own:
            return self._own[event.name](event, listener)
        if listener is None:
            return Reply.failed(Result.failed(f'No {event.kind} "{event.name}" defined').with_(action=UNHEARD))
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
            self._delivery.forget(id)
        if not gone:
            return Reply.of(Result.skipped("this token is forgotten; the installation has others and stays"))
        result = Result.ok(action="uninstalled")
        return Reply.of(result) if listener is None else listeners.run(listener, replace(event, result=result))

    def _contact_event(self, event: Event, listener: Listener | None) -> Reply:
        """The sync first. The user's listener sees what came of it; what it returns is ignored.

        An event that is stored to be applied later is told to the listener then.
        """
        contact = self._contacts.contact_of(event)
        result = contact if isinstance(contact, Result) else self._delivery.submit(event, contact)
        if result.queued:
            return Reply.of(result)
        if result.reason == UNREAD and not result.success:
            result = result.with_(retryable=True)  # nothing is kept of it here, so it has to be told again
        if listener is None or (result.retryable and not result.success):
            return Reply.of(result)  # a retryable event comes again: the listener hears of it once, when it is settled
        _, failure = listeners.call(listener, replace(event, result=result))
        if failure is None:
            return Reply.of(result)
        return Reply(handled=False, result=result, data=Reply.of(result).data | {"error": failure.error})
