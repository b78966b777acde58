"""Schemes that sign nothing: the CRM shows a password or a token, and whoever sees the request has it too.

Only for HTTPS. A copy of a request cannot be told from one that is sent again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from contact_sync.errors import ConfigurationError
from contact_sync.webhook import bearer_token

from .request import ExternalRequest
from .scheme import LONGEST_HEADER, Refusal, Scheme, Verified, checked_secrets, header, is_any


@dataclass(frozen=True, slots=True)
class BasicCredentials(Scheme):
    """A name and a password in `Authorization: Basic …`, as Pipedrive sends them.

    Args:
        username: The name.
        passwords: The password, or several that are in use.

    Raises:
        ConfigurationError: There is no password, or the name cannot be one.
    """

    name: ClassVar[str] = "basic authentication"

    username: str
    passwords: str | Sequence[str] = field(repr=False)
    _right: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.username, str) or not self.username or ":" in self.username:
            raise ConfigurationError("BasicCredentials: username: expected text that is not empty and has no colon")
        passwords = checked_secrets("BasicCredentials", self.passwords, name="passwords")
        right = tuple(f"{self.username}:{password}".encode() for password in passwords)
        object.__setattr__(self, "_right", right)

    def verify(self, request: ExternalRequest, now: float) -> Verified | Refusal:
        del now
        given = header(request, "authorization")
        if given is None or given[:6].lower() != b"basic ":
            return Refusal("it has no Authorization of the kind Basic")
        try:
            shown = base64.b64decode(given[6:].strip(), validate=True)
        except binascii.Error:
            return Refusal("its Authorization is no base64")
        return Verified() if is_any([shown], self._right) else Refusal("its name or password is not right")


@dataclass(frozen=True, slots=True)
class BearerTokens(Scheme):
    """A token in `Authorization: Bearer …`.

    Args:
        tokens: The token, or several that are in use.

    Raises:
        ConfigurationError: There is no token.
    """

    name: ClassVar[str] = "bearer token"

    tokens: str | Sequence[str] = field(repr=False)
    _right: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tokens = checked_secrets("BearerTokens", self.tokens, name="tokens")
        object.__setattr__(self, "_right", tuple(token.encode() for token in tokens))

    def verify(self, request: ExternalRequest, now: float) -> Verified | Refusal:
        del now
        shown = bearer_token(request.headers)
        if shown is None or len(shown) > LONGEST_HEADER:
            return Refusal("it has no Authorization of the kind Bearer")
        right = is_any([shown.encode("utf-8", "surrogatepass")], self._right)
        return Verified() if right else Refusal("its token is not right")
