"""The members of a Slack workspace as contacts, read-only: `SlackConsumer`."""

from contact_sync.errors import ConfigurationError

try:
    from .consumer import SlackConsumer
except ModuleNotFoundError as error:
    if error.name != "slack_sdk":
        raise
    raise ConfigurationError("slack_sdk is not installed; pip install 'contact-sync[slack]'") from None

__all__ = ["SlackConsumer"]
