"""OAuth 2 between servers (RFC 6749): client credentials (4.4), and a refresh token that somebody was given (6)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Final, Literal, get_args
from urllib.parse import quote_plus

from contact_sync.consumers.http import Timeouts

from . import checks
from .asking import Remedies, ask
from .fixed import BasicAuth
from .renewing import BEARER, RenewingAuth
from .shared import SharedTokens
from .token import Token, oauth_token

ClientIn = Literal["header", "body"]
"""Where a client says who it is: in the header (RFC 6749 wants all servers to take that), or in the form."""

_CLIENT: Final = (
    "client_id or client_secret is not accepted; check both, and client_in: some servers want them in the body"
)
_REMEDIES: Final[Remedies] = {
    "invalid_client": _CLIENT,
    "unauthorized_client": "this client may not get tokens this way; allow it to in the settings of the client there",
    "unsupported_grant_type": "the server does not give tokens this way; declare another type of auth",
    "invalid_scope": "check scope",
    401: _CLIENT,
    404: "there is nothing at token_url; check it",
    "": "check token_url, client_id, client_secret and scope",
}
_REFRESH_REMEDIES: Final[Remedies] = {
    **_REMEDIES,
    "invalid_grant": "the refresh token is used up, has run out, or was revoked; let the person agree anew, and give "
    "the new one as refresh_token",
}


class _OAuth2(RenewingAuth):
    _grant: str
    _remedies = _REMEDIES

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str,
        client_in: ClientIn,
        parameters: Mapping[str, str] | None,
        prefix: str,
        timeouts: Timeouts | None,
    ) -> None:
        super().__init__(prefix=prefix, timeouts=timeouts)
        self._url = checks.url("token_url", token_url)
        name = checks.text("client_id", client_id)
        secret = checks.text("client_secret", client_secret, empty=True)
        self._form = checks.form("parameters", parameters or {})
        if checks.text("scope", scope, empty=True):
            self._form["scope"] = scope
        self._account = [self._grant, token_url, name, json.dumps(self._form, sort_keys=True)]
        self._client: BasicAuth | None = None
        if checks.choice("client_in", client_in, get_args(ClientIn)) == "header" and secret:
            self._client = BasicAuth(quote_plus(name), quote_plus(secret))  # as 2.3.1 wants it
        else:
            self._form |= {"client_id": name} | ({"client_secret": secret} if secret else {})

    def _asked(self, refresh: str | None = None, **fields: str) -> Token:
        began = time.time()
        form = {"grant_type": self._grant, **self._form, **fields}
        answer = ask(self._url, self._remedies, timeouts=self._timeouts, auth=self._client, form=form)
        return oauth_token(answer, began, refresh, fields.get("refresh_token"))


class OAuth2ClientCredentials(_OAuth2):
    """OAuth 2 for a program that speaks for itself.

    Args:
        token_url: The server's page that gives tokens.
        client_id: Who the program is there.
        client_secret: Its secret.
        scope: What is asked for, with spaces between; empty for what the server gives by itself.
        client_in: Where the two go: `"header"`, or `"body"` for servers that want them in the form.
        parameters: Further fields of the form, such as `audience`.
        prefix: What stands before the token in the header.
        tokens: Lets processes share the token.
        timeouts: How long getting a token may take.

    Raises:
        ConfigurationError: One of these is missing or wrong.
    """

    _grant = "client_credentials"

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str = "",
        client_in: ClientIn = "header",
        parameters: Mapping[str, str] | None = None,
        prefix: str = BEARER,
        tokens: SharedTokens | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(
            token_url,
            client_id,
            checks.text("client_secret", client_secret),
            scope=scope,
            client_in=client_in,
            parameters=parameters,
            prefix=prefix,
            timeouts=timeouts,
        )
        self._keep(tokens, self._account)

    def _fetch(self, refresh: str | None) -> Token:  # noqa: ARG002 - there is none for this (RFC 6749, 4.4.3)
        return self._asked()


class OAuth2RefreshToken(_OAuth2):
    """OAuth 2 for a program that a person has let in: their refresh token gets new access tokens.

    Where the server gives a new refresh token each time, that is kept before the access token is used. Pass `tokens`
    then: with it, no two processes use the same one, and a restart goes on with the last one.

    Args:
        token_url: The server's page that gives tokens.
        client_id: Who the program is there.
        client_secret: Its secret; empty for one that has none.
        refresh_token: What the server gave when the person agreed. Another one here is another account.
        scope: What is asked for, if less than was granted.
        client_in: Where client id and secret go: `"header"`, or `"body"` for servers that want them in the form.
        parameters: Further fields of the form.
        prefix: What stands before the token in the header.
        tokens: Lets processes share the tokens, and keeps them.
        timeouts: How long getting a token may take.

    Raises:
        ConfigurationError: One of these is missing or wrong.
    """

    _grant = "refresh_token"
    _remedies = _REFRESH_REMEDIES

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        *,
        scope: str = "",
        client_in: ClientIn = "header",
        parameters: Mapping[str, str] | None = None,
        prefix: str = BEARER,
        tokens: SharedTokens | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(
            token_url,
            client_id,
            client_secret,
            scope=scope,
            client_in=client_in,
            parameters=parameters,
            prefix=prefix,
            timeouts=timeouts,
        )
        self._refresh_token = checks.text("refresh_token", refresh_token)
        self._keep(tokens, [*self._account, refresh_token])

    def _fetch(self, refresh: str | None) -> Token:
        return self._asked(refresh, refresh_token=refresh or self._refresh_token)
