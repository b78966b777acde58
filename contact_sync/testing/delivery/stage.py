"""A delivery with something to work for: what it applies is written down, and answered as a test wants it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from contact_sync.delivery import Delivery, EventRecord, Parts, Run, Seal, State
from contact_sync.events import Auth, Event
from contact_sync.results import Result
from mappers import Side

INSTALLATION: Final = "token:0123456789abcdef"
PATIENCE: Final = 20.0
"""For how many seconds a test waits for what has to happen."""

OK: Final = Result.ok(action="updated")

Answer = Result | Callable[[Run], Result]


@dataclass(frozen=True, slots=True)
class Applied:
    """A run that was applied.

    Attributes:
        contact: The id of its contact.
        says: What its events say, in order.
        run: The run itself.
        result: What was answered.
    """

    contact: str
    says: tuple[Any, ...]
    run: Run
    result: Result


class Stage:
    """A delivery that is connected, and whose events are applied by this object.

    Args:
        delivery: The delivery.
        seal: How what waits is kept unreadable; nothing is, unless given.
        lets_in: Whether who sent a stored event is let in.
    """

    def __init__(
        self, delivery: Delivery, *, seal: Seal | None = None, lets_in: Callable[[str], bool] = lambda _: True
    ) -> None:
        self.delivery = delivery
        self.applied: list[Applied] = []
        self.answers: dict[str, list[Answer]] = {}
        self.always: dict[str, Answer] = {}
        self.size = 1
        self.batches: list[int] = []
        self.at_work: list[str] = []
        self._lock = threading.Lock()
        seal = seal or Seal(lambda _, body: body, lambda _, body: body, digest)
        delivery.connect(Parts(self._sync, self, lambda _, token: Auth(token) if lets_in(token) else None, seal))

    # What the delivery is given

    def apply(self, runs: Sequence[Run]) -> list[Result]:
        """Write the runs down, and answer as the test wants it."""
        self.batches.append(len(runs))
        return [self._apply(run) for run in runs]

    def batch_size(self, installation: str) -> int:
        del installation
        return self.size

    def _sync(self, event: Event) -> Result:
        return self._apply(Run((event,)))

    def _apply(self, run: Run) -> Result:
        contact, side = str(run.events[0].data["id"]), run.events[0].side
        assert {event.side for event in run.events} == {side}, "what two sides tell of is applied as one"
        at_work = f"{side}:{contact}"
        with self._lock:
            assert at_work not in self.at_work, f"two runs of {contact} are applied at once"
            self.at_work.append(at_work)
            waiting = self.answers.get(contact)
            answer = waiting.pop(0) if waiting else self.always.get(contact, OK)
        try:
            result = answer(run) if callable(answer) else answer
        finally:
            with self._lock:
                self.at_work.remove(at_work)
        says = tuple(event.data.get("says") for event in run.events)
        with self._lock:
            self.applied.append(Applied(contact, says, run, result))
        return result

    # What a test does

    def submit(
        self,
        contact: str,
        says: Any = None,
        *,
        name: str = "contact_updated",
        installation: str = INSTALLATION,
        delivery_id: str | None = None,
        token: str = "a-token",  # noqa: S107 - of nobody
        side: Side = "botmatic",
    ) -> Result:
        """Submit an event of a contact."""
        data = {"id": contact, "says": says}
        raw = {"event": name, "data": data}
        event = Event(name, "event", data, Auth(token), installation, raw, delivery_id=delivery_id, side=side)
        return self.delivery.submit(event, contact)

    def accepted(self, contact: str, says: Any = None, **more: Any) -> str:
        """Submit an event that has to be stored. Its id."""
        result = self.submit(contact, says, **more)
        assert result.success, result
        assert result.queued, result
        assert result.event_id is not None
        return result.event_id

    @contextlib.contextmanager
    def working(self, threads: int = 4, grace: float = 10.0) -> Iterator[Callable[[], bool]]:
        """Have a worker at work while the block runs. Gives what stops it, and says whether all was finished."""
        stop = threading.Event()
        ready = threading.Event()
        said: list[bool] = []

        def work() -> None:
            said.append(self.delivery.run_worker(stop, threads=threads, grace=grace, ready=ready.set))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()

        def end() -> bool:
            stop.set()
            thread.join(PATIENCE + grace)
            assert not thread.is_alive(), "the worker does not end"
            return bool(said and said[0])

        try:
            assert ready.wait(PATIENCE), "the worker did not come up"
            yield end
        finally:
            end()

    def settle(self, threads: int = 4) -> None:
        """Have everything applied that waits."""
        with self.working(threads):
            self.wait_settled()

    def wait_settled(self) -> None:
        """Wait until nothing waits and nothing is in flight."""
        wait_until(self._is_settled, "everything to be settled")

    def _is_settled(self) -> bool:
        backlog = self.delivery.backlog()
        return backlog.waiting + backlog.in_flight == 0

    def says(self, contact: str) -> list[Any]:
        """What was applied of a contact, event by event."""
        with self._lock:
            return [each for one in self.applied if one.contact == contact for each in one.says]

    def record(self, id: str) -> EventRecord:
        """The record of an event that has to be there."""
        found = self.delivery.event(id)
        assert found is not None, f"there is no event {id}"
        return found

    def state(self, id: str) -> State:
        """Where an event is."""
        return self.record(id).state


def digest(data: bytes) -> bytes:
    """A digest as a delivery is given one."""
    return blake2b(data, digest_size=16).digest()


class Gate:
    """An answer that is given when the test lets it: whoever applies waits at it meanwhile."""

    def __init__(self, result: Result = OK) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self._result = result

    def __call__(self, run: Run) -> Result:
        del run
        self.reached.set()
        assert self.open.wait(PATIENCE), "nobody opened the gate"
        return self._result

    def wait(self) -> None:
        """Wait until somebody stands at it."""
        assert self.reached.wait(PATIENCE), "nobody came to the gate"


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that has to happen soon."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.01)
