"""What SQLAlchemy and the drivers raise, turned into what key stores raise: the one place for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from sqlalchemy import exc

from key_stores.errors import KeyStoreError, StoreUnavailable

_SQLITE_FOR_NOW: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_FULL")

_POSTGRESQL_READ_ONLY: Final = "25006"  # a standby, during a fail-over; no driver calls that operational


class ConnectionLost(StoreUnavailable):
    """The connection was there and is not any more. For the backend, which may do again what can be done twice."""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what a database call raises into `KeyStoreError` and its kinds.

    Messages hold the kind of error alone: those of SQLAlchemy repeat parameters, and so ids.
    """
    try:
        yield
    except exc.TimeoutError as error:
        raise StoreUnavailable("all database connections stayed in use for too long") from error
    except exc.DBAPIError as error:
        unreachable = error.connection_invalidated or isinstance(error, exc.OperationalError | exc.InterfaceError)
        failure = of_driver(error.orig, unreachable=unreachable)
        raise (ConnectionLost(str(failure)) if error.connection_invalidated else failure) from error
    except exc.SQLAlchemyError as error:
        raise KeyStoreError(f"the database call failed ({type(error).__name__})") from error


def of_driver(error: BaseException | None, *, unreachable: bool) -> KeyStoreError:
    """Give the error to raise from a driver's.

    Args:
        unreachable: Whether the driver's kind of error says that the database cannot be reached, or not now.
    """
    kind = type(error).__name__
    sqlite = getattr(error, "sqlite_errorname", None)
    if isinstance(sqlite, str):
        if sqlite.startswith("SQLITE_CANTOPEN"):
            return StoreUnavailable("SQLite cannot open its file; does the folder exist, and may it be written to?")
        if sqlite.startswith(_SQLITE_FOR_NOW):
            return StoreUnavailable(f"SQLite cannot do this at the moment ({sqlite})")
        return KeyStoreError(f"SQLite refuses ({sqlite})")
    state = getattr(error, "sqlstate", None)
    told = f"{kind} {state}" if isinstance(state, str) else kind
    if unreachable or state == _POSTGRESQL_READ_ONLY:
        return StoreUnavailable(f"the database cannot be reached or cannot do this at the moment ({told})")
    return KeyStoreError(f"the database refuses ({told})")
