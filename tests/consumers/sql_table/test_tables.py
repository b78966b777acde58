"""What may be said of a table, and what a consumer then knows of it."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from contact_sync.consumer import CRMField, abilities_of, ask, ask_many
from contact_sync.consumers.sql_table import SQLTableConsumer
from contact_sync.errors import ConfigurationError
from key_stores import StoreUnavailable
from tests.consumers.sql_table.conftest import Make, Place, Schema, SQLiteFile
from tests.servers import free_port

PEOPLE = """
CREATE TABLE people (
    id integer PRIMARY KEY,
    email varchar(200) UNIQUE,
    "first.name" text,
    born date,
    age integer GENERATED ALWAYS AS (id * 2) STORED,
    seen timestamp,
    gone boolean,
    tenant integer,
    number integer,
    UNIQUE (tenant, number)
);
CREATE UNIQUE INDEX by_born ON people (born);
CREATE UNIQUE INDEX by_seen ON people (seen) WHERE gone;
"""

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no such id column": (
        {"id_column": "key"},
        "id_column names the column 'key', which 'people' has not; it has id, ",
    ),
    "no such address column": (
        {"email_column": "mail"},
        "email_column (None: there is none) names the column 'mail', which 'people' has not; it has id, email, ",
    ),
    "no such changed column": ({"changed_column": "x"}, "changed_column names the column 'x'"),
    "no such deleted column": ({"deleted_column": "x"}, "deleted_column names the column 'x'"),
    "no such column": ({"columns": ["email", "x"]}, "columns names the column 'x'"),
    "no such read-only column": ({"read_only": ["x"]}, "read_only names the column 'x'"),
    "an id that is a date": (
        {"id_column": "born"},
        "id_column: the column 'born' is of the type DATE; it has to hold ",
    ),
    "an id that is not unique": ({"id_column": "tenant"}, "id_column: two rows of 'people' may have the same 'tenant'"),
    "an id that is unique for some": (
        {"id_column": "seen"},
        "id_column: two rows of 'people' may have the same 'seen'",
    ),
    "changed is a boolean": ({"changed_column": "gone"}, "changed_column: the column 'gone' is of the type BOOLEAN"),
    "one text for a list": ({"columns": "email"}, "columns: expected a list of names, got one text"),
    "an overlap below 0": ({"overlap": -1}, "overlap has to be from 0 to 86400"),
}


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=list(WRONG))
def test_what_is_said_wrongly_is_told_when_the_consumer_is_made(
    place: Place, options: dict[str, Any], said: str
) -> None:
    place.run(PEOPLE)
    with pytest.raises(ConfigurationError) as raised:
        SQLTableConsumer(place.url, "people", **options)
    assert str(raised.value).startswith(f"SQLTableConsumer: {said}")


def test_a_table_that_is_not_there_is_told_by_its_name(place: Place) -> None:
    with pytest.raises(ConfigurationError, match=r"the database has no table 'peple'; check name, schema and rights"):
        SQLTableConsumer(place.url, "peple")


def test_a_column_that_marks_rows_is_no_text(schema: Schema) -> None:
    schema.run(PEOPLE)
    with pytest.raises(ConfigurationError, match="a boolean, a whole number, or a time"):
        SQLTableConsumer(schema.url, "people", deleted_column="email")


@pytest.mark.parametrize(
    ("made", "has"),
    [("a integer, b integer, PRIMARY KEY (a, b)", "a primary key of several columns"), ("a integer", "no primary key")],
)
def test_without_a_primary_key_of_one_column_the_id_has_to_be_named(
    place: Place, open_table: Make, made: str, has: str
) -> None:
    place.run(f"CREATE TABLE people ({made}); CREATE UNIQUE INDEX by_a ON people (a)")
    with pytest.raises(ConfigurationError, match=f"'people' has {has}; name the column that holds a row's id"):
        SQLTableConsumer(place.url, "people", email_column=None)
    consumer = open_table(place.url, "people", id_column="a", email_column=None)
    place.run("INSERT INTO people (a) VALUES (5)" if "b" not in made else "INSERT INTO people VALUES (5, 6)")
    assert ask(consumer, "get_contact", "5").success
    assert ask(consumer, "get_contact_by_email", "ana@example.org").not_found


def test_a_table_is_known_by_what_the_database_says_of_it(place: Place, open_table: Make) -> None:
    place.run(PEOPLE)
    consumer = open_table(place.url, "people", changed_column="seen", deleted_column="gone", read_only=["born"])
    fields = {field.name: field for field in consumer.list_fields()}
    assert set(fields) == {"id", "email", "first\\.name", "born", "age", "seen", "gone", "tenant", "number"}
    assert {name for name, field in fields.items() if field.read_only} == {"born", "age", "seen", "gone"}
    assert set(consumer.read_only_fields) == {"born", "age", "seen", "gone"}
    assert {name for name, field in fields.items() if field.unique} == {"id", "email", "born"}
    assert set(consumer.unique_keys) == {"email", "born"}
    assert fields["email"].type == "VARCHAR(200)"
    assert {"archive_contact", "list_changed", "find_contact", "create_contacts"} <= set(abilities_of(consumer))


def test_what_a_table_has_not_the_consumer_lacks(place: Place, open_table: Make) -> None:
    place.run(PEOPLE)
    consumer = open_table(place.url, "people")
    assert not {"archive_contact", "list_changed"} & set(abilities_of(consumer))
    assert [page.success for page in consumer.list_changed() if not hasattr(page, "cursor")] == [False]  # type: ignore[union-attr]  # a Result
    assert not ask(consumer, "archive_contact", "1").success


def test_a_comment_of_the_database_is_the_fields_label(schema: Schema, open_table: Make) -> None:
    schema.run("CREATE TABLE people (id serial PRIMARY KEY, email text); COMMENT ON COLUMN people.email IS 'Address'")
    fields = open_table(schema.url, "people").list_fields()
    assert fields[1] == CRMField("email", "TEXT", label="Address")


def test_other_columns_than_those_wanted_are_neither_shown_nor_written(place: Place, open_table: Make) -> None:
    place.run("CREATE TABLE people (id integer PRIMARY KEY, email text, name text, password_hash text)")
    place.run("INSERT INTO people VALUES (1, 'ana@example.org', 'Ana', 'secret')")
    consumer = open_table(place.url, "people", columns=["email", "name"])
    assert ask(consumer, "get_contact", "1").contact == {"id": 1, "email": "ana@example.org", "name": "Ana"}
    refused = ask(consumer, "update_contact", {"id": "1", "password_hash": "other"})
    assert refused.error == "the table people has no column 'password_hash', or it is not one of columns="
    assert place.rows("SELECT password_hash FROM people") == [("secret",)]
    assert not ask(consumer, "find_contact", "password_hash", "secret").success
    assert [field.name for field in consumer.list_fields()] == ["id", "email", "name"]


def test_a_view_is_a_table_if_its_id_is_named(place: Place, open_table: Make) -> None:
    place.run("CREATE TABLE people (id integer PRIMARY KEY, email text, kind text)")
    place.run("INSERT INTO people VALUES (1, 'ana@example.org', 'customer'), (2, 'bea@example.org', 'other')")
    place.run("CREATE VIEW customers AS SELECT id, email FROM people WHERE kind = 'customer'")
    consumer = open_table(place.url, "customers", id_column="id")
    assert [contact["id"] for contact in ask(consumer, "list_contacts").contacts or ()] == [1]
    assert ask(consumer, "get_contact", "2").not_found


def test_a_table_of_another_schema_is_named_with_it(schema: Schema, open_table: Make) -> None:
    (name,) = schema.rows("SELECT current_schema()")[0]
    schema.run("CREATE TABLE people (id serial PRIMARY KEY, email text)")
    consumer = open_table(schema.url.partition("?")[0], "people", schema=name)
    assert ask(consumer, "create_contact", {"email": "ana@example.org"}).success
    with pytest.raises(ConfigurationError, match=f"the database has no table '{name}.others'"):
        SQLTableConsumer(schema.url, "others", schema=name)


def test_a_sqlite_table_that_gives_ids_again_is_warned_of(
    sqlite: SQLiteFile, open_table: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """There, the id of the last row is given to the next one after the last was deleted."""
    sqlite.run("CREATE TABLE again (id INTEGER PRIMARY KEY, email TEXT, gone INTEGER)")
    sqlite.run("CREATE TABLE once (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT)")
    sqlite.run("CREATE TABLE named (id TEXT PRIMARY KEY, email TEXT)")
    with caplog.at_level(logging.WARNING):
        for table, options in (("once", {}), ("named", {}), ("again", {"deleted_column": "gone"})):
            open_table(sqlite.url, table, **options)
        assert caplog.text == ""
        open_table(sqlite.url, "again")
    assert "AUTOINCREMENT" in caplog.text


class TestEngines:
    def test_an_engine_that_was_given_stays_open(self, place: Place) -> None:
        place.run("CREATE TABLE people (id integer PRIMARY KEY, email text)")
        engine = create_engine(place.url.replace("postgresql:", "postgresql+psycopg:"))
        consumer = SQLTableConsumer(engine, "people")
        assert ask(consumer, "create_contact", {"id": 7, "email": "ana@example.org"}).success
        with engine.connect() as held:
            consumer.close()
            assert held.execute(text("SELECT id FROM people")).scalar() == 7
        assert ask(consumer, "get_contact", "7").success
        engine.dispose()

    def test_an_engine_that_commits_by_itself_does_not_write_halves(self, schema: Schema) -> None:
        schema.run("CREATE TABLE people (id serial PRIMARY KEY, email text UNIQUE)")
        engine = create_engine(schema.url, isolation_level="AUTOCOMMIT")
        consumer = SQLTableConsumer(engine, "people")
        contacts = [{"email": "ana@example.org"}, {"email": "ana@example.org"}, {"email": "bea@example.org"}]
        assert [result.success for result in ask_many(consumer, "create_contacts", contacts)] == [True, False, True]
        engine.dispose()

    @pytest.mark.parametrize("engine", [None, 5, object()])
    def test_only_an_engine_or_a_url_is_taken(self, engine: Any) -> None:
        with pytest.raises(ConfigurationError, match="SQLTableConsumer takes a SQLAlchemy Engine or a URL, not"):
            SQLTableConsumer(engine, "people")

    @pytest.mark.parametrize("url", ["mysql://me:secret@localhost/crm", "nonsense secret", "sqlite://", ""])
    def test_a_url_of_another_database_is_refused_without_being_repeated(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="give a SQLAlchemy Engine") as raised:
            SQLTableConsumer(url, "people")
        assert "secret" not in str(raised.value)

    def test_an_asynchronous_engine_is_refused(self) -> None:
        engine = create_engine("postgresql+psycopg_async://me@127.0.0.1/crm")
        with pytest.raises(ConfigurationError, match="asynchronous"):
            SQLTableConsumer(engine, "people")

    def test_a_database_that_cannot_be_reached_is_away_for_now(self) -> None:
        """Where a consumer is made for each tenant, the event comes again."""
        with pytest.raises(StoreUnavailable):
            SQLTableConsumer(f"postgresql://me@127.0.0.1:{free_port()}/crm", "people")

    def test_without_sqlalchemy_it_says_what_to_install(self) -> None:
        program = (
            "import sys; sys.modules['sqlalchemy'] = None\n"
            "try: import contact_sync.consumers.sql_table\n"
            "except Exception as error: print(type(error).__name__, error)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout == "ConfigurationError SQLAlchemy is not installed; pip install 'contact-sync[sql]'\n"
