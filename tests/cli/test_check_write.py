"""`contact-sync check --write`: a consumer is tried out with one contact, of which nothing is left."""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import Any

import pytest

from tests.cli.helpers import Checked, Project, process

pytestmark = pytest.mark.usefixtures("sandbox_platform")

STEPS = ["try create", "try read", "try find", "try update", "try delete"]

ROWS = """
FIELDS = [
    Mapping("id", "ref", id=True),
    Mapping("email", "mail", type="email", match=True),
    Mapping("firstname", "first_name"),
    Mapping("lastname", "last_name"),
    Mapping("country", "country"),
    Mapping("score", "score", direction="to_botmatic"),
]
"""

HEAD = f"""
import time

from contact_sync import NOT_FOUND, ContactSync, Result
from contact_sync.testing import MemoryConsumer, Quirks, QuirkyConsumer
from mappers import Mapping
{ROWS}


class Odd(MemoryConsumer):
    %s


crm = Odd([%s], id_field="ref", email_field="mail")
sync = ContactSync(crm, FIELDS, "sqlite:///pairs.db")
"""

BEA = '{"ref": "bea", "mail": "bea@example.com", "first_name": "Bea"}'


def program(project: Project, odd: str = "pass", records: str = "", *, then: str = "") -> None:
    """Write a program whose consumer is odd in some way, with records in its CRM."""
    project.write("program.py", HEAD % (odd.replace("\n", "\n    "), records) + then)


def tried(project: Project, *options: str) -> Checked:
    return project.check("--write", *options)


def crm() -> Any:
    return sys.modules["program"].crm


def states(checked: Checked) -> dict[str, str]:
    """What came of trying it out."""
    return {name: state for name, state in checked.states().items() if name.startswith("try")}


def test_a_marked_contact_is_created_read_found_changed_and_deleted(project: Project) -> None:
    program(project, records=BEA)
    checked = tried(project)
    assert states(checked) == dict.fromkeys(STEPS, "ok")
    assert re.fullmatch(r"record 1, in \d+ ms", checked["try create"][1])
    assert re.fullmatch(r"record 1 is as it was written, in \d+ ms", checked["try read"][1])
    assert checked["try find"][1] == "by email, with find_contact"
    assert re.fullmatch(r"record 1 is deleted, in \d+ ms", checked["try delete"][1])
    assert list(crm().records) == ["bea"]
    assert [name for name, _ in crm().calls if name not in ("list_contacts", "get_contact")] == [
        "create_contact",
        "get_contact_by_email",
        "update_contact",
        "delete_contact",
    ]


def test_without_being_asked_to_nothing_is_written(project: Project) -> None:
    program(project)
    assert states(project.check()) == {}
    assert [name for name, _ in crm().calls] == ["list_contacts"]


def test_the_contact_says_in_its_fields_that_it_is_a_test(project: Project) -> None:
    """An address of its own, and its text in the fields of names, which CRMs may ask for; nothing in the others."""
    odd = (
        "sent = []\ndef create_contact(self, contact):\n    self.sent.append(contact)\n"
        "    return super().create_contact(contact)"
    )
    program(project, odd)
    tried(project)
    tried(project)
    first, second = crm().sent
    assert re.fullmatch(r"contact-sync-check\+[0-9a-f]{12}@example\.com", first["mail"])
    assert first["mail"] != second["mail"]
    text = "contact_sync check, may be deleted"
    assert first | {"mail": ""} == {"mail": "", "first_name": text, "last_name": text}


@pytest.mark.parametrize(
    "quirks",
    [
        "ids='number', not_found='error_in_200', normalises=True, partial=True",
        "ids='path', not_found='forbidden_403', replaces=True, paging='cursor'",
    ],
)
def test_crms_with_quirks_are_tried_out_as_well(project: Project, quirks: str) -> None:
    then = f"""
crm = QuirkyConsumer(Quirks({quirks}), id_field="ref", email_field="mail")
sync = ContactSync(crm, FIELDS, "sqlite:///pairs.db")
"""
    program(project, then=then)
    assert states(tried(project)) == dict.fromkeys(STEPS, "ok")
    assert crm().records == {}


