"""A process that works on a store: `python -m tests.key_stores.worker URL SEED CALLS`. For `test_processes.py`."""

from __future__ import annotations

import random
import sys

from key_stores import Leases, PairBatches, Tombstones, open_key_store

BOTMATIC = [f"b{number}" for number in range(4)]
EXTERNAL = [f"e{number}" for number in range(4)]
INSTALLATION = "shared"


def main(url: str, seed: int, calls: int) -> None:
    """Save, remove and bury crossing pairs; take a lease now and then, and count who else has it."""
    chance = random.Random(seed)
    store = open_key_store(url)
    assert isinstance(store, PairBatches)
    assert isinstance(store, Tombstones)
    assert isinstance(store, Leases)
    store.get_external_id(INSTALLATION, "b0")
    print("ready", flush=True)
    input()
    held = 0
    for _ in range(calls):
        pair = chance.choice(BOTMATIC), chance.choice(EXTERNAL)
        what = chance.random()
        if what < 0.5:
            assert store.save_ids(INSTALLATION, *pair) is True
        elif what < 0.7:
            batch = [(chance.choice(BOTMATIC), chance.choice(EXTERNAL)) for _ in range(3)]
            assert store.save_many(INSTALLATION, batch) is True
        elif what < 0.85:
            store.delete_ids(INSTALLATION, *pair)
        elif what < 0.9:
            store.bury_ids(INSTALLATION, *pair, 60)
        elif store.acquire_leases(INSTALLATION, ["one", "two"], f"worker {seed}", 60):
            held += 1
            before = int(store.get_external_id("counter", "held") or 0)
            store.save_ids("counter", "held", before + 1)
            store.release_leases(INSTALLATION, ["one", "two"], f"worker {seed}")
    print(held, flush=True)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
