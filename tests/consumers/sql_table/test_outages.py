"""A database that is away, busy, or does not say what has become of a change."""

from __future__ import annotations

import logging
import os
import sqlite3
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine

from contact_sync.consumer import ask, ask_many, changes
from contact_sync.consumers.sql_table import SQLTableConsumer
from contact_sync.results import Result
from tests.consumers.sql_table.conftest import Make, Schema, SQLiteFile
from tests.servers import PostgreSQL

SECRET = "somebody.secret@example.org"
TABLE = "CREATE TABLE people (id serial PRIMARY KEY, email text UNIQUE, name text, version integer)"

CALLS: dict[str, tuple[Any, ...]] = {
    "create_contact": ({"email": SECRET},),
    "get_contact": ("1",),
    "get_contact_by_email": (SECRET,),
    "find_contact": ("name", SECRET),
    "list_contacts": (1, 30),
    "update_contact": ({"id": "1", "name": SECRET},),
    "delete_contact": ("1",),
}


def test_while_the_database_is_away_every_call_may_be_tried_again(
    private_postgresql: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    """And the first one after it is back works, though the connections of before are of no use."""
    with private_postgresql.database() as database:
        place = Schema(database)
        place.run(TABLE)
        consumer = SQLTableConsumer(place.url, "people", changed_column="version")
        assert ask(consumer, "create_contact", {"email": "ana@example.org"}).id == "1"
        private_postgresql.stop()
        with caplog.at_level(logging.DEBUG):
            results = {method: ask(consumer, method, *arguments) for method, arguments in CALLS.items()}
            many = ask_many(consumer, "create_contacts", [{"email": SECRET}, {"name": SECRET}])
            walked = list(changes(consumer, None))
        for method, result in (*results.items(), *(("create_contacts", one) for one in many)):
            assert (result.success, result.retryable, result.in_doubt) == (False, True, False), method
        assert [isinstance(page, Result) and page.retryable for page in walked] == [True]
        assert SECRET not in caplog.text + repr(results)
        private_postgresql.start()
        assert ask(consumer, "update_contact", {"id": "1", "name": "Ana"}).success
        consumer.close()


def test_a_connection_that_has_ended_meanwhile_is_not_used(private_postgresql: PostgreSQL) -> None:
    with private_postgresql.database() as database:
        place = Schema(database)
        place.run(TABLE)
        consumer = SQLTableConsumer(place.url, "people")
        assert ask(consumer, "create_contact", {"email": "ana@example.org"}).success
        private_postgresql.restart()
        assert ask(consumer, "create_contact", {"email": "bea@example.org"}).success
        consumer.close()


def test_a_commit_that_is_not_answered_is_in_doubt(schema: Schema, open_table: Make) -> None:
    schema.run(
        f"""
        {TABLE};
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON people DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION die();
        """
    )
    consumer = open_table(schema.url, "people")
    result = ask(consumer, "create_contact", {"email": SECRET})
    assert (result.success, result.retryable, result.in_doubt) == (False, True, True)
    many = ask_many(consumer, "create_contacts", [{"email": SECRET}, {"email": "ana@example.org"}])
    assert [(one.success, one.retryable, one.in_doubt) for one in many] == [(False, True, True)] * 2


def test_a_row_that_somebody_holds_may_be_tried_again(schema: Schema, open_table: Make) -> None:
    schema.run(TABLE)
    schema.run("INSERT INTO people (email) VALUES ('ana@example.org')")
    consumer = open_table(f"{schema.url}%20-clock_timeout%3D100ms", "people")
    with psycopg.connect(schema._dsn) as other:
        other.execute("UPDATE people SET name = 'Held'")
        result = ask(consumer, "update_contact", {"id": "1", "name": "Ana"})
        many = ask_many(consumer, "update_contacts", [{"id": "1", "name": "Ana"}, {"id": "2", "name": "Bea"}])
    assert (result.success, result.retryable, result.in_doubt) == (False, True, False)
    assert [one.retryable for one in many] == [True, True]


def test_a_file_that_somebody_writes_to_may_be_tried_again(sqlite: SQLiteFile, open_table: Make) -> None:
    sqlite.run(TABLE.replace("serial PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"))
    consumer = open_table(f"{sqlite.url}?timeout=0.05", "people")
    other = sqlite3.connect(sqlite._path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    result = ask(consumer, "create_contact", {"email": SECRET})
    many = ask_many(consumer, "create_contacts", [{"email": SECRET}, {"name": SECRET}])
    other.execute("ROLLBACK")
    other.close()
    assert [(one.success, one.retryable) for one in (result, *many)] == [(False, True)] * 3
    assert ask(consumer, "create_contact", {"email": SECRET}).success


def test_a_table_that_is_gone_is_a_failure_for_good(schema: Schema, open_table: Make) -> None:
    schema.run(TABLE)
    consumer = open_table(schema.url, "people")
    schema.run("DROP TABLE people")
    for method, arguments in CALLS.items():
        result = ask(consumer, method, *arguments)
        assert (result.success, result.retryable, result.not_found) == (False, False, False), method
        assert SECRET not in str(result.error)


def test_an_engine_that_shows_its_parameters_does_not_bring_them_into_results(
    schema: Schema, caplog: pytest.LogCaptureFixture
) -> None:
    schema.run(TABLE)
    engine = create_engine(schema.url)
    consumer = SQLTableConsumer(engine, "people")
    ask(consumer, "create_contact", {"email": SECRET})
    with caplog.at_level(logging.DEBUG, "contact_sync"):
        refused = ask(consumer, "update_contact", {"id": "1", "name": "x" * 10, "version": SECRET})
        again = ask(consumer, "create_contact", {"email": SECRET})
        schema.run("DROP TABLE people")
        gone = ask(consumer, "get_contact_by_email", SECRET)
    assert SECRET not in caplog.text + repr([refused, again, gone]) + f"{refused.error}{again.error}{gone.error}"
    engine.dispose()


def test_a_forked_process_has_connections_of_its_own(schema: Schema, open_table: Make) -> None:
    schema.run(TABLE)
    consumer = open_table(schema.url, "people")
    assert ask(consumer, "create_contact", {"email": "ana@example.org"}).success
    child = os.fork()
    if child == 0:
        made = ask(consumer, "create_contact", {"email": "bea@example.org"}).success
        consumer.close()
        os._exit(0 if made else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ask(consumer, "create_contact", {"email": "cleo@example.org"}).success
    assert len(ask(consumer, "list_contacts").contacts or ()) == 3
