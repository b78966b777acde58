"""A storm of events on two real worker processes leaves the CRM as if they had come one by one."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from contact_sync.installations import token_installation_id
from key_stores import PairListing, open_key_store
from tests.cli.helpers import Project, serving
from tests.servers import Valkey
from tests.sync.http_crm import EXTERNAL, PROGRAM, TOKEN, VALUES, HTTPCrm, Line, lines_to_both

pytestmark = pytest.mark.no_cover  # covered by other tests; measuring it would take twice the time

CONTACTS: Final = 100
EVENTS: Final = 20
"""How many events each contact has."""

LINES: Final = 32
"""How many connections each of the two workers has."""

TRIES: Final = 200


@dataclass(frozen=True)
class Told:
    """An event of a contact: what is sent, what the contact is afterwards, and whether that is something new."""

    name: str
    data: dict[str, Any]
    contact: dict[str, Any]
    is_news: bool


def events_of(number: int, chance: random.Random) -> list[Told]:
    """A contact's life: it is created, edited and cleared. Few values, so that they come back; some edits are none."""
    addresses = (f"p{number}@example.org", f"p{number}@example.net", None)
    values = VALUES | {"email": addresses if number % 3 else (None,)}
    contact = {"id": number, "code": f"c{number}"} | {name: chance.choice(all) for name, all in values.items()}
    events = [Told("contact_created", contact, contact, is_news=True)]
    for _ in range(EVENTS - 1):
        edited = chance.sample(sorted(values), chance.randint(1, 3))
        edit = {name: chance.choice(values[name]) for name in edited}
        after = contact | edit
        told = after if chance.random() < 0.7 else {"id": number} | edit
        events.append(Told("contact_updated", told, after, is_news=shown(after) != shown(contact)))
        contact = after
    return events


def shown(contact: dict[str, Any]) -> dict[str, Any]:
    """What the CRM has to show of a contact."""
    return filled({EXTERNAL[name]: value for name, value in contact.items() if name != "id"})


def filled(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that are not empty; a cleared one is as good as one that never was."""
    return {name: value for name, value in fields.items() if value not in (None, "")}


def settled(line: Line, told: Told) -> str:
    """Wait for an answer; what failed for now is sent again, as a platform does. What was done."""
    for _ in range(TRIES):
        status, result = line.answer()
        if status != 503:
            assert (status, result["success"]) == (200, True), result
            return str(result["action"])
        time.sleep(0.05)
        line.send(told.name, told.data)
    raise AssertionError("an event was answered with 503 for too long")


def play(crm: HTTPCrm, lines: tuple[Line, Line], stories: list[list[Told]]) -> None:
    """Tell the stories of some contacts by turns, each event on both lines at once."""
    for events in zip(*stories, strict=True):
        for told in events:
            code = told.contact["code"]
            before = crm.writes[code]
            for line in lines:
                line.send(told.name, told.data)
            done = sorted(settled(line, told) for line in lines)
            assert crm.writes[code] - before == told.is_news, (done, told.data)
            news = told.name.removeprefix("contact_") if told.is_news else "unchanged"
            assert done == sorted([news, "unchanged"])


@pytest.fixture
def crm() -> Iterator[HTTPCrm]:
    with HTTPCrm() as crm:
        yield crm


@pytest.mark.parametrize("writes", ["changed fields", "all fields"])
def test_a_storm_of_events_each_told_twice_at_once_ends_as_if_they_had_come_one_by_one(
    crm: HTTPCrm, valkey: Valkey, tmp_path: Path, writes: str
) -> None:
    """2,000 events of 100 contacts from 64 connections, on two workers of the default server.

    A contact's events come one after another on one connection. Each is sent a second time at the same moment to the
    other worker, and the next event of that contact waits for both answers: on this wire, where events have no ids, a
    copy that comes later than the next event cannot be told from an edit back. The CRM refuses some updates for now.
    """
    crm.refuse_every = 40
    project = Project(tmp_path)
    project.write("program.py", PROGRAM)
    stories = [events_of(number, random.Random(number)) for number in range(1, CONTACTS + 1)]
    with ExitStack() as stack:
        arguments = (project, "program:sync", "--workers", "2")
        service = stack.enter_context(serving(*arguments, CRM_URL=crm.url, STORE=valkey.url, WRITES=writes))
        lines = lines_to_both(service.address, LINES)
        for pair in lines:
            for line in pair:
                stack.enter_context(closing(line))
        with ThreadPoolExecutor(LINES) as pool:
            playing = [pool.submit(play, crm, pair, stories[n::LINES]) for n, pair in enumerate(lines)]
            for each in playing:
                each.result()
    records = {ref: filled(record) for ref, record in crm.records.items()}
    refs = {record["customer_code"]: ref for ref, record in records.items()}
    assert len(records) == CONTACTS
    for told in (events[-1] for events in stories):
        ref = refs[told.contact["code"]]
        assert records[ref] == shown(told.contact) | {"ref": ref}
    assert sum(crm.writes.values()) == sum(told.is_news for events in stories for told in events)
    assert len(crm.writers) == 2
    assert crm.refused > 0
    with closing(open_key_store(valkey.url)) as store:
        assert isinstance(store, PairListing)
        pairs = list(store.iter_pairs(token_installation_id(TOKEN)))
    assert sorted(pairs) == sorted((code.removeprefix("c"), ref) for code, ref in refs.items())
