"""From a token to an installation, and back: for requests, and for methods that the user calls."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .auth import ANONYMOUS, FunctionAuth
from .events import Auth
from .failures import FAULTS, translate
from .installations import Installations, token_installation_id
from .results import Result

log = logging.getLogger(__name__)

InstallationFunction = Callable[[Auth], object]
"""A user's `installation_id`: from who speaks to the id of their client, text or a whole number."""


class Identities:
    """Names installations.

    Args:
        installations: Who is installed.
        function_auth: The user's `auth`, if there is one.
        identify: The user's `installation_id`, if there is one.
    """

    def __init__(
        self, installations: Installations, function_auth: FunctionAuth | None, identify: InstallationFunction | None
    ) -> None:
        self._installations = installations
        self._function_auth = function_auth
        self._identify = identify

    def installation_of(self, auth: Auth) -> str | None:
        """Name the installation of who speaks; `None` if the user's function cannot name it, which refuses."""
        if self._identify is None:
            return ANONYMOUS if auth.token == ANONYMOUS else token_installation_id(auth.token)
        try:
            client = self._identify(auth)
        except FAULTS as error:
            translate(error, "the installation_id function")
            return None
        if isinstance(client, bool) or not isinstance(client, str | int) or client == "":
            log.warning("installation_id returned %s; expected text or a whole number", type(client).__name__)
            return None
        return f"client:{client}"

    def speaker(self, installation: str) -> Auth | None:
        """Who speaks for an installation by now; `None` if nobody can, or that cannot be found out."""
        who = self.of_method(None, installation)
        return None if isinstance(who, Result) else who[1]

    def of_method(self, token: str | None, installation: str | None) -> tuple[str, Auth] | Result:
        """Find out for whom a method is called: by a token, or by the id of an installation.

        Returns:
            The installation's id and who speaks; a failed result if that cannot be found out.
        """
        if (token is None) == (installation is None):
            return Result.failed("say for whom: pass a token or installation=…, one of the two")
        if installation is not None:
            if not isinstance(installation, str) or not installation:
                return Result.failed("the installation must be an id: text that is not empty")
            try:
                token = self._installations.token_of(installation)
            except FAULTS as error:
                return translate(error, "the installations")
        if not isinstance(token, str) or not token:
            return Result.failed(
                "no token of this installation can be read: it is not installed, or the sync has no secret_keys"
                if installation is not None
                else "the token must be text that is not empty"
            )
        auth = Auth(token) if self._function_auth is None else self._function_auth(token)
        if not isinstance(auth, Auth):
            return Result.failed("the auth function refuses this token")
        id = installation or self.installation_of(auth)
        return Result.failed("this token belongs to no installation") if id is None else (id, auth)
