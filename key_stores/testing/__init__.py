"""The suite that every key store has to pass, for pytest: subclass `KeyStoreContract`.

Needs pytest, which the extra `contact-sync[testing]` brings along.
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"key_stores.testing.{name}"
        for name in (
            "baselines",
            "batches",
            "claims",
            "faults",
            "fencing",
            "hostile",
            "leases",
            "pairs",
            "rest",
            "tombstones",
        )
    )
)

from key_stores.testing.contract import KeyStoreContract  # noqa: E402 - pytest is told of the modules first

__all__ = ["KeyStoreContract"]
