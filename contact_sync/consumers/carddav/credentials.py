"""How an address book's owner says who he is."""

from __future__ import annotations

from requests.auth import AuthBase, HTTPBasicAuth

from contact_sync.errors import ConfigurationError

Credentials = tuple[str, str] | AuthBase | None
"""A user's name and password; or what authorizes requests in another way, such as `HTTPDigestAuth` of requests."""


def checked_auth(auth: Credentials) -> AuthBase | None:
    """Make of credentials what authorizes requests.

    Raises:
        ConfigurationError: They are none.
    """
    if auth is None or isinstance(auth, AuthBase):
        return auth
    if isinstance(auth, tuple) and len(auth) == 2 and all(isinstance(part, str) for part in auth):
        user, password = auth
        return HTTPBasicAuth(user.encode(), password.encode())  # RFC 7617; of text, requests would make Latin-1
    raise ConfigurationError("auth: expected (user, password), or an object of requests' AuthBase")
