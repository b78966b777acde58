"""One run: everything is started, told, broken, waited for, and looked at."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from contact_sync import ContactSync
from contact_sync.delivery import EventRecord
from contact_sync.errors import DeliveryUnavailable
from tests.chaos.checks import failed_checks, records_of
from tests.chaos.crm import CRM
from tests.chaos.faults import Faults, Seconds
from tests.chaos.histories import histories
from tests.chaos.places import Place, place_for
from tests.chaos.processes import Processes
from tests.chaos.program import make
from tests.chaos.senders import Pace, Sender, Sent
from tests.chaos.stories import Story, stories

HISTORIES: Final = "histories.txt"
"""Where the histories of some contacts are written, in the run's folder."""

DRAIN_SECONDS: Final = 120.0
"""How long it is waited until everything is applied that was accepted."""


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        delivery: `sqlite`, `postgresql` or `dramatiq`.
        connections: How many the platform has, half of them to each web process.
        kills: How often a process is killed.
        rate: How many events a second at the most.
        failing: Which part of the CRM's calls fails.
        ids: Whether deliveries carry an id.
        seconds: How long each outage lasts.
    """

    delivery: str
    events: int = 5000
    contacts: int = 500
    connections: int = 64
    kills: int = 20
    rate: float = 50.0
    failing: float = 0.2
    ids: bool = False
    seed: int = 1
    seconds: Seconds = field(default_factory=Seconds)


@dataclass
class Outcome:
    """What a run has shown.

    Attributes:
        records: What is known of every event that was accepted, by its id.
        sending: How many seconds the sending took.
        draining: How many more until everything was applied.
        failures: What was not as it has to be.
    """

    plan: Plan
    how: dict[str, str]
    crm: CRM
    sent: Sent
    processes: Processes
    faults: Faults
    records: dict[str, EventRecord] = field(default_factory=dict)
    sending: float = 0.0
    draining: float = 0.0
    failures: list[str] = field(default_factory=list)


def run(plan: Plan, folder: Path, say: Callable[[str], object]) -> Outcome:
    """Do a run in an empty folder."""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(place_for(plan.delivery, folder))
        crm = stack.enter_context(CRM(plan.failing, plan.seed))
        environment = {
            **place.environment(),
            "CRM_URL": crm.url,
            "BOTMATIC_BASE_URL": crm.url,
            "IDS": "yes" if plan.ids else "no",
        }
        processes = stack.enter_context(Processes(environment, folder, plan.seed))
        say("two web and two worker processes are up")
        sync = stack.enter_context(_sync(environment))
        outcome = _play(plan, place, crm, processes, say)
        _drain(sync, outcome, say)
        processes.stop()
        outcome.records = records_of(sync, outcome.sent)
        outcome.failures += failed_checks(sync, crm, _stories(plan), outcome.sent, outcome.records)
        outcome.failures += [*processes.deaths, *outcome.faults.problems]
        (folder / HISTORIES).write_text(histories(_stories(plan), crm, outcome.sent, outcome.records), "utf-8")
        return outcome


def _play(plan: Plan, place: Place, crm: CRM, processes: Processes, say: Callable[[str], object]) -> Outcome:
    sent, pace = Sent(), Pace(plan.rate)
    faults = Faults(
        processes,
        place,
        crm,
        seed=plan.seed,
        kills=plan.kills,
        seconds=plan.seconds,
        progress=lambda: sent.accepted / plan.events,
        refusals=lambda: sent.answers["503"],
        say=lambda what: say(f"{sent.accepted:5} accepted   {what}"),
    )
    senders = plan.connections // 2
    all = _stories(plan)
    threads = [
        threading.Thread(target=Sender(processes, all[n::senders], sent, pace, f"{plan.seed}:{n}").play, daemon=True)
        for n in range(senders)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    faults.start()
    for thread in threads:
        thread.join()
    sending = time.monotonic() - began
    (faults.cancel if sent.problems else faults.finish)()
    say(f"{sent.accepted:5} accepted   all is sent, after {sending:.0f} s")
    return Outcome(plan, place.how, crm, sent, processes, faults, sending=sending)


def _drain(sync: ContactSync, outcome: Outcome, say: Callable[[str], object]) -> None:
    began, left = time.monotonic(), -1
    while time.monotonic() - began < DRAIN_SECONDS and left and not outcome.processes.given_up.is_set():
        with contextlib.suppress(DeliveryUnavailable):
            backlog = sync.delivery.backlog()
            left = backlog.waiting + backlog.in_flight
        time.sleep(0.1)
    outcome.draining = time.monotonic() - began
    if left:
        outcome.failures.append(f"{left} events wait still, {outcome.draining:.0f} s after the last one was sent")
    else:
        say(f"{outcome.sent.accepted:5} accepted   all is applied, after {outcome.draining:.0f} s more")


def _stories(plan: Plan) -> list[Story]:
    return stories(plan.contacts, plan.events, plan.seed)


@contextlib.contextmanager
def _sync(environment: dict[str, str]) -> Iterator[ContactSync]:
    """The program's sync in this process, to ask it what came of events."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ |= environment
    try:
        with contextlib.closing(make()) as sync:
            yield sync
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
