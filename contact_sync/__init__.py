"""Keeps the contacts of a chatbot platform and of a CRM the same, both ways."""

from .auth import allow_any_token
from .consumer import ExternalAPIConsumer
from .errors import Busy, ConfigurationError, ContactSyncError
from .events import Auth, Change, Event, EventName
from .imports import ImportReport
from .integration import ContactSync
from .pipeline import Stage
from .platforms import BotmaticPlatform, Platform
from .results import NOT_FOUND, Result
from .webhook import Request

__all__ = [
    "NOT_FOUND",
    "Auth",
    "BotmaticPlatform",
    "Busy",
    "Change",
    "ConfigurationError",
    "ContactSync",
    "ContactSyncError",
    "Event",
    "EventName",
    "ExternalAPIConsumer",
    "ImportReport",
    "Platform",
    "Request",
    "Result",
    "Stage",
    "allow_any_token",
]
