"""Whether a call that failed may have taken effect all the same."""

from __future__ import annotations

import errno
import socket

import pytest
import requests

from contact_sync.failures import translate


@pytest.mark.parametrize(
    ("error", "in_doubt"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), False),
        (requests.exceptions.ConnectTimeout("no connection"), False),
        (requests.exceptions.ReadTimeout("no answer"), True),
        (ConnectionResetError(errno.ECONNRESET, "reset"), True),
        (TimeoutError("no answer"), True),
    ],
)
def test_what_was_never_sent_cannot_have_taken_effect(error: Exception, in_doubt: bool) -> None:
    result = translate(error, "Crm.create_contact")
    assert (result.retryable, result.in_doubt) == (True, in_doubt)


def test_a_refused_connection_of_requests_cannot_have_taken_effect() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: it refuses
        try:
            requests.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", timeout=5)
        except requests.ConnectionError as error:
            result = translate(error, "Crm.create_contact")
    assert (result.retryable, result.in_doubt) == (True, False)
