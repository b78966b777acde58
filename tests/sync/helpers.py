"""A sync on doubles: a platform and a CRM in memory, and requests as the platform sends them."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from contact_sync import NOT_FOUND, ContactSync, Platform, Result
from contact_sync.installations import token_installation_id
from contact_sync.testing import MemoryConsumer
from key_stores import KeyStore, MemoryKeyStore
from mappers import Mapper
from mappers import Mapping as Row

TOKEN = "tok-1"
INSTALLATION = token_installation_id(TOKEN)

ROWS = [
    Row("id", "ref", id=True),
    Row("email", "email_address", match=True),
    Row("firstname", "first_name"),
    Row("phone", "phone_number"),
]


class MemoryPlatform(Platform):
    """A chatbot platform in memory. `faults` holds results to give instead, by method; the first one is used up."""

    def __init__(self, tokens: Sequence[str] = (TOKEN,)) -> None:
        self.tokens = set(tokens)
        self.contacts: dict[str, dict[str, Any]] = {}
        self.properties: list[dict[str, str]] = []
        self.calls: list[str] = []
        self.events: list[tuple[str, tuple[str, ...]]] = []
        self.faults: dict[str, list[Result]] = {}
        self._ids = itertools.count(501)
        self._lock = threading.Lock()

    def fail(self, method: str, result: Result, times: int = 1) -> None:
        self.faults.setdefault(method, []).extend([result] * times)

    def _called(self, method: str) -> Result | None:
        with self._lock:
            self.calls.append(method)
            waiting = self.faults.get(method)
            return waiting.pop(0) if waiting else None

    def validate_token(self, token: str) -> Result:
        failure = self._called("validate_token")
        return failure or (Result.ok() if token in self.tokens else Result.failed("the token was refused"))

    def create_contact(self, token: str, contact: Mapping[str, Any]) -> Result:
        failure = self._called("create_contact")
        return failure or self._create(contact)

    def _create(self, contact: Mapping[str, Any]) -> Result:
        id = str(next(self._ids))
        self.contacts[id] = dict(contact)
        return Result.ok(id)

    def create_contacts(self, token: str, contacts: Sequence[Mapping[str, Any]]) -> list[Result]:
        failure = self._called("create_contacts")
        return [failure] * len(contacts) if failure else [self._create(contact) for contact in contacts]

    def update_contact(self, token: str, id: str, contact: Mapping[str, Any]) -> Result:
        failure = self._called("update_contact")
        return failure or self._update(id, contact)

    def _update(self, id: str, contact: Mapping[str, Any]) -> Result:
        if id not in self.contacts:
            return Result.failed(NOT_FOUND)
        self.contacts[id].update(contact)
        return Result.ok(id)

    def update_contacts(self, token: str, contacts: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Result]:
        failure = self._called("update_contacts")
        return [failure] * len(contacts) if failure else [self._update(*contact) for contact in contacts]

    def delete_contact(self, token: str, id: str) -> Result:
        failure = self._called("delete_contact")
        if failure:
            return failure
        return Result.ok(id) if self.contacts.pop(id, None) is not None else Result.failed(NOT_FOUND)

    def create_properties(self, token: str, properties: Sequence[Mapping[str, str]]) -> Result:
        failure = self._called("create_properties")
        if failure:
            return failure
        self.properties += [dict(entry) for entry in properties]
        return Result.ok()

    def send_event_on_campaign(self, token: str, name: str, contact_ids: Sequence[str]) -> Result:
        failure = self._called("send_event_on_campaign")
        self.events.append((name, tuple(contact_ids)))
        return failure or Result.ok()


@dataclass
class World:
    """A sync with everything around it in reach."""

    sync: ContactSync
    platform: MemoryPlatform
    crm: MemoryConsumer
    store: KeyStore
    client: FlaskClient

    def post(self, body: object, token: str | None = TOKEN, **kwargs: Any) -> TestResponse:
        """Send a request to the webhook, as the platform does."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        arguments: dict[str, Any] = {"content_type": "application/json", "data": data} | kwargs
        return self.client.post("/", headers=headers | arguments.pop("headers", {}), **arguments)

    def event(self, name: str, data: object = None, token: str | None = TOKEN) -> dict[str, Any]:
        """Send an event that is answered with 200, and give the answer's body."""
        response = self.post({"event": name, "data": data}, token)
        assert response.status_code == 200, response.get_json()
        answer: dict[str, Any] = response.get_json()
        return answer

    def pair(self, botmatic_id: str, external_id: str, installation: str = INSTALLATION) -> None:
        self.store.save_ids(installation, botmatic_id, external_id)

    def external_id(self, botmatic_id: str, installation: str = INSTALLATION) -> str | None:
        return self.store.get_external_id(installation, botmatic_id)


def make_world(
    *,
    crm: MemoryConsumer | None = None,
    platform: MemoryPlatform | None = None,
    store: KeyStore | None = None,
    mapper: Any = None,
    **options: Any,
) -> World:
    """Make a sync on doubles. Unless told otherwise, `auth` lets every token of the platform in."""
    platform = platform or MemoryPlatform()
    crm = crm or MemoryConsumer(id_field="ref", email_field="email_address")
    store = store or MemoryKeyStore()
    options.setdefault("auth", lambda token: token in platform.tokens)
    consumer = options.pop("consumer", crm)
    sync = ContactSync(consumer, mapper or Mapper(ROWS), store, platform=platform, **options)
    app = Flask("tests")
    app.register_blueprint(sync.blueprint)
    return World(sync, platform, crm, store, app.test_client())


def crm_with(*records: dict[str, Any], **options: Any) -> MemoryConsumer:
    """A CRM with the field names of `ROWS` and some records."""
    return MemoryConsumer(records, id_field="ref", email_field="email_address", **options)


class Searchless(MemoryConsumer):
    """A CRM that finds nobody by e-mail, but notices a duplicate."""

    def get_contact_by_email(self, email: str) -> Result:
        return Result.failed(NOT_FOUND)
