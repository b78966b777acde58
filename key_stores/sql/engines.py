"""Engines: made from a URL with time-outs and a bounded pool, or given and checked."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, exc
from sqlalchemy.engine import URL, make_url

from key_stores.errors import KeyStoreError

WAIT_SECONDS: Final = 10
CONNECT_SECONDS: Final = 5

_FORM: Final = "sqlite:///file.db or postgresql://user:password@host:port/database (special characters are %-escaped)"


def engine_from_url(text: str) -> Engine:
    """Make an engine. Nothing of SQLAlchemy's messages is passed on: they may repeat a part of the URL."""
    try:
        url = make_url(text)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        check_database(url)
        return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
    except ModuleNotFoundError as error:
        raise KeyStoreError(
            f"the package {error.name} is not installed; for PostgreSQL: pip install 'contact-sync[postgresql]'"
        ) from None
    except (exc.ArgumentError, TypeError, ValueError):
        raise KeyStoreError(f"the database URL is wrong; its form is {_FORM}") from None


def check_database(url: URL) -> None:
    """Refuse what the store cannot work with.

    Raises:
        KeyStoreError: It is neither SQLite nor PostgreSQL, an asynchronous driver, or SQLite in memory.
    """
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise KeyStoreError(f"the SQL store works with SQLite and PostgreSQL; form: {_FORM}")
    if url.get_dialect().is_async:
        raise KeyStoreError("the database driver is an asynchronous one; use sqlite:// or postgresql+psycopg://")
    if backend == "sqlite" and (url.database in (None, "", ":memory:") or "memory" in str(url.query.get("mode", ""))):
        raise KeyStoreError(
            "an SQLite database in memory is another one for each thread; use memory://, or a file (sqlite:///pairs.db)"
        )


def _sqlite(url: URL) -> Engine:
    if not set(url.query) <= {"timeout"} and url.query.get("uri") != "true":  # SQLAlchemy would ignore the rest
        raise KeyStoreError(
            "an SQLite URL takes timeout=SECONDS after '?'; SQLite's own options come in a file URI "
            "(sqlite:///file:pairs.db?cache=private&uri=true)"
        )
    return create_engine(
        url,
        hide_parameters=True,
        pool_timeout=WAIT_SECONDS,
        max_overflow=20,
        connect_args={} if "timeout" in url.query else {"timeout": WAIT_SECONDS},
    )


def _postgresql(url: URL) -> Engine:
    # An answer that does not come ends in an error: of the server (statement_timeout) or of the network below.
    arguments: dict[str, Any] = {}
    if url.get_driver_name() == "psycopg":
        defaults = {
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": WAIT_SECONDS * 1000,
            "prepare_threshold": None,  # preparing is a round trip, and look-ups are of as many forms as numbers of ids
        }
        arguments = {name: value for name, value in defaults.items() if name not in url.query}
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_timeout=WAIT_SECONDS,
        max_overflow=15,
        connect_args=arguments,
    )

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = '{WAIT_SECONDS}s'")
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{3 * WAIT_SECONDS}s'")
        connection.commit()

    return engine
