"""An authorization whose token runs out: got when it is first needed, and renewed."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import requests
from requests.auth import AuthBase

from contact_sync.consumers.http import Timeouts
from contact_sync.errors import ConfigurationError

from . import checks
from .fixed import AUTHORIZATION
from .keeper import TokenKeeper
from .shared import OwnPlace, SharedTokens
from .token import Token

BEARER: Final = "Bearer"


class RenewingAuth(AuthBase):
    """Puts a token into each request, and sees to it that there is one.

    It is got when it is first needed, and renewed shortly before it ends, and after an answer 401. The threads of a
    process wait for one of them to get it; with `SharedTokens`, so do processes. Safe for many threads.

    Args:
        header: Where the token goes.
        prefix: What stands before it there, whatever type of token the server says it is; may be empty.
        timeouts: How long getting a token may take.

    Raises:
        ConfigurationError: One of these is not what it has to be.
    """

    def __init__(self, *, header: str = AUTHORIZATION, prefix: str = BEARER, timeouts: Timeouts | None = None) -> None:
        self._header = checks.header_name("header", header)
        prefix = checks.scheme("prefix", prefix)
        self._start = f"{prefix} " if prefix else ""
        self._timeouts = timeouts or Timeouts()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token into a request, getting it before if need be.

        Raises:
            TokenRefused: The server gives none for what is declared.
            ApiError: It is in trouble, or has too much to do.
            requests.RequestException: It did not answer.
            ContactSyncError: Its answer cannot be used, or somebody else was at it for too long.
            KeyStoreError: The store in which tokens are shared is not there.
        """
        request.headers[self._header] = self._start + self._keeper.token().access
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """Get another token after an answer 401, unless that has been done since the request was made.

        A server that refuses each new token as well gets no more than one every 30 s.

        Returns:
            Whether there is another token now, so that the request may be repeated.

        Raises:
            Exception: As for a request.
        """
        return self._keeper.replace(str(refused.headers.get(self._header, "")).removeprefix(self._start))

    def _keep(self, tokens: SharedTokens | None, account: list[str], guessable: str = "") -> None:
        """Find out where the token is kept.

        Args:
            tokens: What is shared with other processes.
            account: What tells this account from others.
            guessable: What does too, and is a secret that could be guessed.
        """
        if tokens is not None and not isinstance(tokens, SharedTokens):
            raise ConfigurationError(
                f"tokens: expected SharedTokens, got {type(tokens).__name__}; write SharedTokens(key_store, keys)"
            )
        place = OwnPlace() if tokens is None else tokens.place(account, guessable, self._timeouts.total)
        self._keeper = TokenKeeper(self._fetch, place)

    @abstractmethod
    def _fetch(self, refresh: str | None) -> Token:
        """Ask for a token.

        Args:
            refresh: The refresh token that the server gave last, if it gave one.
        """
