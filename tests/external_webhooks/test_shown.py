"""What people and programs are shown of the CRM's events: in commands, metrics and log lines."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from contact_sync import ContactSync, Result
from contact_sync.cli.target import load_sync
from contact_sync.metrics.counters import Counters
from contact_sync.metrics.prometheus import PrometheusMetrics
from contact_sync.observing import observers
from tests.cli.conftest import project  # noqa: F401 - a fixture
from tests.cli.helpers import Project
from tests.delivery.test_through_the_webhook import settle
from tests.external_webhooks.helpers import crm_world
from tests.observing.helpers import Read

PROGRAM = """
from contact_sync import ContactSync
from contact_sync.delivery.inbox import Inbox
from contact_sync.external_webhooks import ExternalWebhooks
from contact_sync.testing import MemoryConsumer
from key_stores import open_key_store
from mappers import Mapping
from tests.sync.helpers import MemoryPlatform

fields = [Mapping("id", "ref", id=True), Mapping("email", "mail", match=True)]
crm = MemoryConsumer([{"ref": "7", "mail": "ana@example.org"}], id_field="ref", email_field="mail")
sync = ContactSync(
    crm, fields, open_key_store("sqlite:///pairs.db"), platform=MemoryPlatform(), delivery=Inbox("sqlite:///inbox.db"),
    auth=lambda token: token == "tok-1", external_webhooks=ExternalWebhooks(allow_unsigned=True),
    unmatched={"to_botmatic": "hold"}, secret_keys=["a key of at least thirty-two characters"],
)
"""


@pytest.fixture
def sync(project: Project) -> Iterator[ContactSync]:  # noqa: F811 - the fixture
    """A program that has stored an event of the platform and one of the CRM, both of an id `7`."""
    project.write("program.py", PROGRAM)
    made = load_sync("program:sync")
    client, headers = made.app.test_client(), {"Authorization": "Bearer tok-1"}
    for body in ({"event": "install"}, {"event": "contact_created", "data": {"id": "7"}}):
        assert client.post("/", json=body, headers=headers).get_json()["success"]
    assert client.post("/external", json={"type": "contact.updated", "data": {"id": "7"}}).status_code == 200
    yield made
    made.close()


def listed_by(project: Project, *options: str) -> list[dict[str, str]]:  # noqa: F811
    events: list[dict[str, str]] = project.run("events", "program:sync", "--json", *options).json["events"]
    return events


def test_events_are_listed_with_their_side(project: Project, sync: ContactSync) -> None:  # noqa: F811
    listed = listed_by(project, "--contact", "7")
    assert [(event["side"], event["name"], event["contact"]) for event in listed] == [
        ("botmatic", "contact_created", "7"),
        ("ext", "contact_updated", "7"),
    ]
    out = project.run("events", "program:sync").out
    assert "created " in out
    assert "updated in CRM" in out
    shown = project.run("events", "program:sync", "show", listed[1]["id"]).out
    assert "the CRM" in shown
    assert "contact_updated" in shown
    dropped = project.run("events", "program:sync", "drop", listed[1]["id"], input="n\n")
    assert "contact_updated of record 7 of" in dropped.out
    assert len(listed_by(project)) == 2


def test_a_record_is_forgotten_with_its_own_events_alone(project: Project, sync: ContactSync) -> None:  # noqa: F811
    result = project.run("forget", "program:sync", "7", "--side", "ext", "--yes")
    assert result.code == 0, result.err
    assert "with 1 event of it" in result.out
    assert [event["side"] for event in listed_by(project)] == ["botmatic"]


def test_a_held_records_event_is_tried_again_when_it_is_settled(project: Project, sync: ContactSync) -> None:  # noqa: F811
    settle(sync)
    assert {(event.side, event.action) for event in sync.delivery.events()} == {
        ("botmatic", "created"),
        ("ext", "held"),
    }
    result = project.run("resolve", "program:sync", "7", "--create", "--side", "ext")
    assert result.code == 0, result.err
    assert "1 event of it that waited for this is tried again" in result.out


def test_the_crms_events_are_counted_and_logged_under_names_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    counters = Counters()
    observers.add(counters)
    try:
        crm = crm_world()
        crm.tell("created")
        crm.world.crm.update_contact({"ref": "e1", "first_name": "Bea"})
        crm.world.platform.fail("update_contact", Result.failed("no"))
        crm.tell("updated")
        crm.world.event("contact_created", {"id": 7})
    finally:
        observers.remove(counters)
    said = Read(PrometheusMetrics(None, counters=counters)()[0])
    for event, outcome in (("ext:contact_created", "created"), ("ext:contact_updated", "failed")):
        assert said("contact_sync_events_settled_total", event=event, outcome=outcome) == 1
    assert said("contact_sync_events_accepted_total", event="contact_created") == 1
    lines = [(vars(record)["event"], record.getMessage()) for record in caplog.records if hasattr(record, "event")]
    assert ("ext:contact_created", "event applied") in lines
    assert ("ext:contact_updated", "event failed") in lines
