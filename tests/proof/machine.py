"""The state machine: random people, random deliveries, random faults; in the end both sides agree.

Rules have no preconditions: what waits may depend on which of two threads was first, and what is drawn must not.
"""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contact_sync.testing import Quirks, SandboxPlatform
from key_stores import KeyStore
from tests.proof.host import Host
from tests.proof.world import FIELDS, World

VALUES = {
    "firstname": st.sampled_from(["Ana", "Zoë", "0", ""]),
    "phone": st.sampled_from(["06 12 34 56 78", "+33612345678", "0700000001", ""]),
    "score": st.sampled_from([0, 1, 2.5, None]),
    "note": st.sampled_from(["a", "b", "", "null"]),
}
EDITS = st.sampled_from(sorted(FIELDS)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name]))
CONTACTS = st.fixed_dictionaries({}, optional=VALUES)
INDEX = st.integers(0, 50)

QUIRKS = st.builds(
    Quirks,
    ids=st.sampled_from(["text", "number", "uuid", "path"]),
    not_found=st.sampled_from(
        ["result", "json_404", "html_404", "text_404", "forbidden_403", "error_in_200", "protocol_code"]
    ),
    update_missing=st.sampled_from(["not_found", "succeeds", "creates"]),
    delete_again=st.sampled_from(["not_found", "succeeds"]),
    unique_emails=st.sampled_from(["no", "with_id", "without_id"]),
    case_sensitive_lookup=st.booleans(),
    normalises=st.booleans(),
    trims=st.booleans(),
    returns_record=st.sampled_from([None, True]),
    partial=st.booleans(),
    replaces=st.booleans(),
    clears=st.sampled_from(["none", "empty", "absent"]),
    paging=st.sampled_from(["number", "offset", "cursor"]),
    pages_shift=st.booleans(),
    limit_every=st.sampled_from([0, 0, 7]),
    tells_own_writes=st.booleans(),
)


class Sync(RuleBasedStateMachine):
    """People on both sides, and a sync between them whose deliveries and faults are chosen at random."""

    sandbox: ClassVar[SandboxPlatform]
    host: ClassVar[Host]
    store: ClassVar[KeyStore]

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None

    @initialize(quirks=QUIRKS, policy=st.sampled_from(["last_write", "botmatic", "external"]))
    def begin(self, quirks: Quirks, policy: Any) -> None:
        self.world = World(self.sandbox, self.host, self.store, quirks, conflicts=policy)

    @property
    def here(self) -> World:
        assert self.world is not None
        return self.world

    def _contact(self, index: int) -> str | None:
        ids = sorted(set(self.here.workspace.contacts) - self.here.retired)
        return ids[index % len(ids)] if ids else None

    def _record(self, index: int) -> str | None:
        ids = sorted(self.here.crm.records)
        return ids[index % len(ids)] if ids else None

    # People

    @rule(fields=CONTACTS)
    def somebody_comes_to_the_platform(self, fields: dict[str, Any]) -> None:
        self.here.platform_create(fields | {"email": self.here.new_email()})

    @rule(fields=CONTACTS)
    def somebody_comes_to_the_crm(self, fields: dict[str, Any]) -> None:
        self.here.crm_create(fields | {"email": self.here.new_email()})

    @rule(fields=CONTACTS, other=CONTACTS)
    def somebody_is_on_both_sides(self, fields: dict[str, Any], other: dict[str, Any]) -> None:
        """The platform tells first: what is there alone cannot be found by what the CRM tells."""
        email = self.here.new_email()
        self.here.crm_create(other | {"email": email})
        id = self.here.platform_create(fields | {"email": email.upper() if len(fields) % 2 else email})
        self.here.drain_contact(id)

    @rule(index=INDEX, edit=EDITS)
    def a_person_edits_on_the_platform(self, index: int, edit: tuple[str, Any]) -> None:
        if (id := self._contact(index)) is not None:
            self.here.platform_edit(id, *edit)

    @rule(index=INDEX, edit=EDITS)
    def a_person_edits_in_the_crm(self, index: int, edit: tuple[str, Any]) -> None:
        if (id := self._record(index)) is not None:
            self.here.crm_edit(id, *edit)

    @rule(index=INDEX)
    def an_address_changes_on_the_platform(self, index: int) -> None:
        if (id := self._contact(index)) is not None:
            self.here.platform_edit(id, "email", self.here.new_email())

    @rule(index=INDEX)
    def an_address_changes_in_the_crm(self, index: int) -> None:
        if (id := self._record(index)) is not None:
            self.here.crm_edit(id, "email", self.here.new_email())

    @rule(index=INDEX)
    def a_contact_is_deleted_on_the_platform(self, index: int) -> None:
        if (id := self._contact(index)) is not None:
            self.here.platform_delete(id)

    @rule(index=INDEX)
    def a_record_is_deleted_in_the_crm(self, index: int) -> None:
        if (id := self._record(index)) is not None:
            self.here.crm_delete(id)

    @rule(one=INDEX, other=INDEX)
    def two_contacts_are_merged_on_the_platform(self, one: int, other: int) -> None:
        loser, winner = self._contact(one), self._contact(other)
        if loser is not None and winner is not None and loser != winner:
            self.here.platform_merge(loser, winner)

    @rule(one=INDEX, other=INDEX)
    def two_records_are_merged_in_the_crm(self, one: int, other: int) -> None:
        loser, winner = self._record(one), self._record(other)
        if loser is not None and winner is not None and loser != winner:
            self.here.crm_merge(loser, winner)

    # Deliveries

    @rule(index=INDEX, twice=st.booleans())
    def the_platform_tells(self, index: int, twice: bool) -> None:
        if waiting := self.here.waiting_events():
            self.here.deliver_event(waiting[index % len(waiting)], twice=twice)

    @rule(index=INDEX, twice=st.booleans())
    def the_crm_tells(self, index: int, twice: bool) -> None:
        if waiting := self.here.waiting_notices():
            self.here.deliver_notice(waiting[index % len(waiting)], twice=twice)

    @rule(one=INDEX, other=INDEX)
    def both_tell_at_once(self, one: int, other: int) -> None:
        events, notices = self.here.waiting_events(), self.here.waiting_notices()
        if events and notices:
            self.here.deliver_both(events[one % len(events)], notices[other % len(notices)])

    @rule(index=INDEX)
    def the_platform_tells_twice_at_once(self, index: int) -> None:
        if waiting := self.here.waiting_events():
            self.here.deliver_event_twice_at_once(waiting[index % len(waiting)])

    @rule()
    def everything_is_imported(self) -> None:
        self.here.import_all()

    # Faults

    @rule(
        method=st.sampled_from(["create_contact", "update_contact", "delete_contact"]),
        after=st.booleans(),
    )
    def the_next_call_to_the_crm_fails(self, method: str, after: bool) -> None:
        self.here.break_crm(method, TimeoutError("no answer"), after=after)

    @rule(
        operation=st.sampled_from(["create_contact", "update_contact", "delete_contact"]),
        effect=st.booleans(),
    )
    def the_next_call_to_the_platform_fails(self, operation: str, effect: bool) -> None:
        self.here.break_platform(operation, effect=effect)

    @invariant()
    def pairs_are_one_to_one(self) -> None:
        if self.world is not None:
            self.world.check_pairs()

    def teardown(self) -> None:
        if self.world is not None:
            try:
                self.world.drain()
                self.world.check()
            except AssertionError as error:
                error.add_note("\n".join(self.world.story))
                raise
            finally:
                self.world.close()
