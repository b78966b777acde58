"""Fields of type text, the default."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from mappers import Mapper

from .helpers import (
    field,
    json_lists,
    json_objects,
    refusal_to_botmatic,
    refusal_to_external,
    texts,
    thorough,
    to_botmatic,
    to_external,
)

PLAIN = field()


@pytest.mark.parametrize(
    "text",
    ["75001", "true", "null", "1e5", "33612345678901234567", "007", "  spaced  ", "NaN", '"quoted"', "-0", "1.10", "0"],
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    assert to_external(PLAIN, text) == text
    assert to_botmatic(PLAIN, text) == text


@pytest.mark.parametrize("value", [0, False, True, 1.5, -7, 10**19])
def test_numbers_and_booleans_pass_as_they_are(value: Any) -> None:
    for mapped in (to_external(PLAIN, value), to_botmatic(PLAIN, value)):
        assert mapped == value
        assert type(mapped) is type(value)


def test_an_object_or_list_is_json_text_on_the_platform() -> None:
    assert to_botmatic(PLAIN, {"city": "Łódź", "zip": "007", "tags": [1, None]}) == (
        '{"city":"Łódź","zip":"007","tags":[1,null]}'
    )
    assert to_botmatic(PLAIN, [1, "a"]) == '[1,"a"]'
    assert to_botmatic(PLAIN, (1, "a")) == '[1,"a"]'


@pytest.mark.parametrize("text", ['{"a":1}', "[1,2]", ' \t\r\n{"a": [true, null]} ', "[]", "{}"])
def test_json_text_of_an_object_or_list_is_that_object_or_list_outside(text: str) -> None:
    assert to_external(PLAIN, text) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    ["{not json", "[1,2", '{"a":1} x', "[NaN]", "[1e999]", "[-Infinity]", f"[{'1' * 5000}]", "[" * 100_000, "   "],
    ids=["brace", "bracket", "tail", "nan", "overflow", "infinity", "huge", "deep", "blank"],
)
def test_text_that_is_no_json_or_json_that_cannot_be_held_stays_text(text: str) -> None:
    assert to_external(PLAIN, text) == text


def test_an_object_passed_to_the_external_side_is_a_copy() -> None:
    tags = {"list": ["a"]}
    mapped = to_external(PLAIN, tags)
    assert mapped == tags
    mapped["list"].append("b")
    assert tags == {"list": ["a"]}


def cyclic() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


def deep() -> list[Any]:
    items: list[Any] = []
    for _ in range(100_000):
        items = [items]
    return items


@pytest.mark.parametrize("make", [cyclic, deep])
def test_a_value_that_contains_itself_or_is_too_deep_is_refused(make: Any) -> None:
    assert "nested too deeply, or contains itself" in refusal_to_botmatic(PLAIN, make())
    assert "nested too deeply, or contains itself" in refusal_to_external(PLAIN, make())


@pytest.mark.parametrize("value", [[float("nan")], {"a": float("inf")}, {"a": object()}, {(1, 2): 3}, [10**5000]])
def test_what_json_cannot_carry_inside_an_object_is_refused(value: Any) -> None:
    assert "holds something that JSON cannot carry" in refusal_to_botmatic(PLAIN, value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (date(2018, 2, 9), "a date"),
        (datetime(2018, 2, 9), "a datetime"),
        (Decimal("1.5"), "a Python Decimal"),
        (b"x", "a Python bytes"),
    ],
)
def test_a_python_object_is_refused_for_the_platform_with_what_to_do(value: Any, kind: str) -> None:
    assert refusal_to_botmatic(PLAIN, value) == (
        f"got {kind}, which JSON cannot carry. Give the row a fitting type, or a transform"
    )
    assert to_external(PLAIN, value) is value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinity_are_refused_for_the_platform(value: float) -> None:
    assert refusal_to_botmatic(PLAIN, value) == "expected a number, got NaN or infinity"


def test_lone_surrogates_are_escaped_in_json_text_and_come_back() -> None:
    mapped = to_botmatic(PLAIN, {"a": "é\ud800"})
    assert mapped == '{"a":"é\\ud800"}'
    assert to_external(PLAIN, mapped) == {"a": "é\ud800"}
    assert to_external(PLAIN, "\ud800") == "\ud800"


@thorough
@given(json_objects | json_lists)
def test_objects_and_lists_come_back_from_the_platform_as_they_were(value: Any) -> None:
    mapped = to_botmatic(PLAIN, value)
    assert isinstance(mapped, str)
    mapped.encode()
    assert to_external(PLAIN, mapped) == value


@thorough
@given(texts.filter(bool))
def test_no_text_changes_on_its_way_to_the_platform(text: str) -> None:
    assert to_botmatic(PLAIN, text) == text


NUMERIC = field(property_type="number")


@pytest.mark.parametrize(
    ("text", "number"), [("42", 42), ("-1", -1), ("1.5", 1.5), ("33612345678901234567", 33612345678901234567)]
)
def test_text_that_is_exactly_a_number_becomes_one_where_the_property_is_a_number(text: str, number: float) -> None:
    assert to_external(NUMERIC, text) == number
    assert to_botmatic(NUMERIC, text) == number


@pytest.mark.parametrize("value", ["n/a", "007", "+42", "1.10", "1e5", " 42", True, 7, "NaN"])
def test_all_else_stays_as_it_is_where_the_property_is_a_number(value: Any) -> None:
    assert to_external(NUMERIC, value) is value
    assert to_botmatic(NUMERIC, value) is value


def test_a_node_side_type_declares_the_property_and_refuses_no_value() -> None:
    mapper = Mapper(
        [
            {"id": True, "botmatic": {"name": "id"}, "ext": {"name": "ref"}},
            {"botmatic": {"name": "seen", "type": "date"}, "ext": {"name": "seen_at"}},
            {"botmatic": {"name": "score", "type": "number"}, "ext": {"name": "points"}},
        ]
    )
    assert mapper.properties() == [{"name": "seen", "type": "date"}, {"name": "score", "type": "number"}]
    contact = {"seen_at": "2018-02-09T12:44:26.000Z", "points": "many"}
    assert mapper.to_botmatic(contact) == {"seen": "2018-02-09T12:44:26.000Z", "score": "many"}
    assert mapper.to_external({"seen": "yesterday", "score": "5"}) == {"seen_at": "yesterday", "points": 5}
