"""Keeps the contacts of a chatbot platform and of a CRM the same, both ways."""

from .auth import allow_any_token
from .consumer import (
    CANNOT_CLEAR,
    EXISTS,
    Changes,
    CRMField,
    CursorExpired,
    ExternalAPIConsumer,
    RateBudget,
    ReadOnlyConsumer,
)
from .errors import Busy, ClaimLost, ConfigurationError, ContactSyncError, DeliveryUnavailable
from .events import Auth, Change, Event, EventName
from .integration import ContactSync
from .pipeline import Stage
from .platforms import BotmaticPlatform, Platform
from .reports import ImportReport, PullReport
from .results import NOT_FOUND, Result
from .rules import BLOCKED_MATCHES, Conflict, ConflictReport, Mark, mark
from .webhook import Request

__all__ = [
    "BLOCKED_MATCHES",
    "CANNOT_CLEAR",
    "EXISTS",
    "NOT_FOUND",
    "Auth",
    "BotmaticPlatform",
    "Busy",
    "CRMField",
    "Change",
    "Changes",
    "ClaimLost",
    "ConfigurationError",
    "Conflict",
    "ConflictReport",
    "ContactSync",
    "ContactSyncError",
    "CursorExpired",
    "DeliveryUnavailable",
    "Event",
    "EventName",
    "ExternalAPIConsumer",
    "ImportReport",
    "Mark",
    "Platform",
    "PullReport",
    "RateBudget",
    "ReadOnlyConsumer",
    "Request",
    "Result",
    "Stage",
    "allow_any_token",
    "mark",
]
