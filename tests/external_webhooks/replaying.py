"""A process that gets copies of one request, each under an id of its own, on a Redis-protocol store.

Arguments: the store's URL, the request's headers as JSON, and the number of the process. It prints `ready`, waits for a
line, sends the copies, each until it is answered otherwise than with 503, and prints what came of them as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from key_stores import open_key_store
from tests.external_webhooks.helpers import ANA, KEYS, crm_world, encoded, with_a_time

COPIES = 12
PATIENCE_SECONDS = 30.0


def main(url: str, headers: dict[str, str], number: str) -> None:
    store = open_key_store(url)
    crm = crm_world(with_a_time(), install=False, store=store, secret_keys=KEYS)

    def send(copy: int) -> str:
        ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            client = crm.world.client.application.test_client()
            given = headers | {"X-Delivery-Id": f"{number}-{copy}"}
            answer = client.post("/crm/", data=encoded(ANA), headers=given, content_type="application/json")
            if answer.status_code != 503 or time.monotonic() > ends:
                [result] = answer.get_json()["results"]
                return str(result.get("reason") or result.get("action") or result.get("error"))
            time.sleep(0.02)

    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(COPIES) as threads:
        results = list(threads.map(send, range(COPIES)))
    print(json.dumps({"results": results, "contacts": len(crm.contacts)}), flush=True)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3])
