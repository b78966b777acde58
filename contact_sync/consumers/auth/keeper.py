"""Keeps one account's token: gets it once for all threads, and in turn with other processes."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Final, TypeGuard

from contact_sync.consumers.http import ApiError
from contact_sync.errors import Busy, ContactSyncError
from contact_sync.failures import parse_retry_after

from .asking import TokenRefused
from .shared import Place
from .token import Token

log = logging.getLogger(__name__)

Fetch = Callable[[str | None], Token]
"""Asks the server for a token. It is given the refresh token that the server gave last, if it gave one."""

PAUSE: Final = 60.0
"""How long, in seconds, a server that refused is not asked again: accounts get locked by that."""

REFUSED_AGAIN: Final = 30.0
"""For how long, in seconds, a token that was got because the one before was refused is not replaced for that reason."""

_NEXT_TRY: Final = 5.0


class TokenKeeper:
    """Keeps a token.

    Args:
        fetch: Asks the server for one.
        place: Where it is kept.
    """

    def __init__(self, fetch: Fetch, place: Place) -> None:
        self._fetch = fetch
        self._place = place
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._flight: Future[Token] | None = None
        self._unsaved: tuple[Token | None, Token] | None = None
        self._failed: tuple[float, Exception] | None = None
        self._replaced = -math.inf
        self._warned = False

    def token(self) -> Token:
        """The token, got or renewed if need be.

        Raises:
            TokenRefused: The server gives none for what is declared.
            Exception: Whatever else is in the way of getting one, mostly for a while.
        """
        token = self._token
        return self._flown(None) if token is None or token.is_due else token

    def replace(self, refused: str) -> bool:
        """Get another token in place of one that a server refused, unless that has been done meanwhile.

        Returns:
            Whether there is another one now. A server that refuses every token is not supplied with more and more.
        """
        with self._lock:
            again = self._token is not None and self._token.access == refused
            if again and time.monotonic() < self._replaced + REFUSED_AGAIN:
                return False
        return self._flown(refused).access != refused

    def _flown(self, refused: str | None) -> Token:
        """Get a token, or wait for the thread that is getting it and share what comes of that."""
        with self._lock:
            if _is_good(self._token, refused):
                return self._token
            flight, mine = self._flight, Future[Token]()
            if flight is None:
                self._flight = mine
        if flight is not None:
            return flight.result()
        try:
            token = self._fetched(refused)
        except BaseException as error:
            with self._lock:
                self._flight = None
            ours = isinstance(error, Exception)  # who ends this thread does not mean those that wait for it
            mine.set_exception(error if ours else Busy("getting a token was interrupted; try again later"))
            raise
        with self._lock:
            self._token = token
            self._flight = None
            if refused is not None:
                self._replaced = time.monotonic()
        mine.set_result(token)
        return token

    def _fetched(self, refused: str | None) -> Token:
        try:
            if self._failed is not None and time.monotonic() < self._failed[0]:
                raise self._failed[1].with_traceback(None)
            self._failed = None
            return self._obtained(refused)
        except Exception as error:
            pause = _pause_after(error)
            if pause and self._failed is None:
                self._failed = (time.monotonic() + pause, error)
            token = self._token
            if refused is not None or token is None or token.is_over:
                raise
            said = str(error) if isinstance(error, ContactSyncError) else type(error).__name__
            log.warning("A token could not be renewed early, and is used until it ends: %s", said)
            return replace(token, due=min(time.time() + _NEXT_TRY, token.ends or math.inf))

    def _obtained(self, refused: str | None) -> Token:
        """Take what another process has got, or ask the server while nobody else does."""
        found = self._place.read()
        if _is_good(found, refused):
            return found
        with self._place.turn():
            found = self._saved() or self._place.read()
            if _is_good(found, refused):
                return found
            try:
                token = self._fetch(found.refresh if found else None)
            except TokenRefused:
                # Whoever had the turn before may have lost it, too slow to be waited for, and used the token up.
                now = self._place.read()
                if now != found and _is_good(now, refused):
                    return now
                raise
            self._unsaved = (found, token)
            return self._saved() or token

    def _saved(self) -> Token | None:
        """Keep what was got. It is kept before it is used: the server may have made the one before useless.

        Returns:
            It, or what somebody else has kept meanwhile; none if there was nothing to keep. If it cannot be kept, it
            is tried again the next time, before anything else.
        """
        if self._unsaved is None:
            return None
        before, token = self._unsaved
        now = self._place.read()
        if now == before or not _is_good(now, token.access):
            self._place.write(token)
            self._warn_of_loss(before, token)
            now = token
        self._unsaved = None
        return now

    def _warn_of_loss(self, before: Token | None, token: Token) -> None:
        changed = token.refresh is not None and (before is None or before.refresh != token.refresh)
        if changed and not self._place.lasting and not self._warned:
            self._warned = True
            log.warning(
                "The server has given a new refresh token in place of the declared one. It is kept in this process "
                "alone, and lost with it; pass tokens=SharedTokens(key_store, secret_keys=[…]) to keep it"
            )


def _is_good(token: Token | None, refused: str | None) -> TypeGuard[Token]:
    return token is not None and token.access != refused and not token.is_due


def _pause_after(error: Exception) -> float:
    if isinstance(error, TokenRefused):
        return PAUSE
    if isinstance(error, ApiError):
        return min(parse_retry_after(error.headers.get("Retry-After")) or 0.0, PAUSE)
    return 0.0
