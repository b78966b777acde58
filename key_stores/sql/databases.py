"""Which backend an engine or a URL is for."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine

from key_stores.errors import KeyStoreError
from key_stores.sql.backend import Backend
from key_stores.sql.engines import check_database, engine_from_url
from key_stores.sql.postgresql import PostgreSQL
from key_stores.sql.sqlite import SQLite

_BACKENDS: Final = {"sqlite": SQLite, "postgresql": PostgreSQL}


def backend_of(engine: Engine | str) -> Backend:
    """Make the backend for an engine, or for a URL.

    Raises:
        KeyStoreError: It is neither SQLite nor PostgreSQL, or a wrong URL.
    """
    if isinstance(engine, str):
        made = engine_from_url(engine)
        return _BACKENDS[made.dialect.name](made, owned=True)
    if not isinstance(engine, Engine):
        raise KeyStoreError(f"a SQL store takes a SQLAlchemy Engine or a URL, not {type(engine).__name__}")
    check_database(engine.url)
    return _BACKENDS[engine.dialect.name](engine, owned=False)
