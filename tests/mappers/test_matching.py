"""Match rows: the texts by which a contact is looked up, and when a record has one of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers import Mapping, Side

from .helpers import json_values, table, texts, thorough

TEXT = Mapping("name", "names.full", match=True)
EMAIL = Mapping("email", "mail", match=True, type="email")
PHONE = Mapping("phone", "tel", match=True, type="phone", region="FR")
NUMBER = Mapping("number", "customer", match=True, type="number")
LIST = Mapping("emails", "mails", match=True, type="list")
SEMICOLONS = Mapping("others", "more", match=True, type="list", transform="semicolon_list")
ROWS = (TEXT, EMAIL, PHONE, NUMBER, LIST, SEMICOLONS)
MAPPER = table(*ROWS)


def test_match_values_are_one_for_each_value_in_the_order_of_the_rows() -> None:
    external = {
        "more": "c@example.com; d@example.com",
        "mails": ["B@example.com", " a@example.com ", "b@example.com", 5, "", None, "z@example.com"],
        "customer": "007",
        "tel": "06 12 34 56 78",
        "mail": " Ada@Example.com",
        "names": {"full": " Ada "},
    }
    values = [
        (TEXT, "Ada"),
        (EMAIL, "ada@example.com"),
        (PHONE, "+33612345678"),
        (NUMBER, "7"),
        (LIST, "B@example.com"),
        (LIST, "a@example.com"),
        (LIST, "z@example.com"),
        (SEMICOLONS, "c@example.com"),
        (SEMICOLONS, "d@example.com"),
    ]
    assert MAPPER.match_values(external, "ext") == values
    assert MAPPER.match_values(MAPPER.to_botmatic(external), "botmatic") == values


@pytest.mark.parametrize(
    ("row", "value", "found"),
    [
        (TEXT, 5, []),
        (TEXT, ["Ada"], []),
        (EMAIL, 5, []),
        (EMAIL, True, []),
        (EMAIL, ["a@example.com"], []),
        (PHONE, 33612345678, ["+33612345678"]),
        (PHONE, "12-34", ["1234"]),
        (PHONE, "ask her", []),
        (PHONE, False, []),
        (PHONE, {}, []),
        (NUMBER, 0, ["0"]),
        (NUMBER, 5.0, ["5"]),
        (NUMBER, "+1.50", ["1.5"]),
        (NUMBER, Decimal("1.5"), ["1.5"]),
        (NUMBER, False, []),
        (NUMBER, "many", []),
        (NUMBER, float("nan"), []),
        (LIST, '["a", "a "]', ["a"]),
        (LIST, ("a",), ["a"]),
        (LIST, "a", []),
        (LIST, {"a": 1}, []),
        (LIST, [["a"], 1, True, None], []),
        (SEMICOLONS, 5, []),
    ],
)
def test_what_does_not_fit_is_left_out(row: Mapping, value: Any, found: list[str]) -> None:
    assert row.match_texts(value, "ext") == found


def test_a_list_that_a_transform_makes_is_looked_up_by_what_it_makes() -> None:
    row = Mapping(
        "emails",
        "mails",
        match=True,
        type="list",
        to_botmatic=lambda mails: [mail["value"] for mail in mails],
        to_external=lambda mails: [{"value": mail} for mail in mails],
    )
    assert row.match_texts([{"value": "a@example.com"}, {"value": " b@example.com"}], "ext") == [
        "a@example.com",
        "b@example.com",
    ]
    assert row.match_texts([{"address": "a@example.com"}], "ext") == []
    assert row.same_match([{"value": "a@example.com"}], "A@example.com", "ext")
    assert row.match_texts('["a@example.com"]', "botmatic") == ["a@example.com"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.botmatic)
@pytest.mark.parametrize("value", [None, "", "  ", "\n"])
def test_an_empty_value_looks_nobody_up(row: Mapping, value: Any) -> None:
    for side in ("botmatic", "ext"):
        assert row.match_texts(value, side) == []
        assert not row.same_match(value, "", side)


@pytest.mark.parametrize(
    ("row", "value", "text"),
    [
        (TEXT, " ADA ", "ada"),
        (TEXT, 5, "5"),
        (EMAIL, "Ada@Example.com", " ada@EXAMPLE.com"),
        (PHONE, "06 12 34 56 78", "+33612345678"),
        (PHONE, 33612345678, "0033 6 12 34 56 78"),
        (NUMBER, 5.0, "5"),
        (NUMBER, "5", "5.0"),
        (NUMBER, 0, "0"),
        (LIST, ["a@example.com", "B@example.com"], "b@example.com"),
        (LIST, '["a@example.com"]', "A@example.com"),
        (SEMICOLONS, "a@example.com;b@example.com", "b@example.com"),
        (Mapping("a", "b", type="date"), "2018-02-09T00:00:00Z", "2018-02-09"),
    ],
)
def test_a_value_is_the_match_in_whatever_form_it_is_written(row: Mapping, value: Any, text: str) -> None:
    assert row.same_match(value, text, "ext")


@pytest.mark.parametrize(
    ("row", "value", "text"),
    [
        (TEXT, "Ada L.", "Ada"),
        (TEXT, True, "true"),
        (TEXT, float("nan"), "nan"),
        (TEXT, "", ""),
        (EMAIL, "a@example.com", "b@example.com"),
        (EMAIL, None, "none"),
        (PHONE, "+33 6 12 34 56 78", "+33 6 12 34 56 79"),
        (PHONE, "+33 6 12 34 56 78 ext 1", "+33 6 12 34 56 78"),
        (NUMBER, "many", "5"),
        (NUMBER, 5, "many"),
        (LIST, ["a@example.com"], "example.com"),
        (LIST, "a@example.com", "a@example.com"),
        (LIST, [], ""),
    ],
)
def test_another_value_is_not_the_match(row: Mapping, value: Any, text: str) -> None:
    assert not row.same_match(value, text, "ext")


def test_a_match_is_of_a_known_side() -> None:
    with pytest.raises(ValueError, match=r'side: "crm" is not known\. Use "botmatic" or "ext"'):
        TEXT.same_match("Ada", "Ada", "crm")  # type: ignore[arg-type] # what is tested


@thorough
@given(json_values | texts | st.lists(texts), st.sampled_from(ROWS), st.sampled_from(["botmatic", "ext"]))
def test_a_value_has_each_of_its_own_match_texts(value: Any, row: Mapping, side: Side) -> None:
    found = row.match_texts(value, side)
    assert len(found) == len(set(found))
    for text in found:
        assert text == text.strip() != ""
        assert row.same_match(value, text, side)


@pytest.mark.parametrize("conflict", [None, "last_write", "botmatic", "external", max])
def test_a_row_carries_who_wins_a_conflict(conflict: Any) -> None:
    row = {"botmatic": "name", "ext": "full_name", "conflict": conflict}
    assert table(Mapping("name", "full_name", conflict=conflict)).rows == table(row).rows
    assert table(row).rows[1].conflict is conflict
