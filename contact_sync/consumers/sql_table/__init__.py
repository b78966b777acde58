"""A table of a SQL database as a CRM: `SQLTableConsumer`."""

from contact_sync.errors import ConfigurationError

try:
    from .consumer import SQLTableConsumer
except ModuleNotFoundError as error:
    if error.name != "sqlalchemy":
        raise
    raise ConfigurationError("SQLAlchemy is not installed; pip install 'contact-sync[sql]'") from None

__all__ = ["SQLTableConsumer"]
