"""Dramatiq as a delivery: mailboxes of accepted events in Redis, and Dramatiq's workers on any number of machines."""

from contact_sync.errors import ConfigurationError

try:
    from .delivery import DramatiqDelivery
except ModuleNotFoundError as error:
    if error.name != "dramatiq":
        raise
    raise ConfigurationError("delivery: this one needs Dramatiq; pip install 'contact-sync[dramatiq]'") from None

__all__ = ["DramatiqDelivery"]
