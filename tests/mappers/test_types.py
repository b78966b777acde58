"""Numbers, booleans, lists and objects, and the canonical forms of all types."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers import Mapping, MappingValueError, Side

from .helpers import (
    field,
    json_lists,
    json_objects,
    json_values,
    numbers,
    refusal_to_botmatic,
    refusal_to_external,
    texts,
    thorough,
    to_botmatic,
    to_external,
)

NUMBER = field(type="number")
BOOLEAN = field(type="boolean")
LIST = field(type="list")
OBJECT = field(type="object")


@pytest.mark.parametrize(
    ("given_value", "number"),
    [
        (0, 0),
        (-5, -5),
        (33612345678901234567, 33612345678901234567),
        ("33612345678901234567", 33612345678901234567),
        (1.5, 1.5),
        (5.0, 5),
        (-0.0, 0),
        (1e300, 1e300),
        ("42", 42),
        (" 007 ", 7),
        ("+3.50", 3.5),
        ("1e5", 100000),
        ("5.", 5),
        (Decimal("19.99"), 19.99),
        (Decimal("1E+2"), 100),
    ],
)
def test_numbers_are_read_from_any_form_and_integers_stay_exact(given_value: Any, number: float) -> None:
    for mapped in (to_botmatic(NUMBER, given_value), to_external(NUMBER, given_value)):
        assert mapped == number
        assert type(mapped) is type(number)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("many", "expected a number, got text of another form"),
        ("3,5", "expected a number, got text of another form"),
        ("1_000", "expected a number, got text of another form"),
        ("٣", "expected a number, got text of another form"),
        ("9" * 5000, "expected a number, got text of another form"),
        ("1e999", "expected a number, got NaN or infinity"),
        (True, "expected a number, got a boolean"),
        ([1], "expected a number, got a list"),
        ({}, "expected a number, got an object"),
        (float("nan"), "expected a number, got NaN or infinity"),
        (float("-inf"), "expected a number, got NaN or infinity"),
        (Decimal("NaN"), "expected a number, got a Python Decimal"),
        (10**5000, "expected a number, got one with more than 1,000 digits"),
    ],
    ids=lambda value: str(value)[:20] if not isinstance(value, int) else "int",
)
def test_what_is_no_number_is_refused(value: Any, reason: str) -> None:
    assert refusal_to_botmatic(NUMBER, value) == reason
    assert refusal_to_external(NUMBER, value) == reason


@pytest.mark.parametrize("value", [True, 1, 1.0, "true", "TRUE ", "yes", "On", "1"])
def test_what_says_true_is_true(value: Any) -> None:
    assert to_botmatic(BOOLEAN, value) is True
    assert to_external(BOOLEAN, value) is True


@pytest.mark.parametrize("value", [False, 0, 0.0, "false", "False", "no", " off", "0"])
def test_what_says_false_is_false(value: Any) -> None:
    assert to_botmatic(BOOLEAN, value) is False
    assert to_external(BOOLEAN, value) is False


@pytest.mark.parametrize("value", [2, "maybe", "2", [], {}, float("nan")])
def test_what_is_no_boolean_is_refused(value: Any) -> None:
    assert refusal_to_botmatic(BOOLEAN, value).startswith("expected a boolean, got ")


def test_lists_and_objects_are_json_text_on_the_platform_alone() -> None:
    assert to_botmatic(LIST, ["a", 1]) == '["a",1]'
    assert to_botmatic(LIST, ("a", 1)) == '["a",1]'
    assert to_botmatic(LIST, ' [ "a" , 1 ] ') == '["a",1]'
    assert to_external(LIST, '["a",1]') == ["a", 1]
    assert to_external(LIST, ["a", 1]) == ["a", 1]
    assert to_botmatic(OBJECT, {"a": 1}) == '{"a":1}'
    assert to_botmatic(OBJECT, '{"a": 1}') == '{"a":1}'
    assert to_external(OBJECT, '{"a": 1}') == {"a": 1}
    assert to_external(OBJECT, {"a": 1}) == {"a": 1}


@pytest.mark.parametrize("value", ["a, b", '{"a":1}', {"a": 1}, 5, True, "[1", "[" * 100_000], ids=lambda v: str(v)[:9])
def test_what_is_no_list_is_refused(value: Any) -> None:
    assert refusal_to_external(LIST, value).startswith("expected a list, or JSON text of one, got ")
    assert refusal_to_botmatic(LIST, value).startswith("expected a list, or JSON text of one, got ")


@pytest.mark.parametrize("value", ["a, b", "[1]", [1], 5, True, '{"a"', "{", '"text"'])
def test_what_is_no_object_is_refused(value: Any) -> None:
    assert refusal_to_external(OBJECT, value).startswith("expected an object, or JSON text of one, got ")
    assert refusal_to_botmatic(OBJECT, value).startswith("expected an object, or JSON text of one, got ")


def test_an_empty_list_or_object_is_a_value() -> None:
    assert to_botmatic(LIST, []) == "[]"
    assert to_external(OBJECT, "{}") == {}


@pytest.mark.parametrize("mapper", [NUMBER, BOOLEAN, LIST, OBJECT, field(type="date"), field(type="datetime")])
def test_a_blank_is_empty_for_every_type_but_text(mapper: Any) -> None:
    assert mapper.to_botmatic({"there": "  "}) == {"here": None}
    assert mapper.to_external({"here": "\n"}) == {"there": None}
    assert to_external(field(), "  ") == "  "


def test_a_blank_is_left_out_where_empties_are_ignored() -> None:
    assert field(type="number", on_empty="ignore").to_external({"here": " "}) == {}


@thorough
@given(numbers)
def test_numbers_go_there_and_back(value: float) -> None:
    assert to_external(NUMBER, to_botmatic(NUMBER, value)) == value
    assert json.loads(json.dumps(to_botmatic(NUMBER, value))) == value


@thorough
@given(st.booleans())
def test_booleans_go_there_and_back(value: bool) -> None:
    assert to_external(BOOLEAN, to_botmatic(BOOLEAN, value)) is value


@thorough
@given(json_lists, json_objects)
def test_lists_and_objects_go_there_and_back(items: list[Any], names: dict[str, Any]) -> None:
    assert to_external(LIST, to_botmatic(LIST, items)) == items
    assert to_external(OBJECT, to_botmatic(OBJECT, names)) == names


@pytest.mark.parametrize(
    ("options", "value", "canonical"),
    [
        ({}, "Ada ", "Ada "),
        ({}, 5, "5"),
        ({}, 5.0, "5"),
        ({}, 1.5, "1.5"),
        ({}, True, "true"),
        ({}, False, "false"),
        ({}, ' {"b": 1.0, "a": [true]}', '{"a":[true],"b":1}'),
        ({}, {"b": 1, "a": [True]}, '{"a":[true],"b":1}'),
        ({}, {2: "two", 10: "ten"}, '{"10":"ten","2":"two"}'),
        ({}, ("a",), '["a"]'),
        ({"type": "number"}, "5.0", 5),
        ({"type": "boolean"}, "YES", True),
        ({"type": "date"}, "2018-02-09T12:44:26Z", "2018-02-09"),
        ({"type": "datetime"}, "2018-02-09 14:44:26+02:00", "2018-02-09T12:44:26.000Z"),
        ({"type": "list"}, "[1.0, 2]", "[1,2]"),
        ({"type": "object"}, {"b": 0, "a": 1e300}, '{"a":1e+300,"b":0}'),
        ({"type": "number", "to_botmatic": str}, 5, "5"),
    ],
)
def test_each_type_has_one_canonical_form(options: dict[str, Any], value: Any, canonical: Any) -> None:
    row = Mapping("here", "there", **options)
    for side in ("botmatic", "ext"):
        made = row.canonical(value, side)
        assert made == canonical
        assert type(made) is type(canonical)


@pytest.mark.parametrize("value", [None, ""])
def test_the_canonical_form_of_an_empty_value_is_none(value: Any) -> None:
    assert Mapping("a", "b", type="date").canonical(value) is None


def test_the_canonical_form_is_read_with_the_codec_of_its_side() -> None:
    row = Mapping("birthdate", "born", type="date", external_codec="%d/%m/%Y")
    assert row.canonical("09/02/2018", "ext") == row.canonical("2018-02-09", "botmatic") == "2018-02-09"


def test_a_datetime_is_compared_as_exactly_as_both_sides_can_hold_it() -> None:
    row = Mapping("seen", "seen_at", type="datetime", external_codec="epoch_s")
    assert row.canonical("2018-02-09T12:44:26.789Z", "botmatic") == row.canonical(1518180266, "ext")
    minutes = Mapping("seen", "seen_at", type="datetime", external_codec="%d/%m/%Y %H:%M")
    assert minutes.canonical("2018-02-09T12:44:26Z", "botmatic") == "2018-02-09T12:44:00.000Z"


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("botmatic", 'platform field "age": expected a number, got text of another form'),
        ("ext", 'external field "years": expected a number, got text of another form'),
    ],
)
def test_the_canonical_form_of_a_value_that_does_not_fit_is_refused(side: Side, message: str) -> None:
    with pytest.raises(MappingValueError, match=f"^{message}$"):
        Mapping("age", "years", type="number").canonical("secret", side)


def test_the_canonical_form_needs_a_known_side() -> None:
    with pytest.raises(ValueError, match=r'side: "external" is not known\. Use "botmatic" or "ext"'):
        Mapping("a", "b").canonical("x", "external")  # type: ignore[arg-type] # what is tested


@thorough
@given(json_values, st.sampled_from(["text", "list", "object", "number"]))
def test_a_value_and_what_it_is_mapped_to_have_the_same_canonical_form(value: Any, type: Any) -> None:
    mapper = field(type=type)
    row = mapper.rows[1]
    try:
        mapped = mapper.to_botmatic({"there": value})["here"]
    except MappingValueError:
        with pytest.raises(MappingValueError):
            row.canonical(value, "ext")
    else:
        assert row.canonical(mapped, "botmatic") == row.canonical(value, "ext")


@thorough
@given(texts)
def test_the_canonical_form_of_text_does_not_change_when_it_is_taken_again(text: str) -> None:
    row = Mapping("here", "there")
    once = row.canonical(text)
    assert row.canonical(once) == once
