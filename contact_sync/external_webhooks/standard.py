"""Standard Webhooks 1.0 (standardwebhooks.com): symmetric and asymmetric signatures, and its recommended payload."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Final

from contact_sync.bodies import Unreadable
from contact_sync.errors import ConfigurationError

from .ed25519 import load_public_key
from .request import EVENT_NAMES, ExternalEvent, ExternalRequest
from .scheme import (
    TOLERANCE,
    Refusal,
    Scheme,
    Verified,
    checked_secrets,
    checked_tolerance,
    fingerprint_of,
    header,
    stale,
    whole_number,
)

SECRET_BYTES: Final = range(24, 65)
"""How many bytes a symmetric secret has, by the specification."""

MOST_SIGNATURES: Final = 20
"""How many signatures of one request are looked at."""

_SYMMETRIC: Final = "whsec_"
_PUBLIC: Final = "whpk_"

_Check = Callable[[bytes, bytes], bool]
"""Whether a signature (decoded) is that of a message."""


@dataclass(frozen=True, slots=True)
class StandardWebhooks(Scheme):
    """The scheme of Standard Webhooks 1.0.

    Args:
        secrets: One or several that are in use: `whsec_` and base64 for symmetric signatures (`v1`), `whpk_` and base64
            for the public key of asymmetric ones (`v1a`, Ed25519; needs the extra `crypto`). Without a prefix, it is
            symmetric.
        tolerance: By how many seconds `webhook-timestamp` may differ from our time, either way.

    Raises:
        ConfigurationError: There is no secret, or one is none.
    """

    name: ClassVar[str] = "Standard Webhooks"

    secrets: str | Sequence[str] = field(repr=False)
    tolerance: float = TOLERANCE
    delivery_id: str | None = field(default="header:webhook-id", init=False)
    _keys: tuple[tuple[bytes, _Check], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        checked_tolerance("StandardWebhooks", self.tolerance)
        secrets = checked_secrets("StandardWebhooks", self.secrets)
        keys = tuple(_key(number, secret) for number, secret in enumerate(secrets, 1))
        object.__setattr__(self, "_keys", keys)

    def verify(self, request: ExternalRequest, now: float) -> Verified | Refusal:
        id, time = header(request, "webhook-id"), header(request, "webhook-timestamp")
        signatures = header(request, "webhook-signature")
        if id is None or time is None or signatures is None:
            return Refusal("it lacks webhook-id, webhook-timestamp or webhook-signature")
        if b"." in id:  # what is signed could be cut up in another way
            return Refusal("its webhook-id has a full stop")
        seconds = whole_number(time)
        if seconds is None:
            return Refusal("its webhook-timestamp is no time")
        problem = stale(seconds, now, self.tolerance)
        if problem is not None:
            return problem
        message = b".".join((id, time, request.body or b""))
        found = False
        for version, signature in _signatures(signatures):
            for wanted, is_right in self._keys:
                if version == wanted:
                    found |= is_right(signature, message)
        return Verified(fingerprint_of(message)) if found else Refusal("no signature is right")


def read_standard(request: ExternalRequest) -> Iterator[ExternalEvent]:
    """Read `{"type": "contact.updated", "data": {"id": …}}`.

    Types are `contact.created`, `contact.updated`, `contact.deleted`, `contact.restored` and `contact.merged` (with
    `into` beside the `id`); others tell nothing. Of `data`, the ids alone are taken, and the record is read.
    """
    body = request.json()
    if not isinstance(body, Mapping):
        raise Unreadable("the body must be a JSON object")
    type = body.get("type")
    data = body.get("data")
    told = data if isinstance(data, Mapping) else body
    for kind in EVENT_NAMES:
        if type == f"contact.{kind}":
            yield ExternalEvent(kind, told.get("id", ""), into=told.get("into"), raw=body)


def _signatures(listed: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the signatures of a header with their versions."""
    for one in listed.split(b" ")[:MOST_SIGNATURES]:
        version, _, encoded = one.partition(b",")
        try:
            yield version, base64.b64decode(encoded, validate=True)
        except binascii.Error:
            continue


def _key(number: int, secret: str) -> tuple[bytes, _Check]:
    asymmetric = secret.startswith(_PUBLIC)
    encoded = secret.removeprefix(_PUBLIC if asymmetric else _SYMMETRIC)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(
            f"StandardWebhooks: secrets: number {number} is not base64 behind {_SYMMETRIC!r} or {_PUBLIC!r}"
        ) from None
    if asymmetric:
        return b"v1a", load_public_key(number, key)
    if len(key) not in SECRET_BYTES:
        raise ConfigurationError(
            f"StandardWebhooks: secrets: number {number} has not {SECRET_BYTES[0]} to {SECRET_BYTES[-1]} bytes"
        )
    return b"v1", partial(_is_hmac, key)


def _is_hmac(key: bytes, signature: bytes, message: bytes) -> bool:
    return hmac.compare_digest(hmac.digest(key, message, "sha256"), signature)
