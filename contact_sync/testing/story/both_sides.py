"""Both sides and the sync between them in one place: a sandbox of the platform, a CRM, and what goes wrong.

Everything happens in one thread, one thing after the other, so that a seed always gives the same story. The platform's
events wait in the sandbox until they are delivered from here, in order for each contact, again after a 503. The CRM's
notices name a record, which is read when one is delivered, as a careful integration does.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, Self, TypeVar

from contact_sync.consumer import ExternalAPIConsumer, ask
from contact_sync.installations import token_installation_id
from contact_sync.integration import ContactSync
from contact_sync.platforms import BotmaticPlatform
from contact_sync.reports import PullReport
from contact_sync.results import Result
from contact_sync.sides import NO_SUCH_RECORD, hits
from contact_sync.testing.faults import Crash, FaultScript, FaultyConsumer, MortalStore, stopped_clock
from contact_sync.testing.paths import value_at
from contact_sync.testing.sandbox import Delivery, LoopbackServer, SandboxPlatform
from contact_sync.webhook import Request
from mappers import Mapper

from .troubles import Troubles

T = TypeVar("T")

TRIES: Final = 6
"""How often something is delivered before the others have their turn."""

ROUNDS: Final = 15
"""How often everything that waits is delivered until nothing more comes of it; an endless loop shows by that."""

CROWDED: Final = 500
"""With how many waiting events a sandbox is replaced."""

_KEYS: Final = ("only for tests, and of no service",)
_WRITES: Final = ("create_contact", "create_contacts", "update_contact", "update_contacts", "delete_contact")
_NUMBERS: Final = itertools.count(1)


class Notice(NamedTuple):
    """What the CRM tells: that something has happened to a record."""

    id: str


class Writes(NamedTuple):
    """How many contacts were written on each side."""

    platform: int
    crm: int


class QuietPlatform:
    """A sandbox whose events wait, and that tells of our own writes, too. For many stories, each in a workspace."""

    def __init__(self) -> None:
        self._integration = LoopbackServer(_welcome)
        self._sandbox = self._new()

    @property
    def url(self) -> str:
        """Where the sandbox believes an integration to be."""
        return self._integration.url

    def sandbox(self) -> SandboxPlatform:
        """The sandbox; a new one when there are many events that wait, all of which are looked at each time."""
        if len(self._sandbox.held) > CROWDED:
            self._sandbox.close()
            self._sandbox = self._new().start()
        return self._sandbox

    def start(self) -> Self:
        """Listen."""
        self._integration.start()
        self._sandbox.start()
        return self

    def close(self) -> None:
        """Stop. May be called twice."""
        self._sandbox.close()
        self._integration.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new(self) -> SandboxPlatform:
        return SandboxPlatform(held=True, echo=True)


def _welcome(_: Any, start_response: Any) -> list[bytes]:
    """Answer an installation, as a WSGI app."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]


