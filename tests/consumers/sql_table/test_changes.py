"""Which rows have changed: none is left out, whatever is at work meanwhile, and what is known is not told for ever."""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg
import pytest

from contact_sync.consumer import Changes, CursorExpired, changes
from contact_sync.consumers.sql_table import SQLTableConsumer
from tests.consumers.sql_table.conftest import Make, Place, Schema, SQLiteFile
from tests.consumers.sql_table.tables import POSTGRESQL_CUSTOMERS, POSTGRESQL_PEOPLE, SQLITE_CUSTOMERS

NUMBERED = "CREATE TABLE rows (id integer PRIMARY KEY, email text, version {type}, gone boolean)"


class Clock:
    """The consumer's time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_790_000_000.0
        monkeypatch.setattr("contact_sync.consumers.sql_table.changes.time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def told(consumer: SQLTableConsumer, cursor: str | None) -> tuple[list[Any], list[str], str]:
    """The ids of the rows that are told, of those that are gone, and the cursor to go on from."""
    walked = [page for page in changes(consumer, cursor) if isinstance(page, Changes)]
    contacts = [contact["id"] for page in walked for contact in page.contacts]
    return contacts, [id for page in walked for id in page.deleted], walked[-1].cursor


@pytest.mark.parametrize("type", ["integer", "numeric(20,0)", "timestamp", "date"])
def test_what_is_known_is_not_told_for_ever(place: Place, open_table: Make, clock: Clock, type: str) -> None:
    """Until nothing has changed for as long as a transaction may take; of a day, until another one is the latest."""
    place.run(NUMBERED.format(type=type))
    numbers = type in ("integer", "numeric(20,0)")
    values = ("1", "2", "3") if numbers else ("'2024-05-01'", "'2024-05-02'", "'2024-06-01'")
    consumer = open_table(place.url, "rows", changed_column="version", overlap=30)
    place.run(f"INSERT INTO rows VALUES (1, 'a', {values[0]}, NULL), (2, 'b', {values[1]}, NULL)")
    ids, _, cursor = told(consumer, None)
    assert ids == [1, 2]
    for _ in range(3):
        clock.now += 40
        ids, _, cursor = told(consumer, cursor)
    assert ids == ([1, 2] if type == "date" else [])
    place.run(f"UPDATE rows SET version = {values[2]} WHERE id = 1")
    assert told(consumer, cursor)[0] == ([2, 1] if type == "date" else [1])


def test_a_transaction_that_was_at_work_meanwhile_is_told_of_later(
    schema: Schema, open_table: Make, clock: Clock
) -> None:
    """Its number is lower than one that has been told, and nobody saw it then."""
    schema.run(POSTGRESQL_PEOPLE)
    consumer = open_table(schema.url, "people", changed_column="version", overlap=30)
    first = "INSERT INTO people (email) VALUES ('late@example.org') RETURNING id"
    with psycopg.connect(schema._dsn) as slow:
        late = slow.execute(first).fetchone()
        assert late is not None
        (quick,) = schema.rows("INSERT INTO people (email) VALUES ('quick@example.org') RETURNING id")[0]
        ids, _, cursor = told(consumer, None)
        assert ids == [str(quick)]
        clock.now += 20
        cursor = told(consumer, cursor)[2]
        slow.commit()
    clock.now += 20
    ids, _, cursor = told(consumer, cursor)
    assert str(late[0]) in ids
    clock.now += 20
    assert told(consumer, cursor)[0] == []


def test_times_of_transactions_at_work_are_told_of_later(schema: Schema, open_table: Make, clock: Clock) -> None:
    schema.run(POSTGRESQL_CUSTOMERS)
    consumer = open_table(schema.url, "customers", changed_column="updated_at", overlap=60)
    with psycopg.connect(schema._dsn) as slow:
        slow.execute("INSERT INTO customers (email) VALUES ('late@example.org')")
        schema.run("INSERT INTO customers (email) VALUES ('quick@example.org')")
        ids, _, cursor = told(consumer, None)
        assert ids == [2]
        slow.commit()
    assert told(consumer, cursor)[0] == [1, 2]


def test_a_row_that_changes_during_the_walk_is_told_again(place: Place, open_table: Make) -> None:
    place.run(NUMBERED.format(type="integer"))
    place.run("INSERT INTO rows (id, version) VALUES " + ", ".join(f"({n}, {n})" for n in range(1, 451)))
    consumer = open_table(place.url, "rows", changed_column="version")
    walk = changes(consumer, None)
    first = next(walk)
    assert isinstance(first, Changes)
    place.run("UPDATE rows SET version = 1000, email = 'new' WHERE id = 1")
    rest = [contact for page in walk if isinstance(page, Changes) for contact in page.contacts]
    assert [contact["id"] for contact in first.contacts] == list(range(1, 201))
    assert [contact["id"] for contact in rest] == [*range(201, 451), 1]


def test_a_walk_that_was_broken_off_goes_on_where_it_was(place: Place, open_table: Make) -> None:
    """Rows of one time, and rows without one, are several pages long here."""
    place.run(NUMBERED.format(type="timestamp"))
    place.run(
        "INSERT INTO rows (id, version) VALUES "
        + ", ".join(f"({n}, {repr('2024-05-01 10:00:00') if n <= 450 else 'NULL'})" for n in range(1, 901))
    )
    consumer = open_table(place.url, "rows", changed_column="version")
    ids: list[Any] = []
    cursor: str | None = None
    for _ in range(20):
        page = next(changes(consumer, cursor))
        assert isinstance(page, Changes)
        ids += [contact["id"] for contact in page.contacts]
        cursor = page.cursor
        if json.loads(cursor)["at"] is None:
            break
    assert ids == list(range(1, 901))


def test_rows_that_are_marked_are_told_as_deleted(place: Place, open_table: Make) -> None:
    place.run(NUMBERED.format(type="integer"))
    place.run("INSERT INTO rows VALUES (1, 'a', 1, NULL), (2, 'b', 2, NULL)")
    consumer = open_table(place.url, "rows", changed_column="version", deleted_column="gone", overlap=0)
    cursor = told(consumer, None)[2]
    place.run("UPDATE rows SET version = 3, gone = true WHERE id = 1")
    assert told(consumer, cursor)[:2] == ([2], ["1"])


@pytest.mark.parametrize("mark", ["1", "'2024-05-01 10:00:00'"], ids=["a number", "a time"])
def test_a_mark_may_be_a_number_or_a_time(place: Place, open_table: Make, mark: str) -> None:
    place.run(
        f"CREATE TABLE rows (id integer PRIMARY KEY, email text, gone {'integer' if mark == '1' else 'timestamp'})"
    )
    place.run(f"INSERT INTO rows VALUES (1, 'a', NULL), (2, 'b', {mark}), (3, 'c', NULL)")
    consumer = open_table(place.url, "rows", deleted_column="gone")
    assert [contact["id"] for contact in consumer.list_contacts().contacts or ()] == [1, 3]
    assert consumer.get_contact("2").not_found
    assert consumer.delete_contact("3").success
    assert consumer.archive_contact("3").not_found  # type: ignore[union-attr]  # a Result
    assert [contact["id"] for contact in consumer.list_contacts().contacts or ()] == [1]
    assert place.rows("SELECT count(*) FROM rows WHERE gone IS NOT NULL") == [(2,)]


def test_a_clock_that_was_put_back_leaves_nothing_out(place: Place, open_table: Make, clock: Clock) -> None:
    place.run(NUMBERED.format(type="integer"))
    place.run("INSERT INTO rows (id, version) VALUES (1, 1), (2, 2)")
    consumer = open_table(place.url, "rows", changed_column="version", overlap=1)
    cursor = told(consumer, None)[2]
    clock.now -= 10_000
    ids, _, cursor = told(consumer, cursor)
    assert ids == [1, 2]
    clock.now += 10
    cursor = told(consumer, cursor)[2]
    assert told(consumer, cursor)[0] == []


def test_times_of_sqlite_are_compared_in_the_form_in_which_they_are_kept(
    sqlite: SQLiteFile, open_table: Make, clock: Clock
) -> None:
    sqlite.run(SQLITE_CUSTOMERS)
    sqlite.run(
        "INSERT INTO customers (email, updated_at) VALUES ('a', '2024-05-01T10:00:00Z'), ('b', '2024-05-01T10:00:59Z')"
    )
    consumer = open_table(sqlite.url, "customers", changed_column="updated_at", overlap=30)
    cursor = told(consumer, None)[2]
    assert told(consumer, cursor)[0] == [2]
    sqlite.run("UPDATE customers SET email = 'c', updated_at = '2024-05-01T10:00:40Z' WHERE id = 1")
    assert told(consumer, cursor)[0] == [1, 2]
    sqlite.run("UPDATE customers SET updated_at = 'whenever' WHERE id = 1")
    assert told(consumer, told(consumer, cursor)[2])[0] == [1]


def test_an_empty_table_has_a_cursor_as_well(place: Place, open_table: Make) -> None:
    place.run(NUMBERED.format(type="integer"))
    consumer = open_table(place.url, "rows", changed_column="version")
    ids, _, cursor = told(consumer, None)
    assert ids == []
    place.run("INSERT INTO rows (id, version) VALUES (1, 1)")
    assert told(consumer, cursor)[0] == [1]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "yesterday",
        "[]",
        "{}",
        "5",
        '{"first": true, "top": "soon", "since": 0, "settled": false, "at": null}',
        '{"first": true, "top": null, "since": "x", "settled": false, "at": null}',
        '{"first": true, "top": null, "since": 0, "settled": false, "at": [1]}',
        '{"first": true, "top": null, "since": 0, "settled": false, "at": 7}',
    ],
)
def test_a_cursor_that_is_none_of_ours_is_expired(schema: Schema, open_table: Make, cursor: str) -> None:
    schema.run(POSTGRESQL_CUSTOMERS)
    with pytest.raises(CursorExpired):
        list(changes(open_table(schema.url, "customers", changed_column="updated_at"), cursor))


def test_a_cursor_is_text_that_does_not_depend_on_the_process(schema: Schema, open_table: Make) -> None:
    schema.run(POSTGRESQL_CUSTOMERS)
    schema.run("INSERT INTO customers (email) VALUES ('a')")
    cursor = told(open_table(schema.url, "customers", changed_column="updated_at", overlap=0), None)[2]
    schema.run("INSERT INTO customers (email) VALUES ('b')")
    assert told(open_table(schema.url, "customers", changed_column="updated_at", overlap=0), cursor)[0] == [1, 2]
    assert json.loads(cursor)["since"] <= time.time()
