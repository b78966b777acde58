"""Signatures of the common kind: an HMAC of the body in a header, perhaps with a time and an id."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal, get_args

from contact_sync.errors import ConfigurationError

from .request import ExternalRequest
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

Algorithm = Literal["sha256", "sha512", "sha384", "sha1"]
Encoding = Literal["hex", "base64"]

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLACE: Final = re.compile(r"\{(body|timestamp|id)\}")
_MILLISECONDS: Final = 10**11
"""A time of so much cannot be seconds: that would be in the year 5138."""


@dataclass(frozen=True, slots=True)
class HmacHeader(Scheme):
    """An HMAC in a header: `X-Hub-Signature-256: sha256=…` and the like.

    Args:
        secrets: The secret, or several that are in use.
        header: The header of the signature.
        prefix: What stands before the signature in it.
        algorithm: The hash.
        encoding: How the signature is written.
        signed: What is signed, with `{body}`, `{timestamp}` and `{id}` in it.
        timestamp_header: The header of the time, in seconds or milliseconds since the epoch. It has to be signed.
        id_header: The header of the delivery's id. By it, what is sent again is known. Where no time is signed, that
            takes the same body, too.
        tolerance: By how many seconds the time may differ from ours, either way.

    Raises:
        ConfigurationError: There is no secret, or one of the others is wrong.
    """

    name: ClassVar[str] = "HMAC header"

    secrets: str | Sequence[str] = field(repr=False)
    header: str = field(kw_only=True)
    prefix: str = field(default="", kw_only=True)
    algorithm: Algorithm = field(default="sha256", kw_only=True)
    encoding: Encoding = field(default="hex", kw_only=True)
    signed: str = field(default="{body}", kw_only=True)
    timestamp_header: str | None = field(default=None, kw_only=True)
    id_header: str | None = field(default=None, kw_only=True)
    tolerance: float = field(default=TOLERANCE, kw_only=True)
    delivery_id: str | None = field(init=False)
    _keys: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        checked_tolerance("HmacHeader", self.tolerance)
        secrets = checked_secrets("HmacHeader", self.secrets)
        object.__setattr__(self, "_keys", tuple(secret.encode() for secret in secrets))
        object.__setattr__(self, "delivery_id", None if self.id_header is None else f"header:{self.id_header}")
        for name in ("header", "timestamp_header", "id_header"):
            value = getattr(self, name)
            if not (isinstance(value, str) and _NAME.fullmatch(value)) and (name == "header" or value is not None):
                raise ConfigurationError(f"HmacHeader: {name}: expected the name of a header")
        if self.algorithm not in get_args(Algorithm) or self.algorithm not in hashlib.algorithms_available:
            raise ConfigurationError(f"HmacHeader: algorithm: expected one of {', '.join(get_args(Algorithm))}")
        if self.encoding not in get_args(Encoding):
            raise ConfigurationError(f"HmacHeader: encoding: expected one of {', '.join(get_args(Encoding))}")
        if not isinstance(self.prefix, str) or not isinstance(self.signed, str):
            raise ConfigurationError("HmacHeader: prefix and signed: expected text")
        places = set(_PLACE.findall(self.signed))
        if "body" not in places:
            raise ConfigurationError("HmacHeader: signed: it has no {body}, so that could be anything")
        if ("timestamp" in places) != (self.timestamp_header is not None):
            raise ConfigurationError(
                "HmacHeader: timestamp_header and the {timestamp} in signed go together: a time that is not signed "
                "proves nothing"
            )
        if "id" in places and self.id_header is None:
            raise ConfigurationError("HmacHeader: id_header: missing; signed has an {id}")

    def verify(self, request: ExternalRequest, now: float) -> Verified | Refusal:
        given = header(request, self.header)
        if given is None:
            return Refusal("it lacks the header of the signature")
        time = header(request, self.timestamp_header) if self.timestamp_header else b""
        id = header(request, self.id_header) if self.id_header else b""
        if time is None or (id is None and "{id}" in self.signed):
            return Refusal("it lacks the header of the time, or of the id")
        if self.timestamp_header:
            said = whole_number(time)
            if said is None:
                return Refusal("its time is none")
            problem = stale(said / 1000 if said >= _MILLISECONDS else said, now, self.tolerance)
            if problem is not None:
                return problem
        message = self._message({"body": request.body or b"", "timestamp": time, "id": id or b""})
        prefix = self.prefix.encode()
        if not is_any([given.lower() if self.encoding == "hex" else given], self._right(prefix, message)):
            return Refusal("the signature is not right")
        return Verified(fingerprint_of(message) if self.timestamp_header else None)

    def _message(self, values: dict[str, bytes]) -> bytes:
        parts = _PLACE.split(self.signed)  # text, a place, text, …
        return b"".join(values[part] if number % 2 else part.encode() for number, part in enumerate(parts))

    def _right(self, prefix: bytes, message: bytes) -> list[bytes]:
        digests = hmacs(self._keys, self.algorithm, message)
        if self.encoding == "hex":
            return [prefix.lower() + digest.hex().encode() for digest in digests]
        return [prefix + base64.b64encode(digest) for digest in digests]