def test_what_cannot_be_deleted_is_tried_again_and_then_named_loudly(project: Project) -> None:
    program(project, "def delete_contact(self, id):\n    return Result.failed('not allowed')")
    result = project.run("check", "program:sync", "--write")
    assert result.code == 1
    assert "The test contact may still be in the CRM: record 1. Delete it there.\n" in result.err
    assert "the test contact, record 1, could NOT be deleted: not allowed" in " ".join(result.out.split())
    assert list(crm().records) == ["1"]


def test_a_delete_that_works_at_the_second_try_leaves_nothing(project: Project) -> None:
    program(project, then="crm.fail_next(TimeoutError(), 'delete_contact')\n")
    checked = tried(project)
    assert checked["try delete"] == ("fail", "Odd.delete_contact raised TimeoutError")
    assert checked["try clean-up"] == ("ok", "record 1 was deleted")
    assert (checked.code, crm().records) == (1, {})


def test_a_contact_whose_answer_got_lost_is_found_by_its_address_and_deleted(project: Project) -> None:
    program(project, records=BEA, then="crm.fail_next(TimeoutError(), 'create_contact', after=True)\n")
    checked = tried(project)
    assert states(checked) == {"try create": "fail", "try clean-up": "ok"}
    assert list(crm().records) == ["bea"]


def test_a_create_without_an_id_is_cleaned_up_too(project: Project) -> None:
    odd = "def create_contact(self, contact):\n    super().create_contact(contact)\n    return Result.ok()"
    program(project, odd)
    checked = tried(project)
    assert checked["try create"] == ("fail", "it succeeded without an id")
    assert (states(checked)["try clean-up"], crm().records) == ("ok", {})


def test_where_nobody_knows_what_was_made_it_is_said_what_to_look_for(project: Project) -> None:
    program(project, "def create_contact(self, contact):\n    raise TimeoutError")
    result = project.run("check", "program:sync", "--write", "--json", "--timeout", "1")
    [found] = [check for check in json.loads(result.out)["checks"] if check["name"] == "try clean-up"]
    assert (found["state"], found["detail"]) == (
        "warn",
        "nobody knows whether a contact was made; none is found by its address",
    )
    assert re.search(r"still be in the CRM: look for contact-sync-check\+[0-9a-f]{12}@example\.com\.", result.err)


def test_without_an_address_a_contact_whose_answer_got_lost_can_only_be_looked_for(project: Project) -> None:
    then = "crm.fail_next(TimeoutError(), 'create_contact', after=True)\n"
    then += "sync = ContactSync(crm, [FIELDS[0], Mapping('note', 'note')], 'sqlite:///pairs.db')\n"
    program(project, then=then)
    result = project.run("check", "program:sync", "--write", "--json")
    assert "may still be in the CRM: look for 'contact_sync check, may be deleted'. Delete it there." in result.err
    assert list(crm().records) == ["1"]


@pytest.mark.parametrize(
    "end",
    ["raise KeyError('id')", "return Result.failed('no id in the answer')", "return None", "return {'success': False}"],
)
def test_a_create_that_writes_and_then_fails_is_found_by_its_address_and_deleted(project: Project, end: str) -> None:
    """Whatever it says: that nothing was made is not believed."""
    program(project, f"def create_contact(self, contact):\n    super().create_contact(contact)\n    {end}", BEA)
    checked = tried(project)
    assert states(checked) == {"try create": "fail", "try clean-up": "ok"}
    assert checked["try clean-up"] == ("ok", "record 1 was deleted")
    assert list(crm().records) == ["bea"]
    assert "may still be in the CRM" not in checked.text


WRITES_AND_FAILS = "def create_contact(self, contact):\n    super().create_contact(contact)\n    raise KeyError('id')\n"

