"""What a verification scheme is, and what all of them need: secrets, times, and comparisons that take equally long.

Schemes do no I/O: a request and the time go in, a verdict comes out. What is verified are raw bytes.
"""

from __future__ import annotations

import hmac
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import ClassVar, Final

from contact_sync.errors import ConfigurationError

from .request import ExternalRequest

TOLERANCE: Final = 300.0
"""By how many seconds the time that a request names may differ from ours, either way."""

SHORTEST_SECRET: Final = 16
"""How many characters a secret has at the least."""

LONGEST_HEADER: Final = 8_192

_DIGITS: Final = re.compile(rb"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Verified:
    """A request is from who has the secret.

    Attributes:
        fingerprint: What this very request has and no other one, made of what is signed, so that a copy of it is known.
            `None` where the scheme signs no time: what is told again and what is copied, however late, look alike then,
            so what a request tells of records is not taken from it, but read.
    """

    fingerprint: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request is refused.

    Attributes:
        reason: Why, for the log: it names no value of the request.
    """

    reason: str


class Scheme(ABC):
    """How a CRM shows that a request is from it. Subclass it for one that is not among the ready-made ones."""

    name: ClassVar[str]
    """What it is called in the log."""

    tolerance: float = TOLERANCE
    """By how many seconds the time that a request names may differ from ours, either way."""

    delivery_id: str | None = None
    """Where the CRM puts an id of each delivery, which stays the same when it is sent again: `header:NAME` or
    `field:NAME`."""

    @abstractmethod
    def verify(self, request: ExternalRequest, now: float) -> Verified | Refusal:
        """Say whether a request is from the CRM, and of now.

        Args:
            request: The request, with its raw bytes.
            now: The time (seconds since the epoch).
        """


def checked_secrets(scheme: str, given: object, *, name: str = "secrets") -> tuple[str, ...]:
    """Take one secret or several.

    Raises:
        ConfigurationError: There is none, or one is too short to be one. The message repeats none.
    """
    secrets = [given] if isinstance(given, str) else given
    if not isinstance(secrets, Sequence) or isinstance(secrets, bytes):
        raise ConfigurationError(f"{scheme}: {name}: expected a text or a list of texts, got {type(given).__name__}")
    if not secrets or secrets == [""]:
        raise ConfigurationError(
            f"{scheme}: {name}: there is none, so nobody could be told from the CRM. Is the variable set that it is "
            "read from?"
        )
    for number, secret in enumerate(secrets, 1):
        if not isinstance(secret, str) or len(secret) < SHORTEST_SECRET or secret != secret.strip():
            raise ConfigurationError(
                f"{scheme}: {name}: number {number} is no text of at least {SHORTEST_SECRET} characters without "
                "white space around it"
            )
    return tuple(secrets)


def checked_tolerance(scheme: str, seconds: object) -> None:
    """Refuse what is no usable tolerance.

    Raises:
        ConfigurationError: It is not.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 86_400:
        raise ConfigurationError(f"{scheme}: tolerance: expected seconds, more than 0 and a day at the most")


def header(request: ExternalRequest, name: str) -> bytes | None:
    """Read a header as the bytes that came; `None` if it is missing, empty or unusable."""
    value = request.headers.get(name.lower(), "")
    if not 0 < len(value) <= LONGEST_HEADER:
        return None
    try:
        return value.encode("latin-1")  # as WSGI has decoded it
    except UnicodeEncodeError:
        return None


def whole_number(value: bytes) -> int | None:
    """Read ASCII digits; `None` if there is anything else."""
    return int(value) if _DIGITS.fullmatch(value) else None


def stale(said: float, now: float, tolerance: float) -> Refusal | None:
    """Refuse a time that is too long ago, or too far ahead."""
    if said < now - tolerance:
        return Refusal("its time is too long ago")
    if said > now + tolerance:
        return Refusal("its time is ahead of ours")
    return None


def is_any(given: Iterable[bytes], right: Iterable[bytes]) -> bool:
    """Whether any of what was given is right. It takes as long, whichever it is."""
    expected = list(right)
    found = False
    for one in given:
        for other in expected:
            found |= hmac.compare_digest(one, other)
    return found


def hmacs(secrets: Iterable[bytes], algorithm: str, message: bytes) -> list[bytes]:
    """Sign a message with each secret."""
    return [hmac.digest(secret, message, algorithm) for secret in secrets]


def fingerprint_of(message: bytes) -> bytes:
    """What stands for a signed message that holds its time."""
    return blake2b(message, digest_size=16, person=b"cs-webhook").digest()
