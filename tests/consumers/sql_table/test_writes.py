"""What is written, and what a database refuses."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from contact_sync.consumer import EXISTS, READ_ONLY, ask, ask_many, pages
from contact_sync.consumers.sql_table import SQLTableConsumer
from tests.consumers.sql_table.conftest import Make, Place, Schema, SQLiteFile

PEOPLE = """
CREATE TABLE companies (id integer PRIMARY KEY);
INSERT INTO companies VALUES (1);
CREATE TABLE people (
    id {id},
    email varchar(200) UNIQUE,
    name varchar(50) NOT NULL DEFAULT '',
    born date,
    points integer CONSTRAINT points_are_not_negative CHECK (points >= 0),
    level integer NOT NULL DEFAULT 3,
    company integer REFERENCES companies (id),
    tenant integer,
    number integer,
    details {json},
    gone boolean,
    UNIQUE (tenant, number)
);
CREATE TABLE visits (person integer REFERENCES people (id));
"""

OF_SQLITE = {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "json": "json"}
OF_POSTGRESQL = {"id": "serial PRIMARY KEY", "json": "jsonb"}

SECRET = "somebody.secret@example.org"

Open = Callable[..., SQLTableConsumer]


@pytest.fixture
def people(place: Place, open_table: Make) -> Open:
    """Opens the table of people."""
    place.run(PEOPLE.format_map(OF_SQLITE if isinstance(place, SQLiteFile) else OF_POSTGRESQL))

    def opened(**options: Any) -> SQLTableConsumer:
        return open_table(place.url, "people", **options)

    return opened


class TestUniqueColumns:
    def test_a_row_that_has_the_value_is_named_for_adoption(self, people: Open) -> None:
        consumer = people()
        first = ask(consumer, "create_contact", {"email": SECRET})
        again = ask(consumer, "create_contact", {"email": SECRET, "name": "Other"})
        assert (again.success, again.id, again.reason, again.error) == (
            False,
            first.id,
            EXISTS,
            "a row has the same email",
        )

    def test_several_columns_together_may_be_unique(self, people: Open) -> None:
        consumer = people()
        first = ask(consumer, "create_contact", {"tenant": 1, "number": 7})
        assert ask(consumer, "create_contact", {"tenant": 2, "number": 7}).success
        again = ask(consumer, "create_contact", {"tenant": 1, "number": 7})
        assert (again.id, again.error) == (first.id, "a row has the same tenant, number")

    def test_several_rows_in_the_way_are_not_guessed_from(self, people: Open) -> None:
        consumer = people()
        ask(consumer, "create_contact", {"tenant": 1, "number": 7})
        ask(consumer, "create_contact", {"email": SECRET})
        refused = ask(consumer, "create_contact", {"email": SECRET, "tenant": 1, "number": 7})
        assert (refused.id, refused.reason) == (None, EXISTS)

    def test_a_row_that_is_marked_as_deleted_is_not_adopted(self, people: Open) -> None:
        consumer = people(deleted_column="gone")
        first = ask(consumer, "create_contact", {"email": SECRET})
        assert ask(consumer, "delete_contact", str(first.id)).success
        refused = ask(consumer, "create_contact", {"email": SECRET})
        assert (refused.id, refused.reason) == (None, None)
        assert refused.error == "a row that is marked as deleted has the same email"

    def test_an_index_on_an_expression_says_that_there_is_one(self, place: Place, people: Open) -> None:
        """Which one is looked for by the sync."""
        place.run("CREATE UNIQUE INDEX by_address ON people (lower(email))")
        consumer = people()
        ask(consumer, "create_contact", {"email": SECRET})
        refused = ask(consumer, "create_contact", {"email": SECRET.upper()})
        assert (refused.id, refused.reason) == (None, EXISTS)
        assert ask(consumer, "get_contact_by_email", SECRET.upper()).success

    def test_an_update_to_the_value_of_another_row_is_refused(self, people: Open) -> None:
        consumer = people()
        ask(consumer, "create_contact", {"email": SECRET})
        other = ask(consumer, "create_contact", {"email": "bea@example.org"})
        refused = ask(consumer, "update_contact", {"id": other.id, "email": SECRET})
        assert (refused.success, refused.retryable, refused.id) == (False, False, None)
        assert "another row has the same" in (refused.error or "")
        assert SECRET not in (refused.error or "")


class TestRules:
    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"points": -1}, "a rule of the table (CHECK) is against it"),
            ({"level": None}, "the column 'level' takes a value: it may not be empty"),
            ({"born": SECRET}, "the column 'born' takes a date in ISO 8601"),
            ({"points": SECRET}, "the column 'points' takes a whole number"),
            ({"nickname": SECRET}, "the table people has no column 'nickname', or it is not one of columns="),
        ],
    )
    def test_what_is_against_a_rule_is_refused_with_the_columns_name(
        self, people: Open, values: dict[str, Any], said: str
    ) -> None:
        consumer = people()
        id = str(ask(consumer, "create_contact", {"name": "Ana"}).id)
        refused = ask(consumer, "update_contact", {"id": id, **values})
        assert (refused.success, refused.retryable, refused.not_found) == (False, False, False)
        assert said in (refused.error or "")
        assert SECRET not in (refused.error or "")

    def test_a_rule_is_named_by_its_name(self, people: Open) -> None:
        refused = ask(people(), "create_contact", {"points": -1})
        assert refused.error == (
            "the database refuses the row: people.points_are_not_negative: a rule of the table (CHECK) is against it"
        )

    def test_a_column_that_has_to_be_given_is_named(self, place: Place, open_table: Make) -> None:
        place.run("CREATE TABLE strict (id integer PRIMARY KEY, email text, name text NOT NULL)")
        refused = ask(open_table(place.url, "strict"), "create_contact", {"id": 1, "email": SECRET})
        assert refused.error == "the database refuses the row: strict.name: it may not be empty"

    def test_a_row_that_another_table_refers_to_is_not_deleted(self, schema: Schema, open_table: Make) -> None:
        schema.run(PEOPLE.format_map(OF_POSTGRESQL))
        consumer = open_table(schema.url, "people")
        id = str(ask(consumer, "create_contact", {"name": "Ana", "company": 1}).id)
        schema.rows("INSERT INTO visits VALUES (%s)", int(id))
        refused = ask(consumer, "delete_contact", id)
        assert (refused.success, refused.retryable) == (False, False)
        assert "another table refers to the row" in (refused.error or "")
        assert "another table" in (ask(consumer, "create_contact", {"company": 99}).error or "")

    def test_an_empty_text_that_may_not_be_null_is_an_empty_text(self, people: Open) -> None:
        consumer = people()
        id = str(ask(consumer, "create_contact", {"name": "Ana", "born": "1990-02-09"}).id)
        cleared = ask(consumer, "update_contact", {"id": id, "name": None, "born": None})
        assert ((cleared.contact or {})["name"], (cleared.contact or {})["born"]) == ("", None)

    def test_a_new_row_has_the_tables_defaults_where_nothing_is_given(self, people: Open) -> None:
        created = ask(people(), "create_contact", {"level": None}).contact or {}
        assert (created["level"], created["name"]) == (3, "")

    def test_a_column_that_the_database_writes_is_not_written(self, people: Open) -> None:
        consumer = people(read_only=["level"])
        id = str(ask(consumer, "create_contact", {"name": "Ana"}).id)
        refused = ask(consumer, "update_contact", {"id": id, "level": 9})
        assert (refused.success, refused.reason) == (False, READ_ONLY)

    def test_a_trigger_that_refuses_is_a_failure_for_good(self, schema: Schema, people: Open, open_table: Make) -> None:
        schema.run(
            """
            CREATE TABLE guarded (id serial PRIMARY KEY, email text);
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no % here', NEW.email; END $$;
            CREATE TRIGGER guard BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION refuse();
            """
        )
        refused = ask(open_table(schema.url, "guarded"), "create_contact", {"email": SECRET})
        assert (refused.success, refused.retryable, SECRET in str(refused.error)) == (False, False, False)


class TestIds:
    def test_an_id_may_be_made_here(self, place: Place, open_table: Make) -> None:
        place.run("CREATE TABLE named (id varchar(36) PRIMARY KEY, email text)")
        consumer = open_table(place.url, "named", new_id=uuid.uuid4)
        created = ask(consumer, "create_contact", {"email": SECRET})
        assert str(uuid.UUID(created.id)) == created.id
        assert ask(consumer, "get_contact", str(created.id)).success

    @pytest.mark.parametrize("new_id", [None, lambda: "x" * 50, lambda: "a\0"], ids=["none", "too long", "NUL"])
    def test_without_an_id_nothing_is_made(self, place: Place, open_table: Make, new_id: Any) -> None:
        place.run("CREATE TABLE named (id varchar(36) PRIMARY KEY CHECK (length(id) < 40), email text)")
        consumer = open_table(place.url, "named", new_id=new_id)
        refused = ask(consumer, "create_contact", {"email": SECRET})
        assert (refused.success, refused.retryable) == (False, False)
        assert place.rows("SELECT * FROM named") == []

    def test_a_text_that_is_no_id_of_the_kind_is_not_found(self, people: Open) -> None:
        consumer = people()
        id = str(ask(consumer, "create_contact", {"name": "Ana"}).id)
        for other in (f"0{id}", f" {id}", f"{id}.0", f"+{id}", "abc", "-1", "9" * 30, "9" * 10_000, str(2**31), ""):
            assert ask(consumer, "get_contact", other).not_found
            assert ask(consumer, "update_contact", {"id": other, "name": "Other"}).not_found
            assert ask(consumer, "delete_contact", other).not_found
        assert ask(consumer, "get_contact", id).success

    def test_ids_of_another_case_are_other_ids(self, sqlite: SQLiteFile, open_table: Make) -> None:
        """Though the database takes them for the same."""
        sqlite.run("CREATE TABLE named (id TEXT PRIMARY KEY COLLATE NOCASE, email TEXT, name TEXT)")
        sqlite.run("INSERT INTO named VALUES ('abc', 'ana@example.org', 'Ana')")
        consumer = open_table(sqlite.url, "named")
        assert ask(consumer, "get_contact", "ABC").not_found
        assert ask(consumer, "update_contact", {"id": "ABC", "name": "Other"}).not_found
        assert ask(consumer, "delete_contact", "ABC").not_found
        assert sqlite.rows("SELECT * FROM named") == [("abc", "ana@example.org", "Ana")]


class TestObjects:
    def test_the_parts_of_an_object_that_are_given_are_merged(self, people: Open) -> None:
        """With `partial_updates`, the sync gives the changed parts alone."""
        consumer = people()
        details = {"address": {"city": "Madrid", "zip": "0612"}, "tags": ["a"]}
        id = str(ask(consumer, "create_contact", {"details": details}).id)
        changed = ask(consumer, "update_contact", {"id": id, "details": {"address": {"city": "Vigo"}, "new": None}})
        expected = {"address": {"city": "Vigo", "zip": "0612"}, "tags": ["a"], "new": None}
        assert (changed.contact or {})["details"] == expected
        assert (ask(consumer, "get_contact", id).contact or {})["details"] == expected
        cleared = ask(consumer, "update_contact", {"id": id, "details": None})
        assert (cleared.contact or {})["details"] is None
        again = ask(consumer, "update_contact", {"id": id, "details": {"tags": []}})
        assert (again.contact or {})["details"] == {"tags": []}
        assert ask(consumer, "update_contact", {"id": "999", "details": {"tags": []}}).not_found

    def test_rows_are_not_searched_by_an_object(self, people: Open) -> None:
        assert not ask(people(), "find_contact", "details", "{}").success


class TestLookUps:
    def test_rows_are_found_by_any_column(self, people: Open) -> None:
        consumer = people()
        for values in ({"points": 5, "born": "1990-02-09"}, {"points": 5, "name": "Bea"}, {"points": 6}):
            ask(consumer, "create_contact", values)
        assert len(ask(consumer, "find_contact", "points", "5").contacts or ()) == 2
        assert ask(consumer, "find_contact", "points", "6").id == "3"
        assert ask(consumer, "find_contact", "born", "1990-02-09").id == "1"
        for field, value in (("points", "five"), ("points", ""), ("born", "soon"), ("name", "bea"), ("name", "Be%")):
            assert ask(consumer, "find_contact", field, value).not_found
        unknown = ask(consumer, "find_contact", "nickname", "Ana")
        assert (unknown.not_found, unknown.error) == (False, "the table people cannot be searched by 'nickname'")

    def test_addresses_are_found_in_any_case_unless_that_is_not_wanted(self, people: Open) -> None:
        created = ask(people(), "create_contact", {"email": "Ana@Example.org"})
        for field in ("get_contact_by_email", "find_contact"):
            arguments = ["aNA@example.ORG"] if field == "get_contact_by_email" else ["email", "aNA@example.ORG"]
            assert ask(people(), field, *arguments).id == created.id
            assert ask(people(ignore_case=False), field, *arguments).not_found
        assert ask(people(ignore_case=False), "get_contact_by_email", "Ana@Example.org").id == created.id

    def test_a_walk_is_not_moved_by_rows_that_come_and_go(self, people: Open) -> None:
        consumer = people()
        ids = [str(ask(consumer, "create_contact", {"name": f"{n}"}).id) for n in range(6)]
        walked: list[str] = []
        for page in pages(consumer, 2):
            walked += [str(contact["id"]) for contact in page.contacts or ()]
            if len(walked) == 2:
                ask(consumer, "delete_contact", ids[0])
                ask(consumer, "create_contact", {"name": "new"})
        assert walked == [*ids, "7"]


class TestBatches:
    def test_a_row_that_is_refused_does_not_stop_the_others(self, people: Open, place: Place) -> None:
        consumer = people()
        first = ask(consumer, "create_contact", {"email": SECRET})
        contacts: list[dict[str, Any]] = [
            {"email": "ana@example.org"},
            {"email": SECRET},
            {"points": -1},
            {"points": "x"},
            {"email": "bea@example.org"},
        ]
        results = ask_many(consumer, "create_contacts", contacts)
        assert [result.success for result in results] == [True, False, False, False, True]
        assert (results[1].id, results[1].reason) == (first.id, EXISTS)
        changes: list[dict[str, Any]] = [
            {"id": results[0].id, "name": "Ana"},
            {"id": "999", "name": "x"},
            {"id": results[4].id, "points": -5},
        ]
        updated = ask_many(consumer, "update_contacts", changes)
        assert [(result.success, result.not_found) for result in updated] == [
            (True, False),
            (False, True),
            (False, False),
        ]
        assert place.rows("SELECT email, name FROM people ORDER BY id") == [
            (SECRET, ""),
            ("ana@example.org", "Ana"),
            ("bea@example.org", ""),
        ]

    def test_a_rule_that_is_checked_in_the_end_turns_the_batch_down_whole(
        self, schema: Schema, open_table: Make
    ) -> None:
        """Each is then written alone, and only the one at fault fails."""
        schema.run("CREATE TABLE late (id serial PRIMARY KEY, email text UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        consumer = open_table(schema.url, "late")
        contacts = [{"email": "ana@example.org"}, {"email": "ana@example.org"}]
        results = ask_many(consumer, "create_contacts", contacts)
        assert [(result.success, result.retryable, result.in_doubt) for result in results] == [
            (False, False, False)
        ] * 2
        assert schema.rows("SELECT * FROM late") == []
        assert ask(consumer, "create_contact", contacts[0]).success
        again = ask(consumer, "create_contact", contacts[0])
        assert (again.success, again.in_doubt, again.reason) == (False, False, EXISTS)
