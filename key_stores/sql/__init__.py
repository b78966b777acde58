"""The store in a SQL database: SQLite (a file) or PostgreSQL, by SQLAlchemy Core."""

from key_stores.errors import KeyStoreError

try:
    from key_stores.sql.store import SQLKeyStore
except ModuleNotFoundError as error:
    if error.name != "sqlalchemy":
        raise
    raise KeyStoreError("SQLAlchemy is not installed; pip install 'contact-sync[sql]'") from None

__all__ = ["SQLKeyStore"]