CANNOT_FIND = "def find_contact(self, field, value):\n    raise NotImplementedError\n"


def test_where_find_contact_does_not_work_it_is_looked_for_by_its_email(project: Project) -> None:
    program(project, WRITES_AND_FAILS + CANNOT_FIND)
    assert tried(project)["try clean-up"] == ("ok", "record 1 was deleted")
    assert crm().records == {}


@pytest.mark.parametrize(
    ("search", "detail"),
    [
        (
            f"{CANNOT_FIND}def get_contact_by_email(self, email):\n    raise NotImplementedError",
            "nobody knows whether a contact was made; it cannot be looked for by an address",
        ),
        (
            "def get_contact_by_email(self, email):\n    return Result.failed(NOT_FOUND)",
            "none is found by its address, but no other record is either, as far as was seen: the search may not work",
        ),
    ],
    ids=["it raises", "it finds nobody"],
)
def test_where_the_search_does_not_work_a_create_that_failed_is_named_loudly(
    project: Project, search: str, detail: str
) -> None:
    program(project, WRITES_AND_FAILS + search, BEA)
    result = project.run("check", "program:sync", "--write", "--json", "--timeout", "1")
    [found] = [check for check in json.loads(result.out)["checks"] if check["name"] == "try clean-up"]
    assert (result.code, found["state"], found["detail"]) == (1, "warn", detail)
    assert re.search(r"still be in the CRM: look for contact-sync-check\+[0-9a-f]{12}@example\.com\.", result.err)


def test_a_create_that_is_refused_leaves_nothing_where_the_search_finds_others(project: Project) -> None:
    program(project, "def create_contact(self, contact):\n    return Result.failed('last_name is missing')", BEA)
    checked = tried(project, "--timeout", "1")
    assert checked["try create"] == ("fail", "Odd.create_contact: last_name is missing")
    detail = "no contact was made: none is found by its address, as others are by theirs"
    assert checked["try clean-up"] == ("ok", detail)
    assert "may still be in the CRM" not in checked.text


def test_a_test_contact_without_a_usable_id_is_named_loudly(project: Project) -> None:
    then = "sync = ContactSync(crm, [Mapping('id', 'id', id=True), *FIELDS[1:]], 'sqlite:///pairs.db')\n"
    program(project, WRITES_AND_FAILS, then=then)
    checked = tried(project)
    assert checked["try clean-up"] == ("fail", "the test contact is there, and has no usable id in 'id'")
    assert "may still be in the CRM: look for contact-sync-check+" in checked.text


def test_that_a_record_is_missing_which_the_search_has_just_found_is_not_believed(project: Project) -> None:
    program(project, f"{WRITES_AND_FAILS}def delete_contact(self, id):\n    return Result.failed(NOT_FOUND)")
    checked = tried(project)
    detail = "the test contact, record 1, could NOT be deleted: resource not found"
    assert checked["try clean-up"] == ("fail", detail)
    assert "may still be in the CRM: record 1. Delete it there." in checked.text


@pytest.mark.parametrize(
    "odd",
    [
        "def create_contact(self, contact):\n    super().create_contact(contact)\n    return Result.ok('bea')",
        "def get_contact(self, id):\n    return super().get_contact('bea')",
    ],
    ids=["create_contact gives a wrong id", "get_contact reads a wrong record"],
)
def test_a_record_of_somebody_else_is_never_touched(project: Project, odd: str) -> None:
    program(project, odd, BEA)
    checked = tried(project)
    assert states(checked)["try read"] == "fail"
    assert "is not the one that was created" in checked["try read"][1]
    assert "try update" not in states(checked)
    assert checked["try clean-up"][0] == "ok"
    assert {id: record["first_name"] for id, record in crm().records.items()} == {"bea": "Bea"}


