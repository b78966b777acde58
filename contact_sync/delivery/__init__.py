"""How accepted events get applied: within the request, or stored first and applied by workers."""

from .base import Attempt, Backlog, Delivery, EventRecord, Handling, Parts, Run, Seal, State
from .forgetting import forget_events
from .held import replay_held
from .inline import Inline
from .retries import Retries
from .urls import open_delivery

__all__ = [
    "Attempt",
    "Backlog",
    "Delivery",
    "EventRecord",
    "Handling",
    "Inline",
    "Parts",
    "Retries",
    "Run",
    "Seal",
    "State",
    "forget_events",
    "open_delivery",
    "replay_held",
]