class BothSides:
    """A workspace of a sandbox, a CRM, and a sync between them, which restarts when it dies.

    Args:
        platform: The platform.
        consumer: The CRM's consumer.
        mapper: The table of fields.
        troubles: What goes wrong.
        id_field: The path of a record's id.
        email_field: The path of its e-mail address.
        settle_seconds: How long the CRM's index takes.

    Attributes:
        notices: What the CRM has to tell and has not told yet; those who edit there add to it.
        lost: What it will never tell.
        between_pages: Is called when pages shift.
        problems: What was answered with a failure for good.
    """

    def __init__(
        self,
        platform: QuietPlatform,
        consumer: ExternalAPIConsumer,
        mapper: Mapper,
        troubles: Troubles,
        *,
        id_field: str,
        email_field: str,
        settle_seconds: float = 0.0,
    ) -> None:
        self.troubles = troubles
        self.mapper = mapper
        self._sandbox = platform.sandbox()
        self.workspace = self._sandbox.workspace(f"workspace {next(_NUMBERS)}")
        self.notices: list[Notice] = []
        self.lost: list[Notice] = []
        self._made: dict[str, None] = {}
        self._gone: set[str] = set()
        self.problems: list[str] = []
        self.between_pages: Callable[[], object] = lambda: None
        self.faulty = FaultyConsumer(
            consumer,
            troubles.script,
            id_field=id_field,
            page_size=2 if troubles.small_pages else None,
            between_pages=lambda: self.between_pages(),
            on_write=self._crm_wrote,
        )
        self._email_field = email_field
        self._settle_seconds = settle_seconds
        self._fresh: set[str] = set()
        self._token = self.workspace.token
        self._events: list[Delivery] = []
        self._latest: dict[str | None, Delivery] = {}
        self._now = time.time()
        self._skews = itertools.cycle((1, -1, 0))
        self._api = BotmaticPlatform(self._sandbox.url)
        self.store = MortalStore()
        self.sync = self._started()
        self.installation = token_installation_id(self._token)
        self.workspace.install(platform.url)
        self._taken = len(self._sandbox.held)
        self._called = len(self._sandbox.calls)

    def close(self) -> None:
        """Stop the sync. The consumer stays open."""
        self.sync.close()
        self._api.close()

    # What is there

    def live_records(self) -> dict[str, Mapping[str, Any]]:
        """The records that were made and are there, by id."""
        found = {id: self.read(id) for id in self._made}
        return {id: result.contact for id, result in found.items() if result.contact is not None}

    def read(self, id: str) -> Result:
        """Read a record without anything going wrong. What is gone is not read again: some CRMs are slow to say so."""
        result = NO_SUCH_RECORD if id in self._gone else self._quietly("get_contact", id)
        if result.not_found:
            self._gone.add(id)
        return result

    def made(self, id: str) -> None:
        """Take note of a record that was made, and have the CRM tell of it."""
        self._made[id] = None
        self.tell(id)

    def tell(self, id: str) -> None:
        """Have the CRM tell of a record, to which something has happened."""
        self.notices.append(Notice(id))
        self._fresh.add(id)
        self._gone.discard(id)

    def writes(self) -> Writes:
        """How many contacts the sync has written on each side so far."""
        calls = [call for call in self._sandbox.calls[self._called :] if call.workspace == self.workspace.name]
        done = [call for call in calls if call.operation in _WRITES and call.status is not None and call.status < 300]
        platform = sum(len(call.body["contacts"]) if "contacts" in (call.body or {}) else 1 for call in done)
        return Writes(platform, self.faulty.writes)

    def untold_contacts(self) -> set[str]:
        """The ids of the platform's contacts of which it still has something to tell."""
        self._take()
        return {str(delivery.contact_id) for delivery in self._events}

    def untold_records(self) -> set[str]:
        """The ids of the CRM's records of which it still has something to tell, or never will."""
        return {notice.id for notice in (*self.notices, *self.lost)}

    # Delivering

    def deliver_events(self) -> None:
        """Deliver what the platform has to tell. What does not get through stays in front."""
        self._wait_for_the_index()
        self._take()
        waiting, self._events = self.troubles.events.arrive(self._events, lambda it: it.contact_id), []
        stuck: set[str | None] = set()
        for delivery in waiting:
            if delivery.contact_id in stuck or not self._delivered(delivery):
                stuck.add(delivery.contact_id)
                self._events.append(delivery)

    def deliver_notices(self) -> None:
        """Deliver what the CRM has to tell. What does not get through is told again."""
        waiting, self.notices = self.notices, []
        arriving = self.troubles.notices.arrive(waiting)
        self.lost += [notice for notice in waiting if notice not in arriving]
        self.notices += [notice for notice in arriving if not self._noticed(notice)]

    def pull(self, *, full: bool) -> PullReport | None:
        """Ask the CRM what has changed; `None` if our process dies of it."""
        return self.survive(lambda: self.sync.pull_changes(self._token, full=full))

    def come_to_rest(self) -> None:
        """Let nothing go wrong any more, deliver everything, and ask the CRM for the rest."""
        self.troubles.end()
        self.deliver_all()
        self._forget_former_ids()
        report = self.pull(full=True)
        if report is not None and report.error is not None:
            self.problems.append(f"pull_changes ended with {report.error!r}")
        self.lost.clear()
        self.deliver_all()

    def _forget_former_ids(self) -> None:
        """Lift the tombstones of records whose ids others have by now, as one who runs the sync has to."""
        for id in sorted(self.faulty.reused):
            if self.store.get_botmatic_id(self.installation, id) is None and self.read(id).success:
                self.survive(partial(self.sync.forget, id, self._token))

    def deliver_all(self) -> None:
        """Deliver until nothing more comes of it."""
        for _ in range(ROUNDS):
            self.deliver_events()
            self.deliver_notices()
            self._take()
            if not self._events and not self.notices:
                return
        self.problems.append(f"after everything was delivered {ROUNDS} times there is still news: it goes round")

    def tell_once_more(self) -> None:
        """Deliver the latest event of each contact and a notice of each record again, and list everything."""
        self._events += [self._latest[id] for id in self.workspace.contacts if id in self._latest]
        self.notices += [Notice(id) for id in self.live_records()]
        self.come_to_rest()

    def survive(self, work: Callable[[], T]) -> T | None:
        """Have our process do something; `None` if it dies of it: then another one is there."""
        try:
            with stopped_clock(self._now + self.troubles.skew * next(self._skews)):
                return work()
        except Crash:
            self.store.die()
            self.store = self.store.next_process()
            self.sync = self._started()
            return None

    # Inside

    def _started(self) -> ContactSync:
        return ContactSync(
            self.faulty,
            self.mapper,
            self.store,
            platform=self._api,
            auth=lambda token: token == self._token,
            secret_keys=_KEYS,
        )

    def _crm_wrote(self, method: str, id: str) -> None:
        (self.made if method.startswith("create") else self.tell)(id)

    def _quietly(self, method: str, given: str) -> Result:
        script, self.faulty.script = self.faulty.script, FaultScript()
        try:
            return ask(self.faulty, method, given)
        finally:
            self.faulty.script = script

    def _wait_for_the_index(self) -> None:
        """Wait until what was written is found by its address, for as long as that may take."""
        deadline = time.monotonic() + self._settle_seconds
        for id in sorted(self._fresh):
            while time.monotonic() < deadline and not self._is_found(id):
                time.sleep(0.05)
        self._fresh.clear()

    def _is_found(self, id: str) -> bool:
        record = self.read(id).contact
        email = None if record is None else value_at(record, self._email_field)
        if not isinstance(email, str) or not email:
            return True
        return id in map(self.mapper.external_id, hits(self._quietly("get_contact_by_email", email)))

    def _take(self) -> None:
        held = self._sandbox.held
        self._events += [delivery for delivery in held[self._taken :] if delivery.token == self._token]
        self._taken = len(held)

    def _delivered(self, delivery: Delivery) -> bool:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        request = Request(headers, json.dumps(delivery.body).encode())
        self._latest[delivery.contact_id] = delivery
        for _ in range(TRIES):
            answer = self.survive(lambda: self.sync.webhook.answer(request))
            if answer is not None and answer.status != 503:
                said = answer.body.get("data") or {}
                if answer.status != 200 or not said.get("success"):
                    self.problems.append(f"the platform's {delivery.name} of contact {delivery.contact_id}: {said}")
                return True
        return False

    def _noticed(self, notice: Notice) -> bool:
        for _ in range(TRIES):
            result = self.survive(lambda: self._hear(notice))
            if result is not None and not result.retryable:
                if not result.success and not result.not_found:
                    self.problems.append(f"the CRM's notice of record {notice.id}: {result.error} ({result.reason})")
                return True
        return False

    def _hear(self, notice: Notice) -> Result:
        record = ask(self.faulty, "get_contact", notice.id)
        if record.not_found:
            return self.sync.delete_contact(notice.id, self._token)
        if record.contact is None:
            return record
        return self.sync.create_contact(record.contact, self._token)