def test_a_record_that_cannot_be_seen_to_be_the_test_contact_is_left_and_named(project: Project) -> None:
    odd = (
        "def get_contact(self, id):\n    return Result.failed('no')\n"
        "def get_contact_by_email(self, email):\n    return Result.failed('no')"
    )
    program(project, odd)
    result = project.run("check", "program:sync", "--write")
    assert result.code == 1
    assert "record 1 does not show that it is the test contact, so it was NOT deleted" in " ".join(result.out.split())
    assert "look for contact-sync-check+" in result.err
    assert list(crm().records) == ["1"]


def test_a_record_that_only_the_search_shows_is_deleted(project: Project) -> None:
    program(project, "def get_contact(self, id):\n    return Result.failed('no')")
    checked = tried(project)
    assert states(checked) == {
        "try create": "ok",
        "try read": "fail",
        "try find": "ok",
        "try update": "fail",
        "try delete": "fail",
    }
    assert crm().records == {}


def test_an_id_row_that_names_another_field_fails(project: Project) -> None:
    then = "sync = ContactSync(crm, [Mapping('id', 'id', id=True), *FIELDS[1:]], 'sqlite:///pairs.db')\n"
    program(project, then=then)
    checked = tried(project)
    assert checked["try read"] == ("fail", "the record has no id in 'id', where create_contact gave 1")
    assert crm().records == {}


def test_a_search_that_gives_others_too_fails(project: Project) -> None:
    odd = "def find_contact(self, field, value):\n    return Result.ok(contacts=list(self.records.values()))"
    program(project, odd, BEA)
    checked = tried(project)
    assert checked["try find"] == ("fail", "Odd.find_contact gave 2 records for an address that one alone has")
    assert list(crm().records) == ["bea"]


def test_a_search_that_lags_is_waited_for(project: Project) -> None:
    odd = (
        "asked = 0\ndef find_contact(self, field, value):\n    self.asked += 1\n"
        "    return super().find_contact(field, value) if self.asked > 2 else Result.failed(NOT_FOUND)"
    )
    program(project, odd)
    assert tried(project)["try find"] == ("ok", "by email, with find_contact, 1 s after it was created")


def test_a_search_that_never_finds_fails(project: Project) -> None:
    program(project, "def find_contact(self, field, value):\n    return Result.failed(NOT_FOUND)")
    checked = tried(project, "--timeout", "1")
    assert checked["try find"][0] == "fail"
    assert checked["try find"][1].startswith("Odd.find_contact: resource not found; it was asked for ")
    assert states(checked)["try delete"] == "ok"


def test_an_update_that_does_nothing_fails(project: Project) -> None:
    program(project, "def update_contact(self, contact):\n    return Result.ok()")
    detail = "record 1 does not have what was written to first_name, last_name"
    assert tried(project)["try update"] == ("fail", detail)


def test_fields_that_the_crm_does_not_keep_are_named(project: Project) -> None:
    odd = "def create_contact(self, contact):\n    return super().create_contact(contact | {'last_name': None})"
    program(project, odd)
    assert tried(project)["try read"] == ("warn", "record 1 does not have what was written to last_name")


def test_a_delete_that_does_nothing_fails_and_says_that_the_record_is_there(project: Project) -> None:
    program(project, "def delete_contact(self, id):\n    return Result.ok()")
    checked = tried(project)
    assert checked["try delete"] == ("fail", "delete_contact succeeded, and get_contact still gives record 1")
    assert checked["try clean-up"][0] == "fail"
    assert "may still be in the CRM: record 1. Delete it there." in checked.text


@pytest.mark.parametrize(
    ("odd", "detail"),
    [
        ("can_create = False", "records cannot be created (can_create)"),
        ("can_delete = False", "records cannot be deleted (can_delete), so none is created"),
    ],
)
def test_what_cannot_be_taken_away_again_is_not_created(project: Project, odd: str, detail: str) -> None:
    program(project, f"{odd}\nlacks = ('archive_contact',)")
    checked = tried(project)
    assert (states(checked), checked["try"]) == ({"try": "skipped"}, ("skipped", detail))
    assert [name for name, _ in crm().calls] == ["list_contacts"]


