"""Slack's own client, on the HTTP client of the ready-made consumers."""

from __future__ import annotations

import logging
from typing import Any, Final

import requests
from requests.auth import AuthBase
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from contact_sync.consumers.http import Api, Timeouts, UnreadableAnswer
from contact_sync.errors import ConfigurationError

BASE_URL: Final = "https://slack.com/api"

_SILENT: Final = logging.Logger("contact_sync.consumers.slack", logging.CRITICAL)
"""slack_sdk logs what is asked and answered, and so addresses. It has no parent and no handler: nothing comes of it."""


class Client(WebClient):
    """A `WebClient` that follows no redirect, whose answers are bounded in time and size, and that keeps connections.

    Args:
        token: A bot's or a user's.
        base_url: Of Slack's Web API.
        timeouts: How long a call may take.

    Raises:
        ConfigurationError: There is no token, or the URL is none.
    """

    def __init__(self, token: str, base_url: str, timeouts: Timeouts) -> None:
        if not token.strip() or not token.isascii() or not token.isprintable():
            raise ConfigurationError("SlackConsumer: the token is empty, or holds what no token does")
        self._api = Api(base_url, auth=_Bearer(token.strip()), timeouts=timeouts)
        super().__init__(None, self._api.base_url, logger=_SILENT, retry_handlers=[])

    def api_call(
        self,
        api_method: str,
        *,
        http_verb: str = "POST",  # noqa: ARG002 - Slack takes POST for every method
        files: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        json: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        auth: dict[str, Any] | None = None,
    ) -> SlackResponse:
        """Call a method that takes a form. All methods of `WebClient` come by here.

        Raises:
            SlackApiError: Slack's answer is that it has failed.
            ApiError: The HTTP status is 300 or above.
            UnreadableAnswer: The answer is no JSON object.
            requests.RequestException: There was no answer.
        """
        if files or data or json or headers or auth:
            raise NotImplementedError("only methods that read are called here, and they take a form")
        form = {name: str(value) for name, value in (params or {}).items() if value is not None}
        reply = self._api.call("POST", f"/{api_method}", data=form)
        answer = reply.json()
        if not isinstance(answer, dict):
            raise UnreadableAnswer("Slack's answer is no JSON object")
        response: SlackResponse = SlackResponse(
            client=self,
            http_verb="POST",
            api_url=reply.url,
            req_args={},
            data=answer,
            headers=dict(reply.headers),
            status_code=200,
        )
        response.validate()  # type: ignore[no-untyped-call]  # as slack_sdk has it
        return response

    def close(self) -> None:
        """Close the connections."""
        self._api.close()


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
