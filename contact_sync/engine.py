"""One engine for both directions: resolve → claim → write → record.

Each public method takes one contact of one side and makes the other side agree. It holds a claim on the contact while
it works, saves the pair directly after a create, before anything else can fail, and never raises.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from key_stores import InvalidId, KeyStoreError
from mappers import Mapper, MappingError
from mappers import Mapping as Row

from .abilities import Abilities
from .claims import Claims
from .events import Change
from .failures import translate
from .pipeline import Pipeline, Stage
from .platforms import Platform
from .results import NOT_FOUND, Result
from .scopes import Scope
from .sides import EngineSide, ExternalSide, PlatformSide, hits, holds, is_empty, without_empty

log = logging.getLogger(__name__)

TOMBSTONE_SECONDS: Final = 7 * 24 * 3600.0
"""How long a deleted contact is remembered, so that a late update does not bring it back."""

RECORD_PAUSES: Final = (0.1, 0.3, 1.0)
"""How long to wait, in seconds, before a pair is saved once more."""

NO_ID: Final = "the contact has no usable id: text that is not empty, or a whole number"
GONE: Final = "it was deleted; a late event does not bring it back"


@dataclass(frozen=True, slots=True)
class Route:
    """From the side that something happened on to the side that is written to."""

    source: EngineSide
    target: EngineSide

    @property
    def scope(self) -> Scope:
        return self.source.scope


class Engine:
    """Keeps both sides the same, a contact at a time.

    Args:
        mapper: The table of fields.
        platform: The chatbot side.
        abilities: The key store.
        claims: Who works on what.
        pipeline: The user's middleware, for `send` and `format`.
    """

    def __init__(
        self, mapper: Mapper, platform: Platform, abilities: Abilities, claims: Claims, pipeline: Pipeline
    ) -> None:
        self.mapper = mapper
        self.platform = platform
        self.abilities = abilities
        self.claims = claims
        self.pipeline = pipeline

    def to_external(self, scope: Scope) -> Route:
        """The route for what happened on the platform."""
        return Route(PlatformSide(scope, self.mapper, self.platform), ExternalSide(scope, self.mapper))

    def to_platform(self, scope: Scope) -> Route:
        """The route for what happened in the CRM."""
        return Route(ExternalSide(scope, self.mapper), PlatformSide(scope, self.mapper, self.platform))

    def save(self, route: Route, contact: Mapping[str, Any], *, create: bool = True) -> Result:
        """Make the target agree with a contact of the source: update its partner, adopt one, or create one.

        Args:
            contact: The source's contact, in the source's names, with its id.
            create: Whether a contact without a partner gets one. Otherwise it is `NOT_FOUND`.

        Returns:
            The `id` of the target's record, and as `action` `created`, `adopted`, `updated` or `skipped`.
        """
        id = route.source.id_of(contact)
        if id is None:
            return Result.failed(NO_ID)
        return self._claimed(route, lambda: [lease_name(route.source, id)], self._save, id, contact, create)

    def delete(self, route: Route, id: str) -> Result:
        """Delete the partner of a contact that is gone from the source, and bury the pair.

        Returns:
            The `id` of the target's record that was deleted; `NOT_FOUND` if the contact has no partner.
        """

        def both() -> list[str]:
            # A side may tell us of the delete that we make there; it must not come back as a delete here.
            partner = route.source.partner(self.abilities.pairs, id)
            own = lease_name(route.source, id)
            return [own] if partner is None else [own, lease_name(route.target, partner)]

        return self._claimed(route, both, self._delete, id)

    def match_leases(self, route: Route, contact: Mapping[str, Any]) -> list[str]:
        """Name the leases on what a contact may be recognised by. The same for both directions.

        These are its match values. A contact that has none is recognised by all that it holds: a side that tells us of
        what we create there may do so before we have the answer, and the pair.
        """
        try:
            values = self._match_values(route, contact)
            names = [f"match:{row.botmatic}:{_digest(value.casefold())}" for row, value in values]
            return list(dict.fromkeys(names)) or [f"like:{_digest(self._likeness(route, contact))}"]
        except MappingError:
            return []  # said by the mapping itself, a step later

    def _match_values(self, route: Route, contact: Mapping[str, Any]) -> list[tuple[Row, str]]:
        """What a contact may be recognised by, as the CRM writes it, whichever side it comes from."""
        there = contact if route.source.name == "botmatic" else self.mapper.to_botmatic(contact)
        values = self.mapper.match_values(self.mapper.to_external(there), "ext")
        written = {row.botmatic: value for row, value in values}
        own = self.mapper.match_values(contact, route.source.name)  # of rows that travel the other way alone, too
        return [(row, written.get(row.botmatic, value)) for row, value in own]

    def _likeness(self, route: Route, contact: Mapping[str, Any]) -> str:
        """What a contact looks like on the platform, as text."""
        there = contact if route.source.name == "botmatic" else self.mapper.to_botmatic(contact)
        names = sorted({row.botmatic for row in self.mapper.rows if not row.id and row.direction != "to_external"})
        return json.dumps([(name, str(there[name])) for name in names if not is_empty(there.get(name))])

    def write(self, target: EngineSide, change: Change, deliver: Callable[[Change, dict[str, Any]], Result]) -> Result:
        """Take a change through `send` and `format`, and deliver it."""

        def give_shape(change: Change) -> Result:
            payload = {} if change.kind == "delete" else target.shape(change)
            return self.pipeline.run(Stage.FORMAT, payload, lambda built: deliver(change, built), change)

        return self.pipeline.run(Stage.SEND, change, lambda change: _or_failure(give_shape, change))

    def _claimed(
        self, route: Route, leases: Callable[[], list[str]], work: Callable[..., Result], *args: object
    ) -> Result:
        try:
            with self.claims.hold(route.scope.installation, leases()):
                return work(route, *args)
        except Exception as error:  # noqa: BLE001 - a user's store or platform may raise anything
            return translate(error, f"the sync of a {route.source.noun}")

    def _save(self, route: Route, id: str, contact: Mapping[str, Any], create: bool) -> Result:
        partner = route.source.partner(self.abilities.pairs, id)
        if partner is not None:
            return self._update(route, partner, contact)
        if not create:
            return Result.failed(NOT_FOUND, reason=f"this {route.source.noun} is not paired")
        if self.is_buried(route, id):
            return Result.skipped(GONE)
        leases = self.match_leases(route, contact)
        if not leases:
            return self._create(route, id, contact)
        # Two contacts with one e-mail address, or the same person from both sides, must not be created twice at once.
        with self.claims.hold(route.scope.installation, leases):
            partner = route.source.partner(self.abilities.pairs, id)
            if partner is not None:  # paired by the other side, while this one waited
                return self._update(route, partner, contact)
            return self._adopt_or_create(route, id, contact)

    def _adopt_or_create(self, route: Route, id: str, contact: Mapping[str, Any]) -> Result:
        found = self._resolve(route, contact)
        if found.not_found:
            return self._create(route, id, contact)
        if not found.success or found.contact is None or found.id is None:
            return found
        return self._adopt(route, id, found.id, contact, found.contact)

    def is_buried(self, route: Route, id: str) -> bool:
        """Whether a contact of the source was deleted not long ago."""
        which = {"botmatic_id" if route.source.name == "botmatic" else "external_id": id}
        return self.abilities.tombstones.is_buried(route.scope.installation, **which)

    def _resolve(self, route: Route, contact: Mapping[str, Any]) -> Result:
        """Find the target's record by the match rows, in order. Success has its `id` and `contact`."""
        for row, value in self._match_values(route, contact):
            found = route.target.find(value)
            if found.not_found or (found.success and found.contacts is not None and not found.contacts):
                continue
            if not found.success:
                return found
            records = hits(found)
            ids = [route.target.id_of(record) for record in records]
            if not records or None in ids:
                return Result.failed(f"the look-up by {row.botmatic!r} succeeded without a record that has an id")
            if len(set(ids)) > 1:
                return Result.failed("ambiguous match", reason=f"{row.botmatic!r} fits the records {_listed(ids)}")
            theirs = {own.botmatic for own, _ in self.mapper.match_values(records[0], "ext")}
            if row.botmatic in theirs and not holds(records[0], value):
                # A search that is not exact finds somebody else, who must not be overwritten.
                reason = f"the look-up by {row.botmatic!r} gave the record {ids[0]}, which has another value"
                return Result.failed("ambiguous match", reason=reason)
            return Result.ok(ids[0], contact=records[0])
        return Result.failed(NOT_FOUND)

    def _update(self, route: Route, id: str, contact: Mapping[str, Any]) -> Result:
        result = self._deliver(route, "update", contact, id)
        if result.not_found:
            return result.with_(reason=f"the paired {route.target.noun} {id} is gone")
        return _done(result, id, "updated")

    def _create(self, route: Route, id: str, contact: Mapping[str, Any]) -> Result:
        result = self._deliver(route, "create", contact, None)
        if result.action == "skipped":
            return result
        if not result.success:
            return self.adopt_existing(route, id, contact, result)
        if result.id is None:
            return Result.failed(f"the {route.target.noun} was created, but the answer has no id to pair it with")
        return self._record(route, id, result.id) or _done(result, result.id, "created")

    def adopt_existing(self, route: Route, id: str, contact: Mapping[str, Any], refusal: Result) -> Result:
        """Adopt the record that a refused create names: it exists already. Other refusals are answered as they are."""
        if refusal.id is None or refusal.retryable:
            return refusal
        found = route.target.read(refusal.id)
        if not found.success and found.retryable:
            return found
        return self._adopt(route, id, refusal.id, contact, found.contact or {})

    def _adopt(
        self, route: Route, id: str, found_id: str, contact: Mapping[str, Any], record: Mapping[str, Any]
    ) -> Result:
        """Pair with a record that was there already, and fill the blanks of both sides. Nothing is cleared.

        The pair is saved last: if something fails for now, the next try adopts again. An update of a pair would clear.
        """
        with self.claims.hold(route.scope.installation, [f"adopt:{lease_name(route.target, found_id)}"]):
            if problem := self._paired_elsewhere(route, found_id):
                return problem
            result = self._deliver(route, "update", without_empty(contact), found_id)
            if not result.success or result.action == "skipped":
                return result.with_(reason=result.reason or f"the {route.target.noun} {found_id} was not adopted")
            back = self._fill_blanks(Route(route.target, route.source), record, contact, id)
            if not back.success:
                left = f"the blanks of the {route.source.noun} {id} could not be filled from {found_id}"
                back = back.with_(reason=back.reason or left)
                if back.retryable:
                    return back
            problem = self._record(route, id, found_id)
            return problem or (_done(result, found_id, "adopted") if back.success else back)

    def _fill_blanks(self, route: Route, record: Mapping[str, Any], contact: Mapping[str, Any], id: str) -> Result:
        """Write to `contact` what `record` has and it has not."""

        def only_blanks(change: Change, payload: dict[str, Any]) -> Result:
            blanks = {
                name: value for name, value in payload.items() if not is_empty(value) and is_empty(contact.get(name))
            }
            return route.target.write(change, blanks) if blanks else Result.ok(id)

        scope = route.scope
        change = Change(route.target.name, "update", record, id, scope.installation, scope.auth)
        return self.write(route.target, change, only_blanks)

    def _paired_elsewhere(self, route: Route, target_id: str) -> Result | None:
        other = route.target.partner(self.abilities.pairs, target_id)
        if other is None:
            return None
        return Result.failed(
            "ambiguous match",
            reason=f"the {route.target.noun} {target_id} is already paired with {route.source.noun} {other}",
        )

    def record(self, route: Route, pairs: Sequence[tuple[str, str]]) -> Result | None:
        """Save pairs (id on the source, id on the target) of contacts that are paired from now on.

        A pair that is lost is a duplicate later, so a store that is away for a moment is waited for, and pairs that
        cannot be saved at all are named in the log.

        Returns:
            The failure, if they could not be saved.
        """
        ordered = [route.source.pair(*pair) for pair in pairs]
        pauses = list(RECORD_PAUSES)
        while ordered:
            try:
                if self.abilities.batches.save_many(route.scope.installation, ordered) is False:
                    raise KeyStoreError("the key store answered that it did not save a pair")
                break
            except Exception as error:  # noqa: BLE001 - a user's store may raise anything
                if not pauses or isinstance(error, InvalidId):
                    for pair in ordered:
                        log.error("The pair of Botmatic %.200r and external %.200r could not be saved", *pair)
                    return translate(error, "saving a pair")
            time.sleep(pauses.pop(0))
        return None

    def unpaired(self, route: Route, target_id: str, problem: Result) -> Result:
        """The failure of a contact whose pair could not be saved; it names the record."""
        reason = f"the {route.target.noun} {target_id} exists, but the pair could not be saved"
        return problem.with_(id=target_id, reason=reason)

    def _record(self, route: Route, source_id: str, target_id: str) -> Result | None:
        problem = self.record(route, [(source_id, target_id)])
        return problem and self.unpaired(route, target_id, problem)

    def _delete(self, route: Route, id: str) -> Result:
        scope = route.scope
        partner = route.source.partner(self.abilities.pairs, id)
        if partner is None:
            botmatic_id, external_id = (id, None) if route.source.name == "botmatic" else (None, id)
            self.abilities.tombstones.bury_ids(scope.installation, botmatic_id, external_id, TOMBSTONE_SECONDS)
            return Result.failed(NOT_FOUND, reason=f"this {route.source.noun} is not paired")
        result = self._deliver(route, "delete", {}, partner)
        if result.action == "skipped" or not (result.success or result.not_found):
            return result
        self.abilities.tombstones.bury_ids(
            scope.installation, *route.source.pair(id, partner), TOMBSTONE_SECONDS
        )  # a record that was gone already is what was wanted
        return Result.ok(partner, action="deleted")

    def _deliver(self, route: Route, kind: Any, contact: Mapping[str, Any], id: str | None) -> Result:
        scope = route.scope
        change = Change(route.target.name, kind, contact, id, scope.installation, scope.auth)
        return self.write(route.target, change, route.target.write)


def lease_name(side: EngineSide, id: str) -> str:
    """Name the lease on a contact's own id."""
    return f"{side.name}:{id}"


def _digest(value: str) -> str:
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _or_failure(step: Callable[[Change], Result], change: Change) -> Result:
    try:
        return step(change)
    except MappingError as error:
        return translate(error, "mapping")


def _done(result: Result, id: str, action: str) -> Result:
    if not result.success or result.action == "skipped":
        return result
    return Result.ok(id, action=action)


def _listed(ids: list[str | None], most: int = 10) -> str:
    shown = [str(id) for id in dict.fromkeys(ids)]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
