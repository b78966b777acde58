"""A CRM in memory with the quirks of real ones, and its consumer."""

from __future__ import annotations

from .answers import Answer, CrmError
from .consumer import QuirkyConsumer
from .notices import Notice
from .quirks import Quirks
from .server import Write

__all__ = ["Answer", "CrmError", "Notice", "Quirks", "QuirkyConsumer", "Write"]
