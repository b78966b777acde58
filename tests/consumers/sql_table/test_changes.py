"""Which rows have changed: none is left out, whatever is at work meanwhile, and what is known is not told for ever."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import psycopg
import pytest

from contact_sync.consumer import Changes, CursorExpired, ask, changes, pages
from contact_sync.consumers.sql_table import SQLTableConsumer
from contact_sync.results import Result
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
    times = ("2024-05-01", "2024-05-02", "2024-06-01")
    hour = " 10:00:00" if type == "timestamp" else ""
    values = ("1", "2", "3") if numbers else tuple(f"'{day}{hour}'" for day in times)
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


MIXED = {
    "with T and with a blank": "2024-05-01T10:00:00",
    "with a zone and without": "2024-05-01 10:00:00Z",
    "with a time and without": "2024-05-01",
    "with seconds and without": "2024-05-01 10:00",
    "times and numbers": 1714557600,
    "something that is no time": "whenever",
}


@pytest.mark.parametrize("other", MIXED.values(), ids=list(MIXED))
def test_times_of_several_forms_are_refused_in_sqlite(sqlite: SQLiteFile, open_table: Make, other: str | int) -> None:
    """They are not in the order in which rows were changed, so that edits would be lost."""
    sqlite.run("CREATE TABLE rows (id INTEGER PRIMARY KEY, email TEXT, version, gone)")
    sqlite.run("INSERT INTO rows VALUES (1, 'a', '2024-05-01 10:00:00', NULL), (2, 'b', '', NULL), (3, 'c', NULL, 1)")
    consumer = open_table(sqlite.url, "rows", changed_column="version")
    ids, _, cursor = told(consumer, None)
    assert ids == [2, 1, 3]
    sqlite.rows("UPDATE rows SET version = ? WHERE id = 2", other)
    for begin in (None, cursor):
        (failure,) = changes(consumer, begin)
        assert isinstance(failure, Result)
        assert "changed_column: 'version' holds" in (failure.error or "")
        assert not failure.retryable
        assert str(other) not in (failure.error or "")
    sqlite.run("UPDATE rows SET version = '2024-05-01 10:00:01' WHERE id = 2")
    assert told(consumer, cursor)[0] == [1, 2]


@pytest.mark.parametrize(
    ("before", "after"),
    [("2024-05-01T10:00:00.5+02:00", "2024-05-01T10:00:01+02:00"), ("2024-05-01", "2024-05-02"), (7, 8.5)],
    ids=["with a zone", "days", "numbers"],
)
def test_values_of_one_form_are_told_in_sqlite(
    sqlite: SQLiteFile, open_table: Make, before: object, after: object
) -> None:
    sqlite.run("CREATE TABLE rows (id INTEGER PRIMARY KEY, email TEXT, version)")
    sqlite.rows("INSERT INTO rows VALUES (1, 'a', ?), (2, 'b', NULL)", before)
    consumer = open_table(sqlite.url, "rows", changed_column="version", overlap=0)
    cursor = told(consumer, None)[2]
    sqlite.rows("UPDATE rows SET version = ? WHERE id = 2", after)
    assert 2 in told(consumer, cursor)[0]


def test_times_that_have_another_form_than_before_begin_the_walk_anew(sqlite: SQLiteFile, open_table: Make) -> None:
    """A blank sorts before the T of the cursor: what was changed since would be lost."""
    sqlite.run(SQLITE_CUSTOMERS)
    sqlite.run("INSERT INTO customers (email, updated_at) VALUES ('a', '2024-05-01T10:00:00')")
    consumer = open_table(sqlite.url, "customers", changed_column="updated_at")
    cursor = told(consumer, None)[2]
    sqlite.run("UPDATE customers SET updated_at = '2024-05-01 11:00:00'")
    with pytest.raises(CursorExpired):
        list(changes(consumer, cursor))


def test_days_in_a_text_may_still_be_given_to_changes_of_that_day(
    sqlite: SQLiteFile, open_table: Make, clock: Clock
) -> None:
    sqlite.run("CREATE TABLE rows (id INTEGER PRIMARY KEY, email TEXT, version TEXT)")
    sqlite.run("INSERT INTO rows VALUES (1, 'a', '2024-05-01'), (2, 'b', '2024-04-01')")
    consumer = open_table(sqlite.url, "rows", changed_column="version", overlap=30)
    cursor = told(consumer, None)[2]
    for _ in range(3):
        clock.now += 40
        cursor = told(consumer, cursor)[2]
    sqlite.run("UPDATE rows SET version = '2024-05-01' WHERE id = 2")
    assert told(consumer, cursor)[0] == [1, 2]


def test_rows_without_an_id_are_not_there_and_end_no_walk(place: Place, open_table: Make) -> None:
    """A unique column may hold many NULLs. A row without a time is told the first time, and once."""
    place.run("CREATE TABLE rows (code varchar(20) UNIQUE, email varchar(50) UNIQUE, version integer)")
    place.run(
        "INSERT INTO rows VALUES "
        + ", ".join(f"(NULL, 'n{n}', {n if n % 2 else 'NULL'})" for n in range(450))
        + ", "
        + ", ".join(f"('k{n:03}', 'a{n}', {n if n % 2 else 'NULL'})" for n in range(450))
        + ", ('', 'empty', 1)"
    )
    consumer = open_table(place.url, "rows", id_column="code", changed_column="version")
    every = [f"k{n:03}" for n in range(450)]

    walked = [contact["code"] for page in itertools.islice(pages(consumer, 30), 50) for contact in page.contacts or ()]
    assert walked == every
    assert [contact["code"] for contact in consumer.list_contacts(1, 2).contacts or ()] == every[:2]
    listed = [page for page in itertools.islice(changes(consumer, None), 50) if isinstance(page, Changes)]
    assert sorted(contact["code"] for page in listed for contact in page.contacts) == every
    assert [id for page in listed for id in page.deleted] == []
    assert ask(consumer, "get_contact_by_email", "n1").not_found
    assert ask(consumer, "get_contact_by_email", "empty").not_found

    refused = ask(consumer, "create_contact", {"code": "new", "email": "n1"})
    assert (refused.id, refused.reason, refused.error) == (None, None, "a row that has no id yet has the same email")
    place.run("UPDATE rows SET code = 'late', version = 1000 WHERE email = 'n1'")
    later = [page for page in changes(consumer, listed[-1].cursor) if isinstance(page, Changes)]
    assert "late" in [contact["code"] for page in later for contact in page.contacts]


@pytest.mark.parametrize("mark", ["", "0", "false", 0, False, None])
@pytest.mark.parametrize("type", ["TEXT DEFAULT ''", "BOOLEAN", "INTEGER", "TIMESTAMP", ""])
def test_what_is_empty_or_false_marks_no_row_as_deleted(
    sqlite: SQLiteFile, open_table: Make, mark: object, type: str
) -> None:
    sqlite.run(f"CREATE TABLE rows (id INTEGER PRIMARY KEY, email TEXT, version INTEGER, gone {type})")
    sqlite.rows("INSERT INTO rows VALUES (1, 'a', 1, ?), (2, 'b', 2, '2024-05-01 10:00:00')", mark)
    consumer = open_table(sqlite.url, "rows", changed_column="version", deleted_column="gone")
    assert [contact["id"] for contact in consumer.list_contacts().contacts or ()] == [1]
    assert told(consumer, None)[:2] == ([1], ["2"])
    assert ask(consumer, "delete_contact", "1").success
    assert consumer.list_contacts().contacts == []


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
