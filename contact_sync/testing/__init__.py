"""For users' own tests: a sandbox of the platform, CRMs in memory, and the suite that proves a consumer.

The suite and the fixture `sandbox_platform` are loaded when they are first asked for, since they alone need pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .crm import Quirks, QuirkyConsumer
from .faults import Crash, FaultScript, FaultyConsumer, WebhookFaults, skewed_clock
from .memory_consumer import MemoryConsumer
from .people import ConsumerPeople, People
from .sandbox import SandboxPlatform

if TYPE_CHECKING:
    from .consumer_contract import ConsumerContract, ReadOnlyContract
    from .fixtures import sandbox_platform

__all__ = [
    "ConsumerContract",
    "ConsumerPeople",
    "Crash",
    "FaultScript",
    "FaultyConsumer",
    "MemoryConsumer",
    "People",
    "Quirks",
    "QuirkyConsumer",
    "ReadOnlyContract",
    "SandboxPlatform",
    "WebhookFaults",
    "sandbox_platform",
    "skewed_clock",
]


def __getattr__(name: str) -> Any:
    if name in ("ConsumerContract", "ReadOnlyContract"):
        from . import consumer_contract

        return getattr(consumer_contract, name)
    if name == "sandbox_platform":
        from .fixtures import sandbox_platform

        return sandbox_platform
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
