"""E-mail addresses and phone numbers: values as they are, compared in a form of their own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers import Mapper, Mapping, MappingDefinitionError, mapper_from_dict

from .helpers import (
    ID,
    field,
    numbers,
    refusal_to_botmatic,
    refusal_to_external,
    table,
    texts,
    thorough,
    to_botmatic,
    to_external,
)

EMAIL = field(type="email")
PHONE = field(type="phone", region="FR")
MISSING_LIBRARY = "a field of type \"phone\" needs phonenumbers. Install it with: pip install 'contact-sync[phone]'"

# Signs that real numbers are written with, so that some examples are ones.
phone_texts = st.text("0123456789+＋٠٦ ()-./;ext=#,abcé", max_size=24) | texts
valid_numbers = st.integers(600_000_000, 799_999_999)


@pytest.mark.parametrize("mapper", [EMAIL, PHONE])
@pytest.mark.parametrize("value", [" Ada@Example.com", "06 12 34 56 78", "ask her", "[1]", 0, 5, 1.5, False, True])
def test_addresses_and_numbers_pass_as_they_are(mapper: Mapper, value: Any) -> None:
    for mapped in (to_botmatic(mapper, value), to_external(mapper, value)):
        assert mapped == value
        assert type(mapped) is type(value)


@pytest.mark.parametrize("mapper", [EMAIL, PHONE])
@pytest.mark.parametrize("value", [None, "", " ", "\n\t"])
def test_a_blank_address_or_number_is_empty(mapper: Mapper, value: Any) -> None:
    assert mapper.to_botmatic({"there": value}) == {"here": None}
    assert mapper.rows[1].canonical(value) is None


@pytest.mark.parametrize("mapper", [EMAIL, PHONE])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (["a@example.com"], "expected text or a number, got a list"),
        ({"main": "06"}, "expected text or a number, got an object"),
        (float("nan"), "expected a number, got NaN or infinity"),
    ],
)
def test_what_is_neither_text_nor_number_is_refused(mapper: Mapper, value: Any, reason: str) -> None:
    assert refusal_to_botmatic(mapper, value) == refusal_to_external(mapper, value) == reason


@pytest.mark.parametrize("mapper", [EMAIL, PHONE])
def test_the_platforms_property_is_text(mapper: Mapper) -> None:
    assert mapper.rows[1].platform_type == "text"


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (" Ada@Example.COM\n", "ada@example.com"),
        ("STRASSE@example.de", "strasse@example.de"),
        ("Straße@example.de", "strasse@example.de"),
        ("[1]", "[1]"),
        (0, "0"),
        (5.0, "5"),
        (False, "false"),
    ],
)
def test_addresses_are_compared_without_case_and_blanks(value: Any, form: str) -> None:
    for side in ("botmatic", "ext"):
        assert EMAIL.rows[1].canonical(value, side) == form


@pytest.mark.parametrize(
    "value",
    [
        "06 12 34 56 78",
        "06.12.34.56.78",
        "06-12-34-56-78",
        "+33 6 12 34 56 78",
        "0033 612345678",
        "(+33) (0)6 12 34 56 78",
        "tel:+33-6-12-34-56-78",
        "06 12 34 56 78 (home)",
        "0_612345678",
        "٠٦١٢٣٤٥٦٧٨",
        "＋33612345678",
        33612345678,
        612345678,
        33612345678.0,
    ],
)
def test_a_number_is_the_same_however_it_is_written(value: Any) -> None:
    for side in ("botmatic", "ext"):
        assert PHONE.rows[1].canonical(value, side) == "+33612345678"


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("+33 6 12 34 56 78 ext. 12", "+33612345678;ext=12"),
        ("06 12 34 56 78 x12", "+33612345678;ext=12"),
        ("tel:+33-6-12-34-56-78;ext=12", "+33612345678;ext=12"),
        ("+1 (800) FLOWERS", "+18003569377"),
        ("+39 06 698 12345", "+390669812345"),
        ("12-34", "1234"),
        ("+ 12-34", "+1234"),
        ("0", "0"),
        (0, "0"),
        (False, "false"),
        (" Ask HER ", "ask her"),
        ("06 12 34 56 78 or 07 12 34 56 78", "06 12 34 56 78 or 07 12 34 56 78"),
        ("9" * 300, "9" * 300),
        ("+", "+"),
        ("\ud800", "\ud800"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_extensions_are_kept_and_odd_numbers_are_no_error(value: Any, form: str) -> None:
    assert PHONE.rows[1].canonical(value) == form


def test_without_a_region_only_numbers_with_a_country_are_taken_apart() -> None:
    row = Mapping("phone", "tel", type="phone")
    assert row.canonical("+33 6 12 34 56 78") == "+33612345678"
    assert row.canonical("06 12 34 56 78") == "0612345678"


@thorough
@given(texts)
def test_the_form_of_an_address_is_its_own_form(text: str) -> None:
    row = EMAIL.rows[1]
    once = row.canonical(text)
    assert row.canonical(once) == once


@thorough
@given(phone_texts, st.sampled_from([None, "FR", "US", "IT", "RU", "MX", "AR"]))
def test_the_form_of_a_phone_number_is_its_own_form(text: str, region: str | None) -> None:
    row = Mapping("phone", "tel", type="phone", region=region)
    once = row.canonical(text)
    assert row.canonical(once) == once


@thorough
@given(valid_numbers, st.sampled_from(sorted(vars(phonenumbers.PhoneNumberFormat).items())))
def test_every_format_of_a_number_is_the_same_number(national: int, style: tuple[str, Any]) -> None:
    if not isinstance(style[1], int):
        return
    number = phonenumbers.PhoneNumber(country_code=33, national_number=national)
    assert PHONE.rows[1].canonical(phonenumbers.format_number(number, style[1])) == f"+33{national}"


@thorough
@given(texts | numbers | st.booleans())
def test_an_address_has_the_form_of_what_it_is_mapped_to(value: Any) -> None:
    for mapper in (EMAIL, PHONE):
        row = mapper.rows[1]
        assert row.canonical(to_botmatic(mapper, value), "botmatic") == row.canonical(value, "ext")


def test_addresses_and_numbers_with_a_transform_are_still_compared_as_such() -> None:
    bare = Mapping("phone", "tel", type="phone", region="FR", to_external=lambda text: text.removeprefix("+"))
    assert bare.canonical("33612345678", "ext") == bare.canonical("+33 6 12 34 56 78") == "+33612345678"
    assert bare.canonical({"number": 1}, "ext") == '{"number":1}'


def test_the_tables_region_is_that_of_phone_rows_without_one() -> None:
    mapper = table(
        Mapping("home", "home", type="phone"),
        Mapping("work", "work", type="phone", region="GB"),
        Mapping("name", "name"),
        default_region="FR",
    )
    assert [row.region for row in mapper.rows] == [None, "FR", "GB", None]
    assert mapper.rows[1].canonical("0612345678") == "+33612345678"
    assert mapper.rows[2].canonical("020 7946 0018") == "+442079460018"


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (
            "fr",
            (
                'default_region: "fr" is not known. Did you mean "FR"? '
                'Use the two capital letters of a country, such as "FR" or "GB"'
            ),
        ),
        ("ZZ", 'default_region: "ZZ" is not known. Use the two capital letters of a country, such as "FR" or "GB"'),
        (
            33,
            (
                "default_region: expected text, got a number. "
                'Use the two capital letters of a country, such as "FR" or "GB", between quotes'
            ),
        ),
    ],
)
def test_a_wrong_region_of_the_table_is_refused(region: Any, message: str) -> None:
    phone = Mapping("phone", "tel", type="phone", region="FR")
    with pytest.raises(MappingDefinitionError) as caught:
        table(phone, default_region=region)
    assert str(caught.value) == message
    with pytest.raises(MappingDefinitionError) as caught:
        mapper_from_dict(
            {
                "default_region": region,
                "rows": [
                    {"id": True, "botmatic": "id", "ext": "ref"},
                    {"botmatic": "phone", "ext": "tel", "type": "phone"},
                ],
            }
        )
    assert str(caught.value) == message


def test_a_region_of_a_wrong_form_is_refused_in_a_table_without_phone_numbers_too() -> None:
    with pytest.raises(MappingDefinitionError, match=r'^default_region: "France" is not known\.'):
        table(default_region="France")


def test_a_phone_row_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(MappingDefinitionError) as caught:
        Mapping("phone", "tel", type="phone")
    assert str(caught.value) == f'Mapping "phone": type: {MISSING_LIBRARY}'
    with pytest.raises(MappingDefinitionError) as caught:
        Mapper([ID, {"botmatic": "phone", "ext": "tel", "type": "phone", "region": "FR"}])
    assert str(caught.value) == f'row 2 ("phone"): type: {MISSING_LIBRARY}'


def test_all_other_rows_need_no_library_for_phone_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert table(Mapping("email", "mail", type="email"), default_region="FR").to_botmatic({"mail": "A"}) == {
        "email": "A"
    }


def test_the_library_is_loaded_by_the_first_phone_row_alone() -> None:
    program = (
        "import sys; from mappers import Mapper, Mapping;"
        "Mapper([Mapping('id', 'ref', id=True), Mapping('email', 'mail', type='email')], default_region='FR');"
        "assert 'phonenumbers' not in sys.modules;"
        "Mapping('phone', 'tel', type='phone');"
        "assert 'phonenumbers' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
