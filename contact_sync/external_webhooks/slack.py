"""Slack: its signatures (version 0), and what its Events API tells of members."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from contact_sync.bodies import Unreadable

from .request import Challenge, ExternalEvent, ExternalKind, ExternalRequest
from .scheme import (
    TOLERANCE,
    Refusal,
    Scheme,
    Verified,
    checked_secrets,
    checked_tolerance,
    fingerprint_of,
    header,
    hmacs,
    is_any,
    stale,
    whole_number,
)

log = logging.getLogger(__name__)

RATE_LIMITED: Final = (
    "Slack holds back events of a workspace, since there were too many of them (app_rate_limited); what it does not "
    "tell is found by the next pull"
)


@dataclass(frozen=True, slots=True)
class SlackV0(Scheme):
    """Slack's signatures of version 0 (`X-Slack-Signature`).

    Args:
        secrets: The app's signing secret, or several that are in use.
        tolerance: By how many seconds `X-Slack-Request-Timestamp` may differ from our time, either way.

    Raises:
        ConfigurationError: There is no secret.
    """

    name: ClassVar[str] = "Slack v0"

    secrets: str | Sequence[str] = field(repr=False)
    tolerance: float = field(default=TOLERANCE, kw_only=True)
    delivery_id: str | None = field(default="field:event_id", init=False)
    _keys: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        checked_tolerance("SlackV0", self.tolerance)
        secrets = checked_secrets("SlackV0", self.secrets)
        object.__setattr__(self, "_keys", tuple(secret.encode() for secret in secrets))

    def verify(self, request: ExternalRequest, now: float) -> Verified | Refusal:
        given, time = header(request, "x-slack-signature"), header(request, "x-slack-request-timestamp")
        if given is None or time is None:
            return Refusal("it lacks X-Slack-Signature or X-Slack-Request-Timestamp")
        seconds = whole_number(time)
        if seconds is None:
            return Refusal("its X-Slack-Request-Timestamp is no time")
        problem = stale(seconds, now, self.tolerance)
        if problem is not None:
            return problem
        message = b"v0:" + time + b":" + (request.body or b"")
        right = [b"v0=" + digest.hex().encode() for digest in hmacs(self._keys, "sha256", message)]
        if not is_any([given], right):
            return Refusal("the signature is not right")
        return Verified(fingerprint_of(message))


def read_slack(request: ExternalRequest) -> Sequence[ExternalEvent] | Challenge:
    """Read what Slack tells of members: `team_join` and `user_change`; the account is the workspace's `team_id`.

    A member who is deactivated counts as deleted. The URL's verification is answered.
    """
    body = request.json()
    if not isinstance(body, Mapping):
        raise Unreadable("the body must be a JSON object")
    if body.get("type") == "url_verification":
        challenge = body.get("challenge")
        if not isinstance(challenge, str):
            raise Unreadable("the challenge must be a text")
        return Challenge(challenge)
    if body.get("type") == "app_rate_limited":
        log.warning(RATE_LIMITED)
        return []
    event = body.get("event")
    user = event.get("user") if isinstance(event, Mapping) else None
    if not isinstance(event, Mapping) or not isinstance(user, Mapping):
        return []
    team = body.get("team_id")
    account = team if isinstance(team, str) else None
    if event.get("type") == "team_join":
        return [ExternalEvent("created", user.get("id", ""), account=account, raw=event)]
    if event.get("type") == "user_change":
        kind: ExternalKind = "deleted" if user.get("deleted") is True else "updated"
        return [ExternalEvent(kind, user.get("id", ""), account=account, raw=event)]
    return []
