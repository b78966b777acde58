"""The suite for consumers, on tables of several kinds."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync.consumers.sql_table import SQLTableConsumer
from contact_sync.testing import ConsumerContract
from tests.consumers.sql_table.conftest import Place, Schema, SQLiteFile
from tests.consumers.sql_table.tables import POSTGRESQL_CUSTOMERS, POSTGRESQL_PEOPLE, SQLITE_CUSTOMERS, SQLITE_ODD
from tests.servers import PostgreSQL


@pytest.fixture(scope="module")
def sqlite_place(tmp_path_factory: pytest.TempPathFactory) -> SQLiteFile:
    """A SQLite database with both tables."""
    place = SQLiteFile(tmp_path_factory.mktemp("sqlite") / "crm.db")
    place.run(SQLITE_CUSTOMERS + SQLITE_ODD)
    return place


@pytest.fixture(scope="module")
def postgresql_place(postgresql_server: PostgreSQL) -> Iterator[Schema]:
    """A PostgreSQL database with both tables."""
    with postgresql_server.database() as database:
        place = Schema(database)
        place.run(POSTGRESQL_CUSTOMERS + POSTGRESQL_PEOPLE)
        yield place


def opened(place: Place, table: str, **options: Any) -> Iterator[SQLTableConsumer]:
    consumer = SQLTableConsumer(place.url, table, **options)
    yield consumer
    consumer.close()


@pytest.fixture(scope="module")
def customers_in_sqlite(sqlite_place: SQLiteFile) -> Iterator[SQLTableConsumer]:
    yield from opened(sqlite_place, "customers", changed_column="updated_at", batch_size=20)


@pytest.fixture(scope="module")
def customers_in_postgresql(postgresql_place: Schema) -> Iterator[SQLTableConsumer]:
    yield from opened(postgresql_place, "customers", changed_column="updated_at", batch_size=20)


@pytest.fixture(scope="module")
def odd_in_sqlite(sqlite_place: SQLiteFile) -> Iterator[SQLTableConsumer]:
    yield from opened(
        sqlite_place,
        'odd "table"; --',
        email_column="e.mail",
        changed_column="version",
        deleted_column="gone",
        new_id=uuid.uuid4,
        overlap=0,
    )


@pytest.fixture(scope="module")
def people_in_postgresql(postgresql_place: Schema) -> Iterator[SQLTableConsumer]:
    yield from opened(postgresql_place, "people", changed_column="version", deleted_column="deleted_at", overlap=1000)


class OfCustomers(ConsumerContract):
    """Ids are numbers, addresses are not unique, a time says when a row was changed, and rows are deleted outright."""

    text_field = "city"
    missing_id = "2000000000"
    tells_deletes = False

    def new_contact(self, n: int) -> dict[str, Any]:
        return {"name": f"Contact {n}", "city": f"City {n}", "points": n}


class TestOnSQLite(OfCustomers):
    @pytest.fixture
    def consumer(self, customers_in_sqlite: SQLTableConsumer) -> SQLTableConsumer:
        return customers_in_sqlite


class TestOnPostgreSQL(OfCustomers):
    @pytest.fixture
    def consumer(self, customers_in_postgresql: SQLTableConsumer) -> SQLTableConsumer:
        return customers_in_postgresql


@pytest.mark.no_cover  # covered by those above
class TestOnSQLiteWithOddNames(ConsumerContract):
    """Ids are texts of our making that SQLite does not tell apart by case; rows are marked; a number says when."""

    id_field = "the id"
    email_field = "e\\.mail"
    text_field = "full name %s :x"
    missing_id = "nobody"

    @pytest.fixture
    def consumer(self, odd_in_sqlite: SQLTableConsumer) -> SQLTableConsumer:
        return odd_in_sqlite


@pytest.mark.no_cover  # covered by those above
class TestOnPostgreSQLWithMarkedRows(ConsumerContract):
    """Ids are UUIDs of the database's making, addresses are unique, rows are marked, and a number says when."""

    text_field = "name"
    missing_id = "00000000-0000-4000-8000-000000000000"

    @pytest.fixture
    def consumer(self, people_in_postgresql: SQLTableConsumer) -> SQLTableConsumer:
        return people_in_postgresql

    def new_contact(self, n: int) -> dict[str, Any]:
        return {"name": f"Contact {n}", "details": {"address": {"city": f"City {n}", "zip": "0612"}, "tags": ["a", 1]}}
