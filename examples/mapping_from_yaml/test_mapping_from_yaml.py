"""What the README says."""

import json
from pathlib import Path

import pytest

from convert import main, mapper

RECORD = json.loads(Path(__file__).with_name("record.json").read_text("utf-8"))
CONTACT = {
    "id": 1042,
    "email": "zoe@example.org",
    "phone": "+33612345678",
    "birthdate": "1990-02-09",
    "last_seen": "2018-02-09T12:44:26.000Z",
    "newsletter": True,
    "spent": 19.99,
    "interests": '["music","chess"]',
    "address": '{"street":"1 rue de l’Église","zip":"07500"}',
    "source": None,
}


def test_a_record_of_the_crm_becomes_a_contact_of_the_platform() -> None:
    assert mapper.to_botmatic(RECORD) == CONTACT


def test_the_contact_becomes_that_record_again_but_for_what_travels_one_way() -> None:
    contact = RECORD["contact"] | {"email": "zoe@example.org"}
    expected = {key: value for key, value in RECORD.items() if key != "origin"} | {"contact": contact}
    assert mapper.to_external(CONTACT) == expected


def test_the_platform_gets_properties_of_fitting_types() -> None:
    types = {each["name"]: each["type"] for each in mapper.properties()}
    assert (types["birthdate"], types["last_seen"], types["spent"], types["address"]) == (
        "date",
        "date",
        "number",
        "text",
    )


def test_the_program_shows_all_three(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    said = capsys.readouterr().out
    assert '"contact": {' in said
    assert '"phone": "+33612345678"' in said
    assert said.count('"zip": "07500"') == 2
