"""Values of columns of every kind, there and back, and values that a column cannot take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contact_sync.consumer import ask
from contact_sync.consumers.sql_table import SQLTableConsumer
from tests.consumers.sql_table.conftest import Make, Place, Schema, SQLiteFile

OfThings = Callable[[Place, str], SQLTableConsumer]

SECRET = "somebody.secret@example.org"

KINDS: dict[str, list[tuple[Any, Any]]] = {
    "varchar(40)": [
        ("Zoë 👩‍🚀", "Zoë 👩‍🚀"),
        ("0612", "0612"),
        ("", ""),
        (5, "5"),
        (True, "true"),
        ([1, "é"], '[1, "é"]'),
    ],
    "integer": [(7, 7), ("7", 7), (-7.0, -7), (True, 1), (0, 0), ("", None)],
    "bigint": [(2**62, 2**62), (str(-(2**63)), -(2**63))],
    "numeric(12,2)": [(12.5, 12.5), ("12.50", 12.5), (0, 0), (1_000_000, 1_000_000), ("-0.1", -0.1)],
    "double precision": [(0.1, 0.1), ("1e3", 1000.0)],
    "boolean": [(True, True), (False, False), ("true", True), (0, False), ("", None)],
    "date": [("1990-02-09", "1990-02-09")],
    "timestamp": [
        ("2024-05-01T10:00:00", "2024-05-01T10:00:00"),
        ("2024-05-01T12:00:00.5+02:00", "2024-05-01T10:00:00.500000"),
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00"),
    ],
    "time": [("10:30:00", "10:30:00")],
    "json": [({"a": [1, None, "é"]}, {"a": [1, None, "é"]}), ([1], [1]), (5, 5), ("text", "text"), (None, None)],
}

OF_POSTGRESQL: dict[str, list[tuple[Any, Any]]] = {
    "numeric": [("12345678901234567890.12", "12345678901234567890.12"), (10**20, 1e20), ("1" * 20, "1" * 20)],
    "timestamptz": [
        ("2024-05-01T12:00:00+02:00", "2024-05-01T10:00:00+00:00"),
        ("2024-05-01T10:00:00", "2024-05-01T10:00:00+00:00"),
    ],
    "uuid": [("9E83AA09-cfd7-457b-b227-aa76692d343a", "9e83aa09-cfd7-457b-b227-aa76692d343a")],
    "bytea": [("aGVsbG8=", "aGVsbG8="), ("", None)],
    "text[]": [(["a", "b"], ["a", "b"])],
    "interval": [("90 minutes", "1:30:00"), ("-5 minutes", "-1 day, 23:55:00"), ("40 days 1 hour", "40 days, 1:00:00")],
    "inet": [("127.0.0.1", "127.0.0.1")],
    "mood": [("happy", "happy")],
    "jsonb": [({"a": {"b": 1.5}}, {"a": {"b": 1.5}})],
}

OF_SQLITE: dict[str, list[tuple[Any, Any]]] = {
    "blob": [("aGVsbG8=", "aGVsbG8=")],
    "uuid": [("9e83aa09-cfd7-457b-b227-aa76692d343a", "9e83aa09-cfd7-457b-b227-aa76692d343a")],
    "": [("anything", "anything"), (5, 5), ([1], "[1]")],
    "numeric": [("12345678901234567890.12", 12345678901234567000.0)],
}

WRONG: dict[str, list[Any]] = {
    "integer": [SECRET, "1.5", "007", 1.5, [1], {}, float("nan")],
    "numeric(12,2)": [SECRET, True, float("inf"), "NaN", [1]],
    "boolean": [SECRET, "yes", 2, []],
    "date": [SECRET, "2024-02-30", 5, "2024-05-01T10:00:00"],
    "timestamp": [SECRET, 5, "10:00"],
    "time": [SECRET, "25:00"],
    "json": [{"a": float("nan")}, {1, 2}],
    "varchar(40)": [f"{SECRET}\0", "\ud800", {1: {2}}],
}

WRONG_FOR_POSTGRESQL: dict[str, list[Any]] = {
    "integer": [2**31, str(-(2**31) - 1)],
    "smallint": [2**15],
    "varchar(40)": ["x" * 41, SECRET * 2],
    "numeric(5,2)": [SECRET, 99999],
    "mood": [SECRET],
    "uuid": [SECRET, "1"],
    "bytea": [SECRET, "a", 5],
    "inet": [SECRET],
}


def cases(kinds: dict[str, list[Any]]) -> list[Any]:
    return [pytest.param(type, values, id=type or "no type") for type, values in kinds.items()]


@pytest.fixture
def table(open_table: Make) -> Callable[[Place, str], SQLTableConsumer]:
    """Makes a table of things, and a consumer of it."""

    def make(place: Place, type: str) -> SQLTableConsumer:
        place.run(f"CREATE TABLE things (id integer PRIMARY KEY, email text, thing {type})")
        return open_table(place.url, "things", new_id=iter(range(1, 100)).__next__)

    return make


def assert_there_and_back(consumer: SQLTableConsumer, values: list[tuple[Any, Any]]) -> None:
    for given, shown in values:
        created = ask(consumer, "create_contact", {"thing": given})
        assert created.success, (given, created.error)
        assert (created.contact or {})["thing"] == shown
        read = (ask(consumer, "get_contact", str(created.id)).contact or {})["thing"]
        assert (read, type(read)) == (shown, type(shown))
        updated = ask(consumer, "update_contact", {"id": created.id, "thing": read})
        assert (updated.contact or {})["thing"] == shown


def assert_refused(consumer: SQLTableConsumer, values: list[Any]) -> None:
    id = str(ask(consumer, "create_contact", {}).id)
    for value in values:
        for result in (
            ask(consumer, "create_contact", {"thing": value}),
            ask(consumer, "update_contact", {"id": id, "thing": value}),
        ):
            assert (result.success, result.retryable, result.not_found) == (False, False, False), value
            assert SECRET not in str(result.error)
    assert len(ask(consumer, "list_contacts").contacts or ()) == 1
    assert (ask(consumer, "get_contact", id).contact or {})["thing"] is None


@pytest.mark.parametrize(("type", "values"), cases(KINDS))
def test_a_value_comes_back_as_json_can_hold_it(
    table: OfThings, place: Place, type: str, values: list[tuple[Any, Any]]
) -> None:
    assert_there_and_back(table(place, type), values)


@pytest.mark.parametrize(("type", "values"), cases(OF_POSTGRESQL))
def test_a_value_of_postgresql_comes_back(
    table: OfThings, schema: Schema, type: str, values: list[tuple[Any, Any]]
) -> None:
    schema.run("CREATE TYPE mood AS ENUM ('happy', 'sad')")
    assert_there_and_back(table(schema, type), values)


@pytest.mark.parametrize(("type", "values"), cases(OF_SQLITE))
def test_a_value_of_sqlite_comes_back(
    table: OfThings, sqlite: SQLiteFile, type: str, values: list[tuple[Any, Any]]
) -> None:
    assert_there_and_back(table(sqlite, type), values)


@pytest.mark.parametrize(("type", "values"), cases(WRONG))
def test_a_value_that_does_not_fit_is_a_failure_that_does_not_repeat_it(
    table: OfThings, place: Place, type: str, values: list[Any]
) -> None:
    assert_refused(table(place, type), values)


@pytest.mark.parametrize(("type", "values"), cases(WRONG_FOR_POSTGRESQL))
def test_a_value_that_postgresql_refuses_is_a_failure_that_does_not_repeat_it(
    table: OfThings, schema: Schema, type: str, values: list[Any]
) -> None:
    schema.run("CREATE TYPE mood AS ENUM ('happy', 'sad')")
    assert_refused(table(schema, type), values)


def test_a_failure_names_the_column_and_what_it_takes(table: OfThings, schema: Schema) -> None:
    consumer = table(schema, "varchar(5)")
    for value, said in (
        ("x" * 6, "at most 5 characters"),
        ("\0", "text without NUL"),
        ("\ud800", "text that is Unicode"),
    ):
        assert ask(consumer, "create_contact", {"thing": value}).error == f"the column 'thing' takes {said}"


def test_whatever_sqlite_keeps_in_a_column_can_be_read(sqlite: SQLiteFile, open_table: Make) -> None:
    """Any program may put any value into any column there; one row must not end the walk over all."""
    sqlite.run(
        """
        CREATE TABLE things (
            id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT, n INTEGER, t TIMESTAMP, j JSON, b BOOLEAN
        );
        INSERT INTO things (n, t, j, b) VALUES ('seven', 1714557600, '{not json', 'perhaps');
        INSERT INTO things (n, t, j, b) VALUES (x'6869', 'yesterday', 5, 1);
        """
    )
    first, second = ask(open_table(sqlite.url, "things"), "list_contacts").contacts or ()
    assert (first["n"], first["t"], first["j"], first["b"]) == ("seven", 1714557600, "{not json", "perhaps")
    assert (second["n"], second["t"], second["j"], second["b"]) == ("aGk=", "yesterday", 5, True)
