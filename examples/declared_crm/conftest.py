"""The real servers that the declarations are tried against."""

from __future__ import annotations

from kinto_server import empty_kinto, kinto
from servers import database, datasette, empty_datasette, empty_pocketbase, pocketbase

__all__ = ["database", "datasette", "empty_datasette", "empty_kinto", "empty_pocketbase", "kinto", "pocketbase"]
