"""The platform: it tells each event twice at once, on connections to both web processes, until both say success."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from tests.chaos.processes import Processes
from tests.chaos.program import TOKEN
from tests.chaos.stories import Story, Told

PATIENCE: Final = 60.0
"""How long an answer is waited for: longer than anything hangs. A copy that was given up might be stored later, after
the next event, and on a wire without ids that would be an edit back."""

GIVE_UP: Final = 150.0
"""How long an event is sent again and again."""

PAUSES: Final = (0.05, 0.3)
LONGEST_ROW: Final = 4
"""How many events of a contact come in a row at the most, so that some wait together."""


@dataclass
class Sent:
    """What came of sending.

    Attributes:
        ids: Under which ids each event was accepted, by contact and place in its story.
        answers: How many answers there were, by status; `refused` and `broken` are connections.
        waits: How long each event took until it was accepted, of its first copy to be so.
        problems: What must not happen.
    """

    ids: dict[tuple[int, int], set[str]] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def accepted(self) -> int:
        """How many events both copies of which were answered with success."""
        return len(self.ids)


class Pace:
    """Lets so many events go a second, of all threads."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for one's turn. What could not be sent for a while is not caught up with."""
        with self._lock:
            now = time.monotonic()
            turn = self._next = max(self._next + self._gap, now)
        time.sleep(max(0.0, turn - now))


class Line:
    """A connection to a web process, which is made again whenever it is broken."""

    def __init__(self, port: int, count: Callable[[str], object]) -> None:
        self._port = port
        self._count = count
        self._connection: HTTPConnection | None = None

    def send(self, told: Told, delivery: str) -> bool:
        """Send an event, and do not wait for the answer. Whether it was sent."""
        body = json.dumps({"event": told.name, "data": told.data})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}", "X-Delivery-Id": delivery}
        try:
            if self._connection is None:
                self._connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
            self._connection.request("POST", "/", body, headers)
        except (OSError, HTTPException) as error:
            self._broken(error)
            return False
        return True

    def answer(self) -> dict[str, Any] | None:
        """Wait for the answer: what is in it, if it is not that the event is to come again."""
        assert self._connection is not None
        try:
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException) as error:
            self._broken(error)
            return None
        self._count(str(answer.status))
        if answer.status == 503:
            return None
        said: dict[str, Any] = json.loads(body)
        return {"status": answer.status, **said.get("data", {})}

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _broken(self, error: Exception) -> None:
        self._count("refused" if isinstance(error, ConnectionRefusedError) else "broken")
        self.close()


class Sender:
    """Tells the stories of some contacts, on one line to each of the two web processes.

    Of half of the contacts the events come on the one line and their copies on the other; of the rest the other way.
    """

    def __init__(self, processes: Processes, stories: Sequence[Story], sent: Sent, pace: Pace, seed: str) -> None:
        self._lines = [Line(port, self._count) for port in processes.ports]
        self._given_up = processes.given_up
        self._stories = stories
        self._sent = sent
        self._pace = pace
        self._chance = random.Random(seed)

    def play(self) -> None:
        """Tell all of it; a contact's next event when both copies of the one before are accepted."""
        open = [(story, iter(enumerate(story.events))) for story in self._stories]
        try:
            while open:
                story, rest = one = self._chance.choice(open)
                for _ in range(self._chance.randint(1, LONGEST_ROW)):
                    place, told = next(rest, (-1, None))
                    if told is None:
                        open.remove(one)
                        break
                    self._pace.wait()
                    if not self._tell(story, place, told):
                        return
        finally:
            for line in self._lines:
                line.close()

    def _tell(self, story: Story, place: int, told: Told) -> bool:
        began = time.monotonic()
        left = self._lines if story.number % 2 else self._lines[::-1]
        ids: set[str] = set()
        first: float | None = None
        while left:
            under_way = [line for line in left if line.send(told, f"{story.number}/{place}")]
            for line in under_way:
                said = line.answer()
                if said is None:
                    continue
                if not (said["status"] == 200 and said.get("success") and isinstance(said.get("event_id"), str)):
                    self._problem(f"event {place} of contact {story.number} was answered with {said}")
                    return False
                ids.add(said["event_id"])
                first = first or time.monotonic() - began
                left = [one for one in left if one is not line]
            if left:
                took = time.monotonic() - began
                if took > GIVE_UP or self._given_up.is_set():
                    self._problem(f"event {place} of contact {story.number} was not accepted in {took:.0f} s")
                    return False
                time.sleep(self._chance.uniform(*PAUSES))
        with self._sent.lock:
            self._sent.ids[story.number, place] = ids
            self._sent.waits.append(first or 0.0)
        return True

    def _count(self, what: str) -> None:
        with self._sent.lock:
            self._sent.answers[what] += 1

    def _problem(self, text: str) -> None:
        with self._sent.lock:
            self._sent.problems.append(text)
