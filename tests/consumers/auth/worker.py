"""A process that calls the API: `python -m tests.consumers.auth.worker STORE SERVER CALLS`.

It says "ready", waits for a line, makes the calls, and prints what became of each. With `DIE` in place of a number, it
dies by the time that its first token would be stored.
"""

from __future__ import annotations

import os
import sys

from contact_sync.consumers.auth import OAuth2RefreshToken, SharedTokens
from contact_sync.consumers.http import Api, ApiError
from key_stores import open_key_store
from key_stores.redis import RedisKeyStore
from tests.consumers.auth.token_server import CLIENT, FIRST_REFRESH, SECRET

KEY = "a-key-for-this-test-and-nothing-else"


class Dying(RedisKeyStore):
    """A store at which the process dies."""

    def put_record(self, *_: object) -> None:
        os._exit(9)


def main(store: str, server: str, calls: str) -> None:
    dies = calls == "DIE"
    with_store = Dying(store) if dies else open_key_store(store)
    tokens = SharedTokens(with_store, secret_keys=[KEY])
    api = Api(f"{server}/api", auth=OAuth2RefreshToken(f"{server}/token", CLIENT, SECRET, FIRST_REFRESH, tokens=tokens))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(1 if dies else int(calls)):
        try:
            print(api.call("GET").status)
        except ApiError as error:
            print(error.status_code)


if __name__ == "__main__":
    main(*sys.argv[1:])
