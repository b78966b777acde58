"""What `ContactSync` relies on in a durable delivery, as tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contact_sync.delivery import Delivery, Retries

from .accepting import AcceptingTests
from .dying import DyingTests
from .letters import LetterTests
from .order import OrderTests
from .retrying import RetryingTests
from .sharing import SharingTests
from .siding import SidingTests
from .stage import Stage

QUICK = Retries(first=0.05, longest=0.2, give_up=60.0)


class DeliveryContract(AcceptingTests, OrderTests, SidingTests, RetryingTests, LetterTests, SharingTests, DyingTests):
    """What a durable delivery has to do. A subclass says how one is made.

        class TestMine(DeliveryContract):
            @pytest.fixture
            def make_delivery(self):
                return lambda **options: MyDelivery("…", **options)

    Everything that `make_delivery` makes in a test works on the same storage, which is empty at first. Its options are
    `retries`, `lease_seconds`, `keep_seconds` and `keep_failed_seconds`, as of `Inbox`. `unreachable` makes one whose
    storage is away.
    """

    @pytest.fixture
    def make_delivery(self) -> Callable[..., Delivery]:
        """Makes a delivery; overridden by the author."""
        pytest.fail(f"{type(self).__name__} needs a pytest fixture 'make_delivery'", pytrace=False)

    @pytest.fixture
    def unreachable(self) -> Delivery:
        """A delivery whose storage is away; overridden by the author."""
        pytest.fail(f"{type(self).__name__} needs a pytest fixture 'unreachable'", pytrace=False)

    @pytest.fixture
    def make_stage(self, make_delivery: Callable[..., Delivery]) -> Iterator[Callable[..., Stage]]:
        """Makes a stage: a delivery that is connected to something that writes down what is applied."""
        made: list[Delivery] = []

        def make(*, seal: Any = None, lets_in: Callable[[str], bool] = lambda _: True, **options: Any) -> Stage:
            options.setdefault("retries", QUICK)
            options.setdefault("lease_seconds", 5.0)
            made.append(make_delivery(**options))
            return Stage(made[-1], seal=seal, lets_in=lets_in)

        yield make
        for delivery in made:
            delivery.close()

    @pytest.fixture
    def stage(self, make_stage: Callable[..., Stage]) -> Stage:
        """A stage whose delivery tries again quickly."""
        return make_stage()
