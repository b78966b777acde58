"""What may go wrong around a consumer: calls of the CRM, news on their way, processes, clocks."""

from .faulty_consumer import ConsumerCall, FaultyConsumer
from .processes import MortalStore, skewed_clock, stopped_clock
from .script import (
    ANY,
    Crash,
    Fault,
    FaultScript,
    crash_after_create,
    cursor_expired,
    id_reuse,
    older_cursor,
    page_shift,
    server_error,
    timeout_after_write,
    timeout_before_write,
    too_many,
)
from .webhook_faults import WebhookFaults

__all__ = [
    "ANY",
    "ConsumerCall",
    "Crash",
    "Fault",
    "FaultScript",
    "FaultyConsumer",
    "MortalStore",
    "WebhookFaults",
    "crash_after_create",
    "cursor_expired",
    "id_reuse",
    "older_cursor",
    "page_shift",
    "server_error",
    "skewed_clock",
    "stopped_clock",
    "timeout_after_write",
    "timeout_before_write",
    "too_many",
]
