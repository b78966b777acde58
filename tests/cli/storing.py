"""A user's program with a durable delivery, events sent to it, and what the commands say of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import pytest

from contact_sync.cli.target import load_sync
from contact_sync.delivery import State
from tests.cli.crm import CRM, DURABLE
from tests.cli.helpers import PATIENCE, Project, Result, wait_until


@dataclass
class Storing:
    """A program that stores events, and a CRM to which workers apply them.

    Attributes:
        project: The folder with the program.
        crm: The CRM.
    """

    project: Project
    crm: CRM

    def send(self, id: str, name: str = "contact_created", token: str = "hush-hush", **contact: Any) -> str:
        """Send an event of a contact, as the platform does. The id under which it is stored."""
        client = load_sync("program:sync").app.test_client()
        body = {"event": name, "data": {"id": id} | contact}
        answer = client.post("/", json=body, headers={"Authorization": f"Bearer {token}"})
        result = answer.get_json()["data"]
        assert result["queued"] is True
        stored: str = result["event_id"]
        return stored

    def run(self, *arguments: str, input: str | None = None) -> Result:
        """Run `contact-sync events program:sync …`."""
        return self.project.run("events", "program:sync", *arguments, input=input)

    def listed(self, *options: str) -> list[dict[str, Any]]:
        """What is listed."""
        events: list[dict[str, Any]] = self.run("--json", *options).json["events"]
        return events

    def state(self, id: str) -> str:
        """The state of an event."""
        state: str = self.run("show", id, "--json").json["state"]
        return state


def storing(
    project: Project, crm: CRM, monkeypatch: pytest.MonkeyPatch, delivery: str = "sqlite:///inbox.db"
) -> Storing:
    """Write the program. Commands in processes of their own have the same environment."""
    for name, value in {"CRM_URL": crm.url, "STORE": "sqlite:///pairs.db", "DELIVERY": delivery}.items():
        monkeypatch.setenv(name, value)
    project.write("program.py", DURABLE)
    return Storing(project, crm)


def apply_all() -> None:
    """Let a worker in this process apply what waits for the program, until nothing does."""
    sync = load_sync("program:sync")
    stop = threading.Event()
    thread = threading.Thread(target=sync.run_worker, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: not sync.delivery.events(states=[State.WAITING, State.IN_FLIGHT], limit=1))
    finally:
        stop.set()
        thread.join(PATIENCE)
