"""Botmatic's REST API."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import requests

from contact_sync.errors import ConfigurationError
from contact_sync.observing import observers
from contact_sync.results import Result
from contact_sync.sessions import new_session

from . import replies
from .base import Platform
from .bots import BotResult, as_bot_result, bot_of, bots_of
from .checks import checked_base_url, json_body, quoted_id, token_problem
from .wire import Call, Limits, Reply, Wire

DEFAULT_BASE_URL: Final = "https://app.botmatic.ai"

PROPERTY_TYPES: Final = ("text", "number", "date")

_JSON: Final = {"Accept": "application/json", "Content-Type": "application/json"}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class BotmaticPlatform(Platform):
    """Botmatic over HTTP. One object serves all installations and threads.

    Every call ends within `time_limit` seconds. Temporary failures (no connection, 408, 425, 429, 5xx) are repeated
    where that cannot do harm: what reads, deletes, sets given values or declares properties. What creates contacts or
    sends campaign events is repeated only when it is certain that nothing was done (see `Wire.send`); otherwise the
    failure is retryable and says that the call may have taken effect.

    Args:
        base_url: Where the platform is; else the environment's `BOTMATIC_BASE_URL`, else `https://app.botmatic.ai`.
        session: A session to use instead of an own one, with its adapters, proxies and certificates. It stays open, and
            its cookies are not sent. The own one alone bounds the time that headers may drip in.
        timeout: Seconds to connect, and seconds without a byte.
        time_limit: Seconds for a whole call: all tries and waits.
        retries: How many repeats a call has at the most.
        backoff: Seconds; waits between repeats double from it, with jitter.
        longest_wait: Seconds of the longest wait before a repeat. If `Retry-After` asks for more, the call fails, and
            its result carries the time asked for.
        clear_value: What is sent for a `None` in a contact, to clear a property.
        pool_size: How many connections are kept; more threads than that open further ones for a moment.
        sleep: Waits between repeats.

    Raises:
        ConfigurationError: An argument or `BOTMATIC_BASE_URL` is wrong.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = (5.0, 20.0),
        time_limit: float = 30.0,
        retries: int = 3,
        backoff: float = 0.25,
        longest_wait: float = 10.0,
        clear_value: str | float | bool | None = None,
        pool_size: int = 32,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if min(timeout) <= 0 or time_limit <= 0:
            raise ConfigurationError("timeout and time_limit must be seconds, more than 0")
        if min(retries, backoff, longest_wait) < 0:
            raise ConfigurationError("retries, backoff and longest_wait must not be negative")
        if pool_size < 1:
            raise ConfigurationError("pool_size must be 1 or more")
        self.base_url = _base_url(base_url)
        self._clear_value = clear_value
        self._session = new_session(pool_size) if session is None else session
        self._owns_session = session is None
        limits = Limits(timeout[0], timeout[1], time_limit, longest_wait, retries, backoff)
        self._wire = Wire(self.base_url, self._session, limits, sleep)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    def close(self) -> None:
        """Close the session, unless it was given. May be called twice."""
        if self._owns_session:
            self._session.close()

    def validate_token(self, token: str) -> Result:
        """Ask whether a token is one of the platform's.

        Returns:
            Success only for a JSON answer with `success: true`. A plain failure for `success: false` or a client error.
            A *retryable* failure for everything else: no connection, 429, 5xx, a redirect, an answer that is not JSON,
            an HTML page of any status (it comes from something in between).
        """
        name = "validate token"
        if problem := token_problem(token):
            return Result.failed(f"{name}: {problem}")
        call = Call(name, "POST", "/api/integrationtokens/validate", (200,), {"token": token})
        began = observers.clock()
        reply = self._wire.send(call, _FORM, None)
        said = reply.with_(retryable=True) if isinstance(reply, Result) else replies.confirmation(call, reply)
        observers.called("platform", "validate_token", said, began)
        return said

    def create_contact(self, token: str, contact: Mapping[str, Any]) -> Result:
        """Create a contact. Success has its `id`."""
        call = Call("create contact", "POST", "/api/contacts", (201,), repeatable=False)
        reply = self._ask(token, call, {"contact": self._written(contact)})
        return reply if isinstance(reply, Result) else replies.created(call, reply)

    def create_contacts(self, token: str, contacts: Sequence[Mapping[str, Any]]) -> list[Result]:
        """Create contacts in one call. One result for each, in the order given; success has the `id`.

        A contact that cannot be sent fails by itself; the others are sent.
        """
        call = Call("create contacts", "POST", "/api/contacts", (201,), repeatable=False)
        rows = [self._written(contact) for contact in contacts]
        return self._ask_each(token, call, rows, lambda reply, sent: replies.created_each(call, reply, len(sent)))

    def update_contact(self, token: str, id: str, contact: Mapping[str, Any]) -> Result:
        """Update a contact; `NOT_FOUND` if there is none."""
        call = Call("update contact", "PATCH", "/api/contacts", (200,))
        reply = self._ask_by_id(token, call, id, {"contact_id": id, "contact": self._written(contact)})
        return reply if isinstance(reply, Result) else Result.ok(id)

    def update_contacts(self, token: str, contacts: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Result]:
        """Update contacts, given as (id, properties), in one call. One result for each, in the order given.

        The platform promises no answer beyond the status, which then speaks for all of them. A contact that cannot be
        sent fails by itself; the others are sent.
        """
        call = Call("update contacts", "PATCH", "/api/contacts", (200,))
        rows = [{"contact_id": id, "contact_props": self._written(contact)} for id, contact in contacts]
        ids = [id for id, _ in contacts]
        return self._ask_each(
            token, call, rows, lambda reply, sent: replies.updated_each(call, reply, [ids[index] for index in sent])
        )

    def delete_contact(self, token: str, id: str) -> Result:
        """Delete a contact; `NOT_FOUND` if there is none.

        If an earlier try of the same call may have deleted it, its absence is a success.
        """
        call = Call("delete contact", "DELETE", "/api/contacts", (204,))
        reply = self._ask_by_id(token, call, id, None)
        return reply if isinstance(reply, Result) else Result.ok(id)

    def create_properties(self, token: str, properties: Sequence[Mapping[str, str]]) -> Result:
        """Declare properties (`{"name": …, "type": …}`); those that exist are left as they are.

        `type` is `text` (also when it is left out), `number` or `date`. No call is made for none.
        """
        call = Call("create properties", "POST", "/api/properties", (201,))
        rows = [{"name": row.get("name"), "type": row.get("type", "text")} for row in properties]
        if not all(isinstance(row["name"], str) and row["name"] for row in rows):
            return Result.failed(f"{call.name}: a property has no name")
        if not all(row["type"] in PROPERTY_TYPES for row in rows):
            return Result.failed(f"{call.name}: a property's type must be one of {', '.join(PROPERTY_TYPES)}")
        reply = self._ask(token, call, {"properties": rows}) if rows else None
        return reply if isinstance(reply, Result) else Result.ok()

    def send_event_on_campaign(self, token: str, name: str, contact_ids: Sequence[str]) -> Result:
        """Send a campaign event to contacts. No call is made for none."""
        call = Call("send event on campaign", "POST", "/api/campaigns/execute-event", (200, 201), repeatable=False)
        reply = self._ask(token, call, {"event_name": name, "contacts": list(contact_ids)}) if contact_ids else None
        return reply if isinstance(reply, Result) else Result.ok()

    def list_bots(self, token: str) -> BotResult:
        """List the workspace's bots, 1000 at the most. Success has `bots`."""
        call = Call("list bots", "GET", "/api/bots?page_size=1000", (200,))
        reply = self._ask(token, call, None)
        return as_bot_result(reply) if isinstance(reply, Result) else bots_of(call, reply)

    def get_bot(self, token: str, id: str) -> BotResult:
        """Read a bot. Success has `bot`; `NOT_FOUND` if there is none."""
        call = Call("get bot", "GET", "/api/bots", (200,))
        reply = self._ask_by_id(token, call, id, None)
        return as_bot_result(reply) if isinstance(reply, Result) else bot_of(call, reply)

    def update_bot(self, token: str, id: str, bot: Mapping[str, Any], *, is_draft: bool = True) -> Result:
        """Write a bot, as a draft unless told otherwise; `NOT_FOUND` if there is none."""
        call = Call("update bot", "PATCH", "/api/bots", (200,))
        text = json_body(call.name, bot)
        if isinstance(text, Result):
            return text
        reply = self._ask_by_id(token, call, id, {"bot": text.decode(), "is_draft": is_draft})
        return reply if isinstance(reply, Result) else Result.ok(id)

    def _written(self, contact: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._clear_value if value is None else value for name, value in contact.items()}

    def _ask(self, token: str, call: Call, payload: Mapping[str, Any] | bytes | None) -> Reply | Result:
        """Make a call with a JSON payload: its successful answer, or a failed result."""
        if problem := token_problem(token):
            return Result.failed(f"{call.name}: {problem}")
        body = json_body(call.name, payload) if isinstance(payload, Mapping) else payload
        if isinstance(body, Result):
            return body
        began = observers.clock()
        reply = self._wire.send(replace(call, body=body), _JSON, token)
        if isinstance(reply, Reply):
            gone = call.method == "DELETE" and reply.status == 404 and reply.in_doubt
            reply = reply if gone else replies.failure_of(call, reply) or reply
        said = reply if isinstance(reply, Result) else Result.ok()
        observers.called("platform", call.name.replace(" ", "_"), said, began)
        return reply

    def _ask_by_id(self, token: str, call: Call, id: str, payload: Mapping[str, Any] | None) -> Reply | Result:
        quoted = quoted_id(id)
        if quoted is None:
            return Result.failed(f"{call.name}: this id cannot be part of a URL")
        return self._ask(token, replace(call, path=f"{call.path}/{quoted}", by_id=True), payload)

    def _ask_each(
        self,
        token: str,
        call: Call,
        rows: Sequence[Mapping[str, Any]],
        read: Callable[[Reply, list[int]], list[Result]],
    ) -> list[Result]:
        """Send the rows that JSON can carry in one call; `read` gets the answer and the numbers of the rows sent."""
        written = [json_body(call.name, row) for row in rows]
        texts = {number: text for number, text in enumerate(written) if isinstance(text, bytes)}
        results = {number: result for number, result in enumerate(written) if isinstance(result, Result)}
        if texts:
            reply = self._ask(token, call, b'{"contacts": [' + b", ".join(texts.values()) + b"]}")
            sent = list(texts)
            outcome = [reply] * len(sent) if isinstance(reply, Result) else read(reply, sent)
            results.update(zip(sent, outcome, strict=True))
        return [results[number] for number in range(len(rows))]


def _base_url(given: str | None) -> str:
    if given is not None:
        return checked_base_url(given, "base_url")
    set_outside = os.environ.get("BOTMATIC_BASE_URL", "")
    return checked_base_url(set_outside, "BOTMATIC_BASE_URL") if set_outside else DEFAULT_BASE_URL
