"""Who may speak: from the token of a request to an `Auth`, or a refusal. Every way here fails closed."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from .events import Auth
from .failures import translate
from .installations import Installations
from .platforms import Platform
from .results import Result, to_result

log = logging.getLogger(__name__)

AuthFunction = Callable[[str], Any]
"""A user's `auth`: from a token to an `Auth`, a dict `{"token", "client"}`, a client object, or `True`.

`False`, `None`, a failed `Result` or an exception refuse.
"""

ANONYMOUS: Final = "anonymous"
LONGEST_TOKEN: Final = 4096

CONFIRMED_SECONDS: Final = 600.0
REFUSED_SECONDS: Final = 30.0
INSTALLED_SECONDS: Final = 1.0
UNREACHABLE_SECONDS: Final = 1.0
SAID_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 10_000
MOST_QUESTIONS: Final = 4
QUESTION_WAIT: Final = 10.0
RETRY_SECONDS: Final = 5.0


UNKNOWN: Final = (
    "A request was refused: its token is not installed here. Install the integration on the platform; once more, if "
    "the key store has forgotten it (memory:// does at every restart)"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a token was not let in.

    Attributes:
        status: 401 if it may not come in; 503 if nobody could be asked (then `retry_after` seconds are set).
        error: For the answer's body; names no token.
    """

    status: int
    error: str
    retry_after: float | None = None


NOT_AUTHORIZED: Final = Refused(401, "not authorized")
NOT_NOW: Final = Refused(503, "the token cannot be checked now; try again later", RETRY_SECONDS)


def allow_any_token(token: str) -> bool:
    """Let everybody in, also without a token: pass it as `auth`, for a test server behind a closed door only."""
    del token
    return True


class PlatformAuth:
    """Asks the platform. For INSTALL, UNINSTALL and the settings pages; answers are not remembered.

    Few questions are under way at once, so that strangers cannot make this service flood the platform.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._questions = threading.BoundedSemaphore(MOST_QUESTIONS)

    def __call__(self, token: str | None) -> Auth | Refused:
        """Let a token in that the platform confirms right now."""
        if not _usable(token):
            return NOT_AUTHORIZED
        if not self._questions.acquire(timeout=QUESTION_WAIT):
            return NOT_NOW
        try:
            answer = to_result(self._platform.validate_token(token), "validate_token")
        except Exception as error:  # noqa: BLE001 - a user's platform may raise anything; that lets nobody in
            answer = translate(error, "validating a token").with_(retryable=True)
        finally:
            self._questions.release()
        if answer.success:
            return Auth(token)
        if not answer.retryable:
            return NOT_AUTHORIZED
        return Refused(503, NOT_NOW.error, RETRY_SECONDS if answer.retry_after is None else answer.retry_after)


class FunctionAuth:
    """Asks the user's function."""

    def __init__(self, function: AuthFunction) -> None:
        self._function = function
        self._anybody = function is allow_any_token

    def __call__(self, token: str | None) -> Auth | Refused:
        """Let a token in as the function says. The token of the request always wins over the one returned."""
        if self._anybody and not token:
            return Auth(ANONYMOUS)
        if not _usable(token):
            return NOT_AUTHORIZED
        try:
            said = self._function(token)
        except Exception as error:  # noqa: BLE001 - a user's function may raise anything; that refuses
            translate(error, "the auth function")
            return NOT_AUTHORIZED
        if isinstance(said, Awaitable):
            if isinstance(said, Coroutine):
                said.close()  # else Python warns later, and elsewhere, that it was never awaited
            log.error("auth is an 'async def', so nobody is let in; it is called from threads: write 'def'")
            return NOT_AUTHORIZED
        if said is None or said is False or (isinstance(said, Result) and not said.success):
            return NOT_AUTHORIZED
        return Auth(token, client_in(said))


def client_in(said: object) -> Any:
    """The client object in what a user's `auth` returned for a token that it lets in."""
    if said is True:
        return None
    if isinstance(said, Auth):
        return said.client
    if isinstance(said, Mapping) and "token" in said and set(said) <= {"token", "client"}:
        return said.get("client")
    return said


