"""For users' own tests: a sandbox of the platform, CRMs in memory, and the suite that proves a consumer.

`ConsumerContract` and the fixture `sandbox_platform` are loaded when they are first asked for, since they alone need
pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .crm import Quirks, QuirkyConsumer
from .memory_consumer import MemoryConsumer
from .sandbox import SandboxPlatform

if TYPE_CHECKING:
    from .consumer_contract import ConsumerContract
    from .fixtures import sandbox_platform

__all__ = ["ConsumerContract", "MemoryConsumer", "Quirks", "QuirkyConsumer", "SandboxPlatform", "sandbox_platform"]


def __getattr__(name: str) -> Any:
    if name == "ConsumerContract":
        from .consumer_contract import ConsumerContract

        return ConsumerContract
    if name == "sandbox_platform":
        from .fixtures import sandbox_platform

        return sandbox_platform
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
