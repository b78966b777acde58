"""A world for the proof: people edit contacts on both sides, and what the sides tell of it is delivered by hand.

The sandbox platform is real HTTP both ways and tells of everything, our own writes too, as a real one does. The CRM is
the double with quirks. Events wait until the proof delivers them: late, twice in a row, in any order across contacts,
never out of order within one.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import requests

from contact_sync import BotmaticPlatform, ContactSync, Result
from contact_sync.installations import token_installation_id
from contact_sync.testing import Quirks, QuirkyConsumer, SandboxPlatform
from contact_sync.testing.crm import Notice
from contact_sync.testing.sandbox import Delivery
from key_stores import KeyStore
from mappers import Mapper
from mappers import Mapping as Row
from mappers.values import MISSING
from tests.proof.host import Host

FIELDS: Final = {"firstname": "first_name", "phone": "tel", "score": "points", "note": "note"}
"""Fields that people edit: name on the platform → in the CRM. The e-mail address is the match field."""

MAPPER: Final = Mapper(
    [
        Row("id", "ref", id=True),
        Row("email", "email", match=True, type="email"),
        Row("firstname", "first_name"),
        Row("phone", "tel", type="phone", region="FR"),
        Row("score", "points", type="number"),
        Row("note", "note"),
    ]
)

TRIES: Final = 12


class World:
    """Both sides, the sync between them, and what is known of what people did."""

    def __init__(self, sandbox: SandboxPlatform, host: Host, store: KeyStore, quirks: Quirks, **options: Any) -> None:
        self.sandbox = sandbox
        self.store = store
        self.crm = QuirkyConsumer(quirks, id_field="ref", email_field="email", phone_fields=("tel",))
        platform = BotmaticPlatform(sandbox.url, retries=0)
        self.sync = ContactSync(
            self.crm, MAPPER, store, platform=platform, installations="any", secret_keys=["k" * 40], **options
        )
        self._platform = platform
        self._host = host
        self._numbers = itertools.count(1)
        self.workspace = sandbox.workspace(f"w{id(self)}-{next(_WORLDS)}")
        self.address = host.mount(self.sync.app)
        self.token = self.workspace.issue_token()
        delivery = self.workspace.install(self.address, token=self.token)
        assert delivery.status == 200, delivery.attempts
        self.installation = token_installation_id(self.token)
        self.stuck_events: dict[str, Delivery] = {}
        self.stuck_notices: dict[str, Notice] = {}
        self.retired: set[str] = set()
        self.deleted: set[tuple[str, str]] = set()
        self.cleared: set[tuple[str, str, str]] = set()
        self.filled: set[tuple[str, str, str]] = set()
        self.story: list[str] = []
        self.edits = 0
        self.faults = 0
        self.api_calls_before = len(self._api_writes())

    def close(self) -> None:
        self.sandbox.clear_faults()
        self.workspace.revoke_token(self.token)
        self._host.unmount(self.address)
        self.sync.close()
        self._platform.close()

    # What people do

    def new_email(self) -> str:
        return f"p{next(self._numbers)}@example.org"

    def platform_create(self, fields: dict[str, Any]) -> str:
        self.edits += 1
        id = self.workspace.create_contact(fields)
        self._note("botmatic", id, fields)
        return id

    def platform_edit(self, id: str, field: str, value: Any) -> None:
        self.edits += 1
        self.workspace.update_contact(id, {field: value})
        self._note("botmatic", id, {field: value})

    def platform_delete(self, id: str) -> None:
        self.edits += 1
        self.workspace.delete_contact(id)
        self.deleted.add(("botmatic", id))

    def platform_merge(self, loser: str, winner: str) -> None:
        self.edits += 2
        for field in ("email", *FIELDS):
            if ("botmatic", loser, field) in self.filled:
                self.filled.add(("botmatic", winner, field))
            if ("botmatic", loser, field) in self.cleared:
                self.cleared.add(("botmatic", winner, field))
        self.workspace.merge_contacts(loser, winner)
        self.deleted.add(("botmatic", loser))

    def crm_create(self, fields: dict[str, Any]) -> str:
        self.edits += 1
        id = self.crm.person_create(_external(fields))
        self._note("ext", id, fields)
        return id

    def crm_edit(self, id: str, field: str, value: Any) -> None:
        self.edits += 1
        self.crm.person_update(id, _external({field: value}))
        self._note("ext", id, {field: value})

    def crm_delete(self, id: str) -> None:
        self.edits += 1
        self.crm.person_delete(id)
        self.deleted.add(("ext", id))

    def crm_merge(self, loser: str, winner: str) -> None:
        self.edits += 2
        for field in ("email", *FIELDS):
            for kind in (self.filled, self.cleared):
                if ("ext", loser, field) in kind:
                    kind.add(("ext", winner, field))
        self.crm.person_merge(loser, winner)

    def _note(self, side: str, id: str, fields: dict[str, Any]) -> None:
        for field, value in fields.items():
            empty = value is None or value == ""
            (self.cleared if empty else self.filled).add((side, id, field))

    # What is delivered

    def waiting_events(self) -> list[str]:
        """The platform's contacts of which something is to be told."""
        held = [d.contact_id for d in self.sandbox.held if d.token == self.token and d.contact_id is not None]
        return list(dict.fromkeys([*self.stuck_events, *held]))

    def waiting_notices(self) -> list[str]:
        """The CRM's records of which something is to be told."""
        return list(dict.fromkeys([*self.stuck_notices, *self.crm.pending()]))

    def deliver_event(self, id: str, *, twice: bool = False) -> bool:
        """Deliver the oldest event of a contact. Whether it is settled; else it is delivered again before any other."""
        stuck = self.stuck_events.pop(id, None)
        if stuck is not None:
            delivery = self.sandbox.redeliver(stuck)
        else:
            delivery = self.sandbox.deliver_next(id, token=self.token)
        settled = delivery.status == 200
        answer = delivery.attempts[-1].body if delivery.attempts else None
        self.story.append(f"event {delivery.name} {delivery.body['data']} -> {answer}")
        if not settled:
            assert delivery.status == 503, delivery.attempts
            self.stuck_events[id] = delivery
        elif twice:
            self.deliver_event_again(delivery)
        return settled

    def deliver_event_again(self, delivery: Delivery) -> None:
        again = self.sandbox.redeliver(delivery)
        if again.status != 200 and delivery.contact_id is not None:
            self.stuck_events[delivery.contact_id] = again

    def deliver_notice(self, id: str, *, twice: bool = False) -> bool:
        """Deliver the oldest notice of a record, as a CRM's webhook would. Whether it is settled."""
        notice = self.stuck_notices.pop(id, None) or self.crm.take_notice(id)
        if notice is None:
            return True
        for _ in range(2 if twice else 1):
            result = self._told(notice)
            said = f"{result.action or result.error} {result.id} {result.reason or ''}"
            self.story.append(f"notice {notice.kind} {notice.id} {notice.winner or ''} {dict(notice.record)} -> {said}")
            if result.retryable and not result.success:
                self.stuck_notices[id] = notice
                return False
            assert result.success or result.not_found or result.action == "held", result
        return True

    def _told(self, notice: Notice) -> Result:
        if notice.kind == "deleted":
            return self.sync.delete_contact(notice.id, self.token)
        if notice.kind == "merged":
            assert notice.winner is not None
            orphan = self._orphan_of(notice.id, notice.winner)
            result = self.sync.merge_contacts(notice.id, notice.winner, self.token)
            if result.success and orphan is not None:
                self.retired.add(orphan)
            return result
        return self.sync.create_contact(notice.record, self.token)

    def _orphan_of(self, loser: str, winner: str) -> str | None:
        """The platform's contact that stays alone when both of the merged records have a partner."""
        traces = self.sync.engine.traces
        winner = traces.winner_of(self.installation, "ext", winner) or winner
        kept = self.store.get_botmatic_id(self.installation, winner)
        lost = self.store.get_botmatic_id(self.installation, loser)
        lost = lost or traces.partner_of_gone(self.installation, "ext", loser)
        return lost if kept is not None else None

    def deliver_event_twice_at_once(self, id: str) -> None:
        """Deliver the oldest event of a contact while the same arrives a second time from elsewhere."""
        stuck = self.stuck_events.get(id)
        first = stuck or next(d for d in self.sandbox.held if d.contact_id == id and d.token == self.token)
        headers = {"Authorization": f"Bearer {self.token}"}
        with ThreadPoolExecutor(2) as pool:
            copy = pool.submit(requests.post, self.address, json=first.body, headers=headers, timeout=30)
            done = pool.submit(self.deliver_event, id)
        assert copy.result().status_code in (200, 503)
        self.story.append(f"… the same at once -> {copy.result().text}")
        done.result()

    def import_all(self) -> None:
        """Import all that the CRM lists. What fails for now is left to the notices."""
        report = self.sync.import_all(self.token)
        self.story.append(f"import -> {report} {report.failed}")

    def deliver_both(self, id: str, record: str) -> None:
        """Deliver an event of either side at the same moment."""
        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(self.deliver_event, id), pool.submit(self.deliver_notice, record)]
        for one in done:
            one.result()

    # Faults

    def break_crm(self, method: str, outcome: object, *, after: bool) -> None:
        self.faults += 1
        self.crm.fail_next(outcome, method, after=after)

    def break_platform(self, operation: Any, *, effect: bool) -> None:
        self.faults += 1
        self.sandbox.fail(on=operation, status=500 if effect else 429, effect=effect)

    # The end

    def drain(self) -> None:
        """Deliver everything, until nobody has anything to tell. Bounded: a loop would not end."""
        self.sandbox.clear_faults()
        self.crm.clear_faults()
        for _ in range(20 + 20 * self.edits):
            events, notices = self.waiting_events(), self.waiting_notices()
            if not events and not notices:
                return
            for id in events:
                self.deliver_event(id)
            for record in notices:
                self.deliver_notice(record)
        raise AssertionError(f"it does not come to rest: {events} {notices}")

    def drain_contact(self, id: str) -> None:
        """Deliver what is to be told of one contact, until it is settled."""
        for _ in range(TRIES):
            if id not in self.waiting_events():
                return
            self.deliver_event(id)
        raise AssertionError("a contact is not settled")

    def check_pairs(self) -> None:
        """At any moment, each id is in one pair, and the two directions are inverse."""
        store: Any = self.store
        pairs = list(store.iter_pairs(self.installation))
        assert len({b for b, _ in pairs}) == len({e for _, e in pairs}) == len(pairs), pairs
        for b, e in pairs:
            assert store.get_botmatic_id(self.installation, e) == b

    def check(self) -> None:
        """Both sides agree, one to one; nothing was cleared that nobody cleared; each edit cost one write a side."""
        contacts = {id: contact for id, contact in self.workspace.contacts.items() if id not in self.retired}
        records = self.crm.records
        pairs = {b: self.store.get_external_id(self.installation, b) for b in contacts}
        assert None not in pairs.values(), f"unpaired on the platform: {pairs}"
        assert sorted(map(str, pairs.values())) == sorted(records), (pairs, sorted(records))
        for b, e in pairs.items():
            assert e is not None
            assert self.store.get_botmatic_id(self.installation, e) == b
            here, there = self._canonical(contacts[b], "botmatic"), self._canonical(records[e], "ext")
            assert here == there, (b, e, here, there)
            for field, value in here.items():
                was = {("botmatic", b, field), ("ext", e, field)}
                assert value is not None or not was & self.filled or was & self.cleared, f"{field} of {b}, {e}"
        for side, id in self.deleted:
            assert id not in (contacts if side == "botmatic" else records)
        assert len(self.crm.writes) <= self.edits + self.faults, (len(self.crm.writes), self.edits)
        writes = len(self._api_writes()) - self.api_calls_before
        assert writes <= self.edits + self.faults, (writes, self.edits)

    def _canonical(self, contact: Any, side: Any) -> dict[str, Any]:
        return {
            row.botmatic: None if _absent(row, contact, side) else row.canonical(row.read(contact, side), side)
            for row in MAPPER.rows
            if not row.id
        }

    def _api_writes(self) -> list[Any]:
        kinds = ("create_contact", "create_contacts", "update_contact", "update_contacts", "delete_contact")
        mine = [call for call in self.sandbox.calls if call.workspace == self.workspace.name]
        return [call for call in mine if call.operation in kinds]


_WORLDS = itertools.count(1)


def _absent(row: Row, contact: Any, side: Any) -> bool:
    return row.read(contact, side) is MISSING


def _external(fields: dict[str, Any]) -> dict[str, Any]:
    return MAPPER.to_external(fields)