def test_where_records_are_archived_in_place_of_being_deleted_that_is_done(project: Project) -> None:
    archive = "def archive_contact(self, id):\n    return super().delete_contact(id)"
    program(project, f"can_delete = False\n{archive}")
    assert tried(project)["try delete"][1].startswith("record 1 is archived, in ")
    assert crm().records == {}


def test_where_records_cannot_be_changed_the_rest_is_tried(project: Project) -> None:
    program(project, "can_update = False\nread_only_fields = ('last_name',)")
    checked = tried(project)
    assert checked["try update"] == ("skipped", "records cannot be changed (can_update)")
    assert states(checked)["try delete"] == "ok"


@pytest.mark.parametrize(
    ("rows", "steps"),
    [
        ("Mapping('score', 'score', type='number')", {"try": "skipped"}),
        ("Mapping('note', 'note')", dict.fromkeys(STEPS, "ok") | {"try find": "skipped"}),
        (
            "Mapping('emails', 'mail', type='list', match=True)",
            dict.fromkeys(STEPS, "ok") | {"try update": "skipped"},
        ),
    ],
    ids=["nothing", "text alone", "a list of addresses alone"],
)
def test_the_mapping_says_how_a_contact_can_be_marked(project: Project, rows: str, steps: dict[str, str]) -> None:
    odd = (
        "def find_contact(self, field, value):\n"
        "    return Result.ok(contacts=[one for one in self.records.values() if value in one[field]])"
    )
    program(project, odd, then=f"sync = ContactSync(crm, [FIELDS[0], {rows}], 'sqlite:///pairs.db')\n")
    assert states(tried(project)) == steps
    assert crm().records == {}


def test_with_one_account_a_tenant_and_nobody_named_nothing_is_tried(project: Project) -> None:
    program(project, then="sync = ContactSync(lambda auth: crm, FIELDS, 'sqlite:///pairs.db')\n")
    assert tried(project)["try"] == ("skipped", "nobody to ask for")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_stopped_on_the_way_it_deletes_the_contact_first(project: Project, number: signal.Signals) -> None:
    odd = (
        "def update_contact(self, contact):\n    print('updating', flush=True)\n    time.sleep(1)\n"
        "    return super().update_contact(contact)\n"
        "def delete_contact(self, id):\n    result = super().delete_contact(id)\n"
        "    print('left:', list(self.records), flush=True)\n    return result"
    )
    program(project, odd)
    with process(project, "-m", "contact_sync.cli", "check", "program:sync", "--write") as command:
        command.wait_for("updating")
        command.signal(number)
        assert command.end() == 1
    assert "Stopping: the test contact is deleted first." in command.log
    assert "left: []" in command.log
    assert re.search(r"ok +try clean-up +record 1 was deleted", command.log)
    assert "may still be in the CRM" not in command.log


def test_stopped_twice_it_says_what_is_left(project: Project) -> None:
    odd = (
        "def update_contact(self, contact):\n    print('updating', flush=True)\n    time.sleep(1)\n"
        "def delete_contact(self, id):\n    print('deleting', flush=True)\n    time.sleep(60)"
    )
    program(project, odd)
    with process(project, "-m", "contact_sync.cli", "check", "program:sync", "--write") as command:
        command.wait_for("updating")
        command.signal(signal.SIGINT)
        command.wait_for("deleting")
        command.signal(signal.SIGINT)
        assert command.end() == 1
    assert "The test contact may still be in the CRM: record 1. Delete it there." in command.log


def test_a_step_that_hangs_is_given_up_and_the_contact_deleted(project: Project) -> None:
    program(project, "def update_contact(self, contact):\n    time.sleep(3)")
    checked = tried(project, "--timeout", "1")
    assert checked["try"] == ("fail", "no answer within 1 s")
    assert checked["try clean-up"] == ("ok", "record 1 was deleted")
