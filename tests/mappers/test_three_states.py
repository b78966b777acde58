"""Absent, empty and value; and which way fields travel."""

from __future__ import annotations

from typing import Any

import pytest

from mappers import Mapping

from .helpers import field, table


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_field_clears_the_other_side(empty: Any) -> None:
    assert field().to_botmatic({"there": empty}) == {"here": None}
    assert field().to_external({"here": empty}) == {"there": None}


def test_an_absent_field_is_absent_on_the_other_side() -> None:
    assert field().to_botmatic({}) == {}
    assert field().to_external({"ref": "1", "there": "x"}) == {}


@pytest.mark.parametrize("value", [0, False, 0.0, " ", "0"])
def test_a_value_that_python_finds_falsy_is_a_value(value: Any) -> None:
    assert field(on_empty="ignore").to_botmatic({"there": value}) == {"here": value}


def test_empties_do_not_travel_where_the_table_ignores_them() -> None:
    mapper = table(Mapping("a", "x"), Mapping("b", "y"), on_empty="ignore")
    assert mapper.to_botmatic({"x": None, "y": ""}) == {}


def test_a_row_says_by_itself_what_empties_do() -> None:
    mapper = table(Mapping("a", "x", on_empty="clear"), Mapping("b", "y"), on_empty="ignore")
    assert mapper.to_botmatic({"x": None, "y": None}) == {"a": None}
    mapper = table(Mapping("a", "x"), Mapping("b", "y", on_empty="ignore"), on_empty="clear")
    assert mapper.to_external({"a": "", "b": ""}) == {"x": None}


def test_the_id_row_is_mapped_like_any_other() -> None:
    assert table().to_botmatic({"ref": 7}) == {"id": 7}
    assert table().to_external({"id": "7"}) == {"ref": "7"}
    assert table().to_external({"id": None}) == {"ref": None}


def test_keys_without_a_row_are_dropped() -> None:
    assert field().to_botmatic({"there": 1, "here": 2, "else": 3}) == {"here": 1}


def test_a_field_of_one_direction_travels_that_way_alone() -> None:
    inwards, outwards = field(direction="to_botmatic"), field(direction="to_external")
    assert inwards.to_botmatic({"there": 1}) == {"here": 1}
    assert inwards.to_external({"here": 1}) == {}
    assert outwards.to_botmatic({"there": 1}) == {}
    assert outwards.to_external({"here": 1}) == {"there": 1}


def test_fields_come_in_the_order_of_the_rows() -> None:
    mapper = table(Mapping("b", "y"), Mapping("a", "x"))
    assert list(mapper.to_botmatic({"x": 1, "y": 2, "ref": 3})) == ["id", "b", "a"]
