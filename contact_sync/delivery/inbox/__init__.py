"""The inbox: accepted events in a SQL database, and worker threads that apply them. Needs no server, or PostgreSQL."""

from contact_sync.errors import ConfigurationError

try:
    from .inbox import Inbox
except ModuleNotFoundError as error:
    if error.name != "sqlalchemy":
        raise
    raise ConfigurationError("delivery: the inbox needs SQLAlchemy; pip install 'contact-sync[sql]'") from None

__all__ = ["Inbox"]
