"""Dotted external names."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers import Mapper, Mapping

from .helpers import json_values, table, thorough

NESTED = Mapper(
    [
        Mapping("id", "meta.ids.ref", id=True),
        Mapping("email", "properties.email", match=True),
        Mapping("city", "properties.address.city"),
        Mapping("plain", "plain"),
    ]
)
CONTACT = {
    "meta": {"ids": {"ref": 7}},
    "properties": {"email": "a@example.com", "address": {"city": "Łódź"}, "other": 1},
    "plain": "x",
}


def test_a_dotted_name_leads_into_objects_both_ways() -> None:
    flat = {"id": 7, "email": "a@example.com", "city": "Łódź", "plain": "x"}
    assert NESTED.to_botmatic(CONTACT) == flat
    assert NESTED.to_external(flat) == {
        "meta": {"ids": {"ref": 7}},
        "properties": {"email": "a@example.com", "address": {"city": "Łódź"}},
        "plain": "x",
    }


def test_an_absent_field_leaves_no_empty_objects_and_a_clear_lies_where_the_field_is() -> None:
    assert NESTED.to_external({"plain": "x"}) == {"plain": "x"}
    assert NESTED.to_external({"city": ""}) == {"properties": {"address": {"city": None}}}


@pytest.mark.parametrize("obstacle", [None, 5, "text", '{"address":{"city":"x"}}', [{"address": 1}], True])
def test_something_that_is_no_object_in_the_way_means_absent(obstacle: Any) -> None:
    assert NESTED.to_botmatic({"properties": obstacle}) == {}
    assert NESTED.to_botmatic({"properties": {"address": obstacle}}) == {}


@thorough
@given(json_values)
def test_nothing_that_lies_at_a_path_makes_mapping_fail(value: Any) -> None:
    result = NESTED.to_botmatic({"meta": value, "properties": value, "plain": "x"})
    assert result["plain"] == "x"
    assert NESTED.external_id({"meta": value}) is None or isinstance(value, dict)


def test_any_mapping_can_be_read() -> None:
    frozen = MappingProxyType({"properties": MappingProxyType({"email": "x"})})
    assert NESTED.to_botmatic(frozen) == {"email": "x"}


@pytest.mark.parametrize(
    ("external", "contact"),
    [
        (r"e\.mail", {"e.mail": "x"}),
        (r"a\.b.c", {"a.b": {"c": "x"}}),
        (r"back\\slash", {r"back\slash": "x"}),
        (r"a\\.b", {"a\\": {"b": "x"}}),
        ("0.1", {"0": {"1": "x"}}),
        (" spaced .ü", {" spaced ": {"ü": "x"}}),
    ],
)
def test_a_backslash_takes_a_dot_or_a_backslash_into_the_name(external: str, contact: dict[str, Any]) -> None:
    mapper = table(Mapping("here", external))
    assert mapper.to_botmatic(contact) == {"here": "x"}
    assert mapper.to_external({"here": "x"}) == contact


def test_a_dot_in_a_platform_name_is_only_a_dot() -> None:
    assert table(Mapping("a.b", "c")).to_botmatic({"c": 1}) == {"a.b": 1}


@thorough
@given(st.lists(st.text(min_size=1).filter(lambda name: name.strip() and name != "ref"), min_size=1, max_size=4))
def test_any_names_can_be_written_as_a_path(names: list[str]) -> None:
    external = ".".join(name.replace("\\", "\\\\").replace(".", r"\.") for name in names)
    mapper = table(Mapping("here", external))
    contact: Any = mapper.to_external({"here": "x"})
    for name in names:
        assert list(contact) == [name]
        contact = contact[name]
    assert contact == "x"
