"""The suite that every durable delivery has to pass, for pytest: subclass `DeliveryContract`.

Needs pytest, which the extra `contact-sync[testing]` brings along.
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"contact_sync.testing.delivery.{name}"
        for name in ("accepting", "dying", "letters", "order", "retrying", "sharing", "stage")
    )
)

from .contract import DeliveryContract  # noqa: E402 - pytest is told of the modules first
from .stage import Applied, Stage  # noqa: E402

__all__ = ["Applied", "DeliveryContract", "Stage"]
