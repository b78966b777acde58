"""A chatbot platform on loopback: its REST API, its events, its faults, and a page to look at it all."""

from __future__ import annotations

from .api import ApiCall
from .delivery import Attempt, Delivery, DeliveryRules
from .faults import Fault
from .platform import SandboxPlatform
from .server import LoopbackServer
from .store import CampaignEvent
from .workspace import UnknownContact, Workspace

__all__ = [
    "ApiCall",
    "Attempt",
    "CampaignEvent",
    "Delivery",
    "DeliveryRules",
    "Fault",
    "LoopbackServer",
    "SandboxPlatform",
    "UnknownContact",
    "Workspace",
]
