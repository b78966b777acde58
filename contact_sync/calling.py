"""The part of `ContactSync` that users call: for what happens in the CRM, and for what they want of the platform."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

from mappers import Mapper, Side

from . import arguments
from .delivery import Delivery, forget_events, replay_held
from .engine import NO_ID, Engine
from .errors import ConfigurationError, DeliveryUnavailable
from .failures import translate
from .held import HeldContact
from .identities import Identities
from .imports import Importer, Progress
from .platforms import Platform
from .pulling import Puller, PullProgress
from .reports import ImportReport, PullReport
from .results import Result, id_text
from .review import Review
from .scopes import Scope, Scopes
from .sides import Route

log = logging.getLogger(__name__)


class Calling:
    """The methods for contacts, properties and campaigns. Every one that takes a `token` takes `installation="…"`."""

    delivery: Delivery
    engine: Engine
    identities: Identities
    importer: Importer
    mapper: Mapper
    platform: Platform
    puller: Puller
    review: Review
    scopes: Scopes

    def create_contact(
        self, contact: Mapping[str, Any], token: str | None = None, *, installation: str | None = None
    ) -> Result:
        """Create a CRM's contact on the platform and pair the two. One that is paired already is updated."""
        return self._scoped(
            token, installation, lambda scope: self.engine.save(self.engine.to_platform(scope), contact)
        )

    def update_contact(
        self, contact: Mapping[str, Any], token: str | None = None, *, installation: str | None = None
    ) -> Result:
        """Update the platform's contact that a CRM's contact is paired with; not found if there is none.

        What was deleted or merged not long ago is skipped, and the reason says so.
        """
        return self._scoped(
            token, installation, lambda scope: self.engine.save(self.engine.to_platform(scope), contact, create=False)
        )

    def update_contacts(
        self, contacts: Sequence[Mapping[str, Any]], token: str | None = None, *, installation: str | None = None
    ) -> list[Result]:
        """Update many, in batches. One result for each, in the order given; a single failed one if they are no list."""
        try:
            contacts = list(contacts)
        except Exception as error:  # noqa: BLE001 - a failed result is never also an exception
            return [translate(error, "what was given to update")]
        scope = self._scope(token, installation)
        return [scope] * len(contacts) if isinstance(scope, Result) else self.importer.update(scope, contacts)

    def delete_contact(
        self, external_id: str | int, token: str | None = None, *, installation: str | None = None
    ) -> Result:
        """Delete the platform's contact that a CRM's contact is paired with; not found if there is none."""

        def delete(scope: Scope) -> Result:
            id = _id_of(external_id)
            return Result.failed(NO_ID) if id is None else self.engine.delete(self.engine.to_platform(scope), id)

        return self._scoped(token, installation, delete)

    def merge_contacts(
        self,
        loser: str | int,
        winner: str | int,
        token: str | None = None,
        *,
        side: Side = "ext",
        installation: str | None = None,
    ) -> Result:
        """Take note that two of the CRM's contacts were merged there: the winner gets the loser's pair.

        Nothing is deleted on the other side, and what comes late of the loser is skipped. Call it before the CRM's
        delete of the loser is passed on.

        Args:
            loser: The id of the contact that is no more.
            winner: The id of the one that it has become a part of.
            side: `botmatic` if it was the platform that merged them.
        """

        def merge(scope: Scope) -> Result:
            ids = _id_of(loser), _id_of(winner)
            if ids[0] is None or ids[1] is None:
                return Result.failed(NO_ID)
            return self.engine.merge_contacts(self._route_from(side, scope), ids[0], ids[1])

        return self._scoped(token, installation, merge)

    def forget(
        self,
        contact: Mapping[str, Any] | str | int,
        token: str | None = None,
        *,
        side: Side = "ext",
        installation: str | None = None,
    ) -> Result:
        """Erase all that is kept about a contact: pair, baseline, tombstones, what is held, and its events.

        Neither side is written to.

        Args:
            contact: The CRM's contact, or its id.
            side: `botmatic` if it is the platform's.
        """

        def forget(scope: Scope) -> Result:
            route = self._route_from(side, scope)
            id = route.source.id_of(contact) if isinstance(contact, Mapping) else _id_of(contact)
            if id is None:
                return Result.failed(NO_ID)
            if self.delivery.durable:  # before all else: what is applied meanwhile would make it known again
                pairs, whose = self.engine.abilities.pairs, scope.installation
                ids: dict[Side, str | None] = {
                    "botmatic": id if side == "botmatic" else pairs.get_botmatic_id(whose, id),
                    "ext": id if side == "ext" else pairs.get_external_id(whose, id),
                }
                if forget_events(self.delivery, whose, ids):
                    result = self.engine.forget(route, id)
                    return result.with_(action="deleted") if result.success else result
            return self.engine.forget(route, id)

        return self._scoped(token, installation, forget)

    def held_contacts(self, token: str | None = None, *, installation: str | None = None) -> list[HeldContact] | Result:
        """List the contacts that are held for a person to decide, oldest first; a failed result if that cannot be."""
        scope = self._scope(token, installation)
        if isinstance(scope, Result):
            return scope
        try:
            return self.review.held(scope.installation)
        except Exception as error:  # noqa: BLE001 - a failed result is never also an exception
            return translate(error, "the review list")

    def resolve_held(
        self,
        id: str | int,
        token: str | None = None,
        *,
        pair_with: str | int | None = None,
        create: bool = False,
        side: Side = "botmatic",
        installation: str | None = None,
    ) -> Result:
        """Settle a held contact: it is paired with a record of the other side, or gets one of its own.

        With a durable delivery, its events that have failed for that are tried again.

        Args:
            id: The id of the contact.
            pair_with: The id of the other side's record that is the same person; or
            create: `True` if it is none of them.
            side: The side that the contact is on.
        """

        def resolve(scope: Scope) -> Result:
            own, other = _id_of(id), None if pair_with is None else _id_of(pair_with)
            if own is None or (other is None) == (not create):
                return Result.failed("say what becomes of it: pair_with=… or create=True, one of the two")
            route = self._route_from(side, scope)
            result = self.review.create(route, own) if other is None else self.review.pair(route, own, other)
            if result.success:
                try:
                    replay_held(self.delivery, scope.installation, own, side)
                except DeliveryUnavailable as error:  # it stays settled; the events are among the dead letters
                    log.warning("The events of a contact that was held could not be tried again (%s)", error)
            return result

        return self._scoped(token, installation, resolve)

    @property
    def conflict_count(self) -> int:
        """In how many fields conflicts were found and decided, since this object was made."""
        return self.engine.conflicts.count

    def import_contacts(
        self,
        contacts: Iterable[Mapping[str, Any]],
        token: str | None = None,
        *,
        installation: str | None = None,
        progress: Progress | None = None,
    ) -> ImportReport:
        """Create or update many of the CRM's contacts on the platform, in batches. Safe to run again."""
        scope = self._scope(token, installation)
        if isinstance(scope, Result):
            return ImportReport(success=False, error=scope.error)
        return self.importer.import_contacts(scope, contacts, progress)

    def import_all(
        self, token: str | None = None, *, installation: str | None = None, progress: Progress | None = None
    ) -> ImportReport:
        """Create or update everything that the consumer lists. Safe to run again."""
        scope = self._scope(token, installation)
        if isinstance(scope, Result):
            return ImportReport(success=False, error=scope.error)
        return self.importer.import_all(scope, progress)

    def pull_changes(
        self,
        token: str | None = None,
        *,
        installation: str | None = None,
        progress: PullProgress | None = None,
        full: bool = False,
    ) -> PullReport:
        """Ask the CRM what has changed since the last time, and apply it to the platform. Safe to run again.

        It needs a consumer with `list_changed`. The first time, everything is applied. What failed for now ends the
        pull, and the next one goes on from there.

        Args:
            progress: Is called after each page with the report so far.
            full: Whether to list everything instead, and to look for records that are gone. Any consumer can do that.
        """
        scope = self._scope(token, installation)
        if isinstance(scope, Result):
            return PullReport(success=False, error=scope.error)
        return self.puller.pull(scope, progress, full=full)

    # The platform itself

    def create_property(
        self, property: Mapping[str, str], token: str | None = None, *, installation: str | None = None
    ) -> Result:
        """Create a property (`{"name": …, "type": …}`) on the platform."""
        return self.create_properties([property], token, installation=installation)

    def create_properties(
        self, properties: Sequence[Mapping[str, str]], token: str | None = None, *, installation: str | None = None
    ) -> Result:
        """Create properties on the platform."""
        return self._scoped(
            token, installation, lambda scope: self.platform.create_properties(scope.auth.token, properties)
        )

    def send_event_on_campaign(
        self, name: str, contact_ids: Sequence[str], token: str | None = None, *, installation: str | None = None
    ) -> Result:
        """Send a campaign event to contacts of the platform, by their ids there."""

        def send(scope: Scope) -> Result:
            return self.platform.send_event_on_campaign(scope.auth.token, name, arguments.checked_ids(contact_ids))

        return self._scoped(token, installation, send)

    def _scope(self, token: str | None, installation: str | None) -> Scope | Result:
        who = self.identities.of_method(token, installation)
        return who if isinstance(who, Result) else self.scopes.of(*who)

    def _scoped(self, token: str | None, installation: str | None, work: Callable[[Scope], Result]) -> Result:
        scope = self._scope(token, installation)
        if isinstance(scope, Result):
            return scope
        try:
            return work(scope)
        except Exception as error:  # noqa: BLE001 - a failed result is never also an exception
            return translate(error, "the call")

    def _route_from(self, side: Side, scope: Scope) -> Route:
        if side not in get_args(Side):
            raise ConfigurationError("side: expected 'botmatic' for the platform or 'ext' for the CRM")
        return self.engine.to_external(scope) if side == "botmatic" else self.engine.to_platform(scope)


def _id_of(given: object) -> str | None:
    try:
        return id_text(given)
    except ValueError:
        return None
