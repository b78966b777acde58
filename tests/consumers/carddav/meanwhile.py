"""Somebody who edits a card just when the consumer is about to store it."""

from __future__ import annotations

from collections.abc import Callable

import requests
from requests.auth import AuthBase, HTTPBasicAuth


class Meanwhile(AuthBase):
    """Authorizes requests, and does something before those of one method are sent.

    Args:
        auth: A name and a password.
        method: Before which requests.
        act: What is done.
        times: How often, at the most.
        then: Does something else, before the requests of another method.
    """

    def __init__(
        self,
        auth: tuple[str, str],
        method: str,
        act: Callable[[], object],
        *,
        times: int = 1,
        then: Meanwhile | None = None,
    ) -> None:
        self._basic = HTTPBasicAuth(*(part.encode() for part in auth))
        self._method = method
        self._act = act
        self.left = times
        self._then = then

    def before_next(self, act: Callable[[], object]) -> None:
        """Do something before the next such request."""
        self._act, self.left = act, 1

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if request.method == self._method and self.left > 0:
            self.left -= 1
            self._act()
        if self._then is not None:
            self._then(request)
        self._basic(request)
        return request
