"""Databases for tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contact_sync.consumers.sql_table import SQLTableConsumer
from tests.servers import Database

Make = Callable[..., SQLTableConsumer]


class SQLiteFile:
    """A file, and who works with it beside the consumer."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        self._path = path

    def run(self, script: str) -> None:
        """Run statements."""
        connection = sqlite3.connect(self._path)
        connection.executescript(script)
        connection.close()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement; its rows."""
        connection = sqlite3.connect(self._path)
        with connection:
            found = connection.execute(query, values).fetchall()
        connection.close()
        return found


class Schema:
    """A PostgreSQL database, and who works with it beside the consumer."""

    def __init__(self, database: Database) -> None:
        self.url = database.url
        self._dsn = database.dsn

    def run(self, script: str) -> None:
        """Run statements."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(script.encode())

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement; its rows."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []


Place = SQLiteFile | Schema


@pytest.fixture
def sqlite(tmp_path: Path) -> SQLiteFile:
    """An empty SQLite database."""
    return SQLiteFile(tmp_path / "crm.db")


@pytest.fixture
def schema(postgresql: Database) -> Schema:
    """An empty PostgreSQL database."""
    return Schema(postgresql)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    """An empty database of each kind."""
    found: Place = request.getfixturevalue("sqlite" if request.param == "sqlite" else "schema")
    return found


@pytest.fixture
def open_table() -> Iterator[Make]:
    """Makes consumers, and closes them."""
    made: list[SQLTableConsumer] = []

    def make(*arguments: Any, **options: Any) -> SQLTableConsumer:
        made.append(SQLTableConsumer(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