class InstalledAuth:
    """The default: lets a token in that was installed here and that the platform confirms.

    The platform is asked again every 10 minutes for each token, once even if many requests wait for the answer.
    Refusals are remembered for half a minute; that the platform could not be asked, for a second: who waited hears it
    too, and does not wait again.
    """

    def __init__(
        self, ask: PlatformAuth, installations: Installations, installation_of: Callable[[Auth], str | None]
    ) -> None:
        self._ask = ask
        self._installations = installations
        self._installation_of = installation_of
        self._confirmed = _Recent(CONFIRMED_SECONDS)
        self._refused = _Recent(REFUSED_SECONDS)
        self._unreachable = _Recent(UNREACHABLE_SECONDS)
        self._installed = _Recent(INSTALLED_SECONDS)
        self._said = _Recent(SAID_SECONDS)
        self._asking: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def __call__(self, token: str | None) -> Auth | Refused:
        """Let in a token that is installed and confirmed."""
        if not _usable(token):
            return NOT_AUTHORIZED
        try:
            installed = self._is_installed(token)
        except Exception as error:  # noqa: BLE001 - a user's store may raise anything; that lets nobody in
            translate(error, "the installations")
            return NOT_NOW
        if not installed:
            self._say_unknown()
            return NOT_AUTHORIZED
        return self._confirm(token)

    def _say_unknown(self) -> None:
        """Say in the log, once in a while, that a token was refused which is not installed here."""
        if UNKNOWN not in self._said:
            self._said.add(UNKNOWN)
            log.warning(UNKNOWN)

    def forget(self, token: str) -> None:
        """Ask again about a token: it has just been installed or uninstalled."""
        for recent in (self._confirmed, self._refused, self._unreachable, self._installed):
            recent.drop(token)

    def _is_installed(self, token: str) -> bool:
        if token in self._installed:
            return True
        id = self._installation_of(Auth(token))
        known = None if id is None else self._installations.find(id)
        if known is None or not known.has(token):
            return False
        self._installed.add(token)
        return True

    def _confirm(self, token: str) -> Auth | Refused:
        known = self._known(token)
        if known is not None:
            return known
        asking = self._one_at_a_time(token)
        if not asking.acquire(timeout=QUESTION_WAIT):
            return NOT_NOW
        try:
            known = self._known(token)  # whoever was waited for has heard the answer
            return self._asked(token) if known is None else known
        finally:
            asking.release()

    def _known(self, token: str) -> Auth | Refused | None:
        if token in self._confirmed:
            return Auth(token)
        if token in self._refused:
            return NOT_AUTHORIZED
        return NOT_NOW if token in self._unreachable else None

    def _asked(self, token: str) -> Auth | Refused:
        answer = self._ask(token)
        if isinstance(answer, Auth):
            self._confirmed.add(token)
        elif answer.status == NOT_AUTHORIZED.status:
            self._refused.add(token)
        else:
            self._unreachable.add(token)
        return answer

    def _one_at_a_time(self, token: str) -> threading.Lock:
        with self._lock:
            if len(self._asking) >= MOST_REMEMBERED:
                self._asking.clear()  # at worst, a question is asked twice
            return self._asking.setdefault(token, threading.Lock())


class _Recent:
    """Tokens that something was found out about not long ago; bounded."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, token: str) -> bool:
        with self._lock:
            return self._until.get(token, 0.0) > time.monotonic()

    def add(self, token: str) -> None:
        with self._lock:
            self._until.pop(token, None)
            self._until[token] = time.monotonic() + self._seconds
            while len(self._until) > MOST_REMEMBERED:
                self._until.popitem(last=False)

    def drop(self, token: str) -> None:
        with self._lock:
            self._until.pop(token, None)


def _usable(token: str | None) -> TypeGuard[str]:
    return token is not None and 0 < len(token) <= LONGEST_TOKEN and token.isprintable()


class WithClient:
    """Asks the platform, and then the user's function for the client object that goes with the token; for INSTALL.

    The function's refusal counts for nothing here: it cannot know a token that is only now being installed.
    """

    def __init__(self, ask: PlatformAuth, function: FunctionAuth | None) -> None:
        self._ask = ask
        self._function = function

    def __call__(self, token: str | None) -> Auth | Refused:
        """Let a token in that the platform confirms right now."""
        auth = self._ask(token)
        if isinstance(auth, Refused) or self._function is None:
            return auth
        known = self._function(token)
        return known if isinstance(known, Auth) else auth


class StoredAuth:
    """Finds out again who speaks, for an event that was stored and is applied later, perhaps elsewhere.

    Its token was let in when it came. By now it may have been replaced: then the installation's newest one speaks.
    """

    def __init__(self, function: FunctionAuth | None, installations: Installations) -> None:
        self._function = function
        self._installations = installations

    def __call__(self, installation: str, token: str) -> Auth | None:
        """Give who speaks; `None` if nobody of the installation's is let in, or can be asked about now."""
        if self._function is None:
            return Auth(token)
        auth = self._function(token)
        if isinstance(auth, Refused):
            newest = self._installations.token_of(installation)
            auth = auth if newest in (None, token) else self._function(newest)
        return auth if isinstance(auth, Auth) else None


class SettingsAuth:
    """Asks the platform, and then the user's function, if there is one: for the settings pages.

    Without a function, where there may be one installation only, it keeps all others out. Before it is made, the
    settings may be opened.
    """

    def __init__(
        self,
        ask: PlatformAuth,
        function: FunctionAuth | None,
        installations: Installations,
        installation_of: Callable[[Auth], str | None],
    ) -> None:
        self._ask = ask
        self._function = function
        self._installations = installations
        self._installation_of = installation_of

    def __call__(self, token: str | None) -> Auth | Refused:
        """Let a token in that the platform confirms right now, and that nobody else refuses."""
        auth = self._ask(token)
        if isinstance(auth, Refused):
            return auth
        if self._function is not None:
            return self._function(token)
        try:
            return auth if self._is_admitted(auth) else NOT_AUTHORIZED
        except Exception as error:  # noqa: BLE001 - a user's store may raise anything; that lets nobody in
            translate(error, "the installations")
            return NOT_NOW

    def _is_admitted(self, auth: Auth) -> bool:
        if not self._installations.only_one:
            return True
        id = self._installation_of(auth)
        return id is not None and self._installations.admits(id)
