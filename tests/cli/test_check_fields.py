"""`contact-sync check`: what a consumer can do, and whether the mapping fits the fields that its CRM names."""

from __future__ import annotations

import pytest

from tests.cli.helpers import Project

pytestmark = pytest.mark.usefixtures("sandbox_platform")

PROGRAM = """
from contact_sync import CANNOT_CLEAR, ContactSync, CRMField, ExternalAPIConsumer, RateBudget, ReadOnlyConsumer
from contact_sync.testing import MemoryConsumer
from mappers import Mapping


class Named(MemoryConsumer):
    {body}


FIELDS = [Mapping("id", "ref", id=True), Mapping("email", "mail", match=True), {rows}]
sync = ContactSync(Named(id_field="ref", email_field="mail"), FIELDS, "sqlite:///pairs.db")
"""


def program(project: Project, body: str, rows: str = "") -> None:
    project.write("program.py", PROGRAM.format(body=body, rows=rows))


def naming(*fields: str) -> str:
    return f"def list_fields(self):\n        return [{', '.join(f'CRMField({field})' for field in fields)}]"


def test_fields_that_the_crm_has_are_in_order(project: Project) -> None:
    """The id need not be among them; an object counts for what lies in it, and the other way round."""
    rows = 'Mapping("city", "address.city"), Mapping("note", "properties", type="object")'
    program(project, naming("'mail'", "'address'", "'properties.note'", "'no..path'"), rows)
    checked = project.check()
    assert checked["fields"] == ("ok", "the CRM names 4 fields, those of the mapping among them")


def test_a_field_that_is_not_there_fails_with_the_one_that_may_be_meant(project: Project) -> None:
    rows = 'Mapping("firstname", "firstName"), Mapping("x", "properties.phone"), Mapping("y", "wholly other")'
    program(project, naming("'mail'", "'first_name'", "'properties.phones'"), rows)
    checked = project.check()
    state, detail = checked["fields"]
    assert (checked.code, state) == (1, "fail")
    assert detail.split("; ") == [
        "the CRM has no 'firstName' (did you mean 'first_name'?)",
        "the CRM has no 'properties.phone' (did you mean 'properties.phones'?)",
        "the CRM has no 'wholly other'",
    ]


@pytest.mark.parametrize(
    "body",
    [naming("'mail'", "'score', read_only=True"), "read_only_fields = ('score',)"],
    ids=["the CRM says so", "the consumer says so"],
)
def test_a_row_that_writes_what_cannot_be_written_is_warned_of(project: Project, body: str) -> None:
    program(project, body, 'Mapping("score", "score")')
    assert project.check()["fields"] == ("warn", "score cannot be written there")
    program(project, body, 'Mapping("score", "score", direction="to_botmatic")')
    project.write("other.py", (project.folder / "program.py").read_text())
    assert "cannot be written" not in project.run("check", "other:sync", "--json").out


def test_fields_that_cannot_be_listed_are_a_finding(project: Project) -> None:
    program(project, "def list_fields(self):\n        raise ConnectionError('ana@example.com')")
    checked = project.check()
    assert checked["fields"] == ("fail", "Named.list_fields raised ConnectionError")
    assert "ana@" not in checked.text


def test_without_list_fields_nothing_is_said_of_fields(project: Project) -> None:
    program(project, "lacks = ('list_fields',)")
    assert "fields" not in project.check().states()


def test_what_a_consumer_can_do_is_said(project: Project) -> None:
    body = "rate_budget = RateBudget(100, per=10)\n    clear_value = CANNOT_CLEAR\n"
    body += "    __init__ = lambda self, **names: MemoryConsumer.__init__(self, batch_size=100, **names)\n"
    program(project, f"{body}    lacks = ('archive_contact', 'list_changed', 'list_fields')\n    can_delete = False")
    state, detail = project.check()["CRM abilities"]
    assert state == "ok"
    assert detail.split(", ") == [
        "deletes nothing",
        "numbered pages",
        "batches of 100",
        "searched by any field",
        "no archive",
        "does not tell what has changed",
        "no field can be cleared",
        "100 calls in 10 s",
    ]


def test_of_one_that_can_only_be_read_it_is_said(project: Project) -> None:
    body = (
        "pass\n\n\nclass Directory(ReadOnlyConsumer):\n"
        "    def get_contact(self, id): ...\n    def get_contact_by_email(self, email): ...\n"
        "    def list_contacts(self, page=1, limit=30):\n        return {'success': True, 'contacts': []}\n"
    )
    program(project, body)
    with (project.folder / "program.py").open("a") as file:
        file.write("sync = ContactSync(Directory(), FIELDS, 'sqlite:///pairs.db')\n")
    checked = project.check()
    assert checked["CRM abilities"][1].startswith("creates nothing, updates nothing, deletes nothing, numbered pages")
    assert checked["updates"] == ("ok", "none: records cannot be changed (can_update)")
