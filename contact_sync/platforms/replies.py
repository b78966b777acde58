"""What the platform answered, read as results. Nothing of an answer's text is repeated: it may hold contact values."""

from __future__ import annotations

import json
from typing import Any, Final

from contact_sync.results import NOT_FOUND, Result

from .base import NOTHING_DONE
from .wire import Call, Reply

_NOT_ABOUT_THE_TOKEN: Final = frozenset({407, 421})


def failure_of(call: Call, reply: Reply) -> Result | None:
    """The failed result that an answer stands for; none if it is a success."""
    status = reply.status
    if status in call.expect:
        answer = json_of(reply)
        if isinstance(answer, dict) and answer.get("success") is False:
            return Result.failed(f"{call.name}: the platform refused it (HTTP {status}, success is false)")
        return None
    if status == 404 and call.by_id:
        return Result.failed(NOT_FOUND)
    said = f"{call.name}: the platform answered HTTP {status}"
    if reply.temporary:
        doubtful = not (call.repeatable or status < 500 or reply.turned_away)
        said += "; it may have taken effect" if doubtful else ""
        return Result.failed(said, retryable=True, retry_after=reply.retry_after, in_doubt=doubtful)
    if status in (401, 403):
        return Result.failed(f"{call.name}: the platform refused the token (HTTP {status})")
    if 300 <= status < 400:
        return Result.failed(f"{said}, a redirect; redirects are not followed, is the base URL right?")
    if status == 404:
        return Result.failed(f"{said}; is the base URL right?")
    reason = NOTHING_DONE if 400 <= status < 500 else None
    return Result.failed(f"{said}, expected {' or '.join(map(str, call.expect))}", reason=reason)


def confirmation(call: Call, reply: Reply) -> Result:
    """Read the answer to the question whether a token is valid.

    Only JSON with `success: true` confirms. A client error or `success: false` refuses. All else, and every HTML page,
    comes from something in between (a proxy, a gateway, a log-in page): the question was not answered.
    """
    answer = json_of(reply)
    verdict = answer.get("success") if isinstance(answer, dict) else None
    done = 200 <= reply.status < 300
    if done and verdict is True:
        return Result.ok()
    refused = 400 <= reply.status < 500 and not reply.temporary and reply.status not in _NOT_ABOUT_THE_TOKEN
    if (done and verdict is False) or (refused and not _is_html(reply)):
        return Result.failed(f"{call.name}: the platform does not know this token (HTTP {reply.status})")
    return Result.failed(
        f"{call.name}: the platform neither confirmed nor refused it (HTTP {reply.status})",
        retryable=True,
        retry_after=reply.retry_after,
    )


def created(call: Call, reply: Reply) -> Result:
    """Read the answer to one create."""
    answer = json_of(reply)
    if not isinstance(answer, dict):
        return Result.failed(f"{call.name}: {_where(reply)} is not a JSON object")
    id = _id(answer.get("id"))
    if id is None:
        return Result.failed(f"{call.name}: {_where(reply)} has no id")
    return Result.ok(id)


def created_each(call: Call, reply: Reply, count: int) -> list[Result]:
    """Read the answer to a batch of creates: one result for each."""
    entries = _entries(json_of(reply))
    if entries is None:
        return [Result.failed(f"{call.name}: {_where(reply)} has no list of contacts")] * count
    if len(entries) != count:
        return [Result.failed(f"{call.name}: {_where(reply)} has {len(entries)} results for {count} contacts")] * count
    return [_entry(call, entry) for entry in entries]


def updated_each(call: Call, reply: Reply, ids: list[str]) -> list[Result]:
    """Read the answer to a batch of updates, whose body is not promised: the status speaks for all of them.

    If there are results of a create's shape, each speaks for its own contact. Results that cannot be attributed fail
    the whole batch if one of them is a failure.
    """
    entries = _entries(json_of(reply))
    if entries is None:
        return [Result.ok(id) for id in ids]
    verdicts = [entry.get("success") if isinstance(entry, dict) else None for entry in entries]
    if len(entries) == len(ids) and all(isinstance(verdict, bool) for verdict in verdicts):
        return [
            Result.ok(id) if verdict else _refused(call, entry, id)
            for id, verdict, entry in zip(ids, verdicts, entries, strict=True)
        ]
    if False in verdicts:
        error = f"{call.name}: {_where(reply)} has failures that belong to no contact"
        return [Result.failed(error, id=id) for id in ids]
    return [Result.ok(id) for id in ids]


def json_of(reply: Reply) -> Any:
    """The JSON of an answer; none if it is something else."""
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None


def _entries(answer: object) -> list[Any] | None:
    entries = answer.get("contacts") if isinstance(answer, dict) else None
    return entries if isinstance(entries, list) else None


def _entry(call: Call, entry: object) -> Result:
    if not isinstance(entry, dict) or not isinstance(entry.get("success"), bool):
        return Result.failed(f"{call.name}: this contact's result is not an object with a boolean 'success'")
    id = _id(entry.get("id"))
    if not entry["success"]:
        return _refused(call, entry, id)
    return Result.failed(f"{call.name}: this contact's result has no id") if id is None else Result.ok(id)


def _refused(call: Call, entry: dict[str, Any], id: str | None) -> Result:
    if entry.get("error") == NOT_FOUND:
        return Result.failed(NOT_FOUND, id=id)
    return Result.failed(f"{call.name}: the platform refused this contact", id=id)


def _id(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def _where(reply: Reply) -> str:
    return f"the answer (HTTP {reply.status})"


def _is_html(reply: Reply) -> bool:
    return "html" in reply.content_type.lower() or reply.body.lstrip()[:1] == b"<"
