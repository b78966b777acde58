"""Ready-made transforms, and the user's own."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers import TRANSFORMS, Mapper, Mapping, MappingValueError, Transform

from .helpers import field, refusal_to_botmatic, refusal_to_external, thorough, to_botmatic, to_external

items = (
    st.text(min_size=1, max_size=10).map(str.strip).filter(lambda text: text and "," not in text and ";" not in text)
)
# What each ready-made transform takes from the external side.
DOMAINS: dict[str, st.SearchStrategy[Any]] = {
    "yes_no": st.sampled_from(["yes", "no"]),
    "y_n": st.sampled_from(["Y", "N"]),
    "true_false": st.sampled_from(["true", "false"]),
    "one_zero": st.sampled_from([1, 0]),
    "integer": st.integers(-(10**30), 10**30),
    "number_text": st.integers().map(str) | st.floats(-1e9, 1e9).filter(lambda x: not x.is_integer()).map(str),
    "cents": st.integers(-(10**15), 10**15),
    "comma_list": st.lists(items, min_size=1),
    "semicolon_list": st.lists(items, min_size=1).map(";".join),
    "lowercase": st.text(min_size=1).map(str.lower).filter(bool),
    "trim": st.text(min_size=1).map(str.strip).filter(bool),
}


def test_every_ready_made_transform_is_tested() -> None:
    assert DOMAINS.keys() == TRANSFORMS.keys()


@pytest.mark.parametrize("name", TRANSFORMS)
@thorough
@given(data=st.data())
def test_every_ready_made_transform_goes_there_and_back(name: str, data: st.DataObject) -> None:
    value = data.draw(DOMAINS[name])
    mapper = field(transform=name)
    back = to_external(mapper, to_botmatic(mapper, value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("name", "external", "platform"),
    [
        ("yes_no", "yes", True),
        ("y_n", "N", False),
        ("true_false", "true", True),
        ("one_zero", 0, False),
        ("integer", 42, "42"),
        ("number_text", "42.50", 42.5),
        ("cents", 1999, 19.99),
        ("cents", 500, 5),
        ("comma_list", ["red", "light blue"], "red, light blue"),
        ("semicolon_list", "red; light blue;", '["red","light blue"]'),
        ("lowercase", "Ada@Example.COM", "ada@example.com"),
        ("lowercase", 5, 5),
        ("trim", " Ada ", "Ada"),
    ],
)
def test_what_ready_made_transforms_make_for_the_platform(name: str, external: Any, platform: Any) -> None:
    made = to_botmatic(field(transform=name), external)
    assert made == platform
    assert type(made) is type(platform)


@pytest.mark.parametrize(
    ("name", "platform", "external"),
    [
        ("yes_no", "true", "yes"),
        ("y_n", 0, "N"),
        ("one_zero", True, 1),
        ("integer", "007", 7),
        ("integer", 7.0, 7),
        ("number_text", 5.0, "5"),
        ("cents", "19.9", 1990),
        ("comma_list", "red,light blue, ,", ["red", "light blue"]),
        ("semicolon_list", ["red", "blue"], "red;blue"),
        ("lowercase", "ADA", "ada"),
        ("trim", "\tAda", "Ada"),
    ],
)
def test_what_ready_made_transforms_make_for_the_external_side(name: str, platform: Any, external: Any) -> None:
    made = to_external(field(transform=name), platform)
    assert made == external
    assert type(made) is type(external)


@pytest.mark.parametrize("value", [True, "YES", " yes "])
def test_words_for_yes_are_read_in_any_case(value: Any) -> None:
    assert to_botmatic(field(transform="yes_no"), value) is True


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("yes_no", "maybe", 'expected "yes" or "no", got text of another form'),
        ("y_n", [], 'expected "Y" or "N", got a list'),
        ("integer", 1.5, "expected a whole number, got a number"),
        ("integer", "1.5", "expected a whole number, got text of another form"),
        ("number_text", "many", "expected a number, got text of another form"),
        ("cents", 10**17, "expected cents of an amount below 10,000,000,000,000, got a larger number"),
        ("comma_list", "red", "expected a list of texts, got text of another form"),
        ("comma_list", [1], "expected a list of texts, got a list"),
        ("comma_list", ["a,b"], 'expected a list of texts, got one that is empty, has spaces around it or holds ","'),
        ("comma_list", [" a"], 'expected a list of texts, got one that is empty, has spaces around it or holds ","'),
        ("semicolon_list", ["red"], "expected text, got a list"),
    ],
)
def test_what_a_ready_made_transform_cannot_bring_back_is_refused(name: str, value: Any, reason: str) -> None:
    assert refusal_to_botmatic(field(transform=name), value) == reason


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("yes_no", "maybe", "expected a boolean, got text of another form"),
        ("cents", 1.999, "expected an amount below 10,000,000,000,000 with at most two decimals, got another number"),
        ("cents", 10**14, "expected an amount below 10,000,000,000,000 with at most two decimals, got another number"),
        ("comma_list", ["red"], "expected text, got a list"),
        ("semicolon_list", "red", "expected a list, or JSON text of one, got text of another form"),
        (
            "semicolon_list",
            '["a;b"]',
            'expected a list of texts, got one that is empty, has spaces around it or holds ";"',
        ),
    ],
)
def test_what_a_ready_made_transform_cannot_make_is_refused(name: str, value: Any, reason: str) -> None:
    assert refusal_to_external(field(transform=name), value) == reason


def test_a_transform_makes_the_value_for_its_side_from_the_value_of_the_other() -> None:
    mapper = field(
        to_botmatic=lambda value: f"for the platform: {value}", to_external=lambda value: f"for the CRM: {value}"
    )
    assert to_botmatic(mapper, "x") == "for the platform: x"
    assert to_external(mapper, "x") == "for the CRM: x"


def test_the_node_librarys_form_means_the_same() -> None:
    mapper = Mapper(
        [
            {"id": True, "botmatic": {"name": "id"}, "ext": {"name": "ref", "transform": int}},
            {
                "botmatic": {
                    "name": "seen",
                    "type": "date",
                    "transform": lambda seconds: datetime.fromtimestamp(seconds, UTC),
                },
                "ext": {"name": "seen_at", "transform": lambda text: datetime.fromisoformat(text).timestamp()},
            },
        ]
    )
    assert mapper.to_botmatic({"ref": 7, "seen_at": 1518180266}) == {"id": 7, "seen": "2018-02-09T12:44:26.000Z"}
    assert mapper.to_external({"id": "7", "seen": "2018-02-09T12:44:26.000Z"}) == {"ref": 7, "seen_at": 1518180266.0}


def test_only_one_side_may_have_a_transform() -> None:
    mapper = field(to_external=str.upper)
    assert to_external(mapper, "x") == "X"
    assert to_botmatic(mapper, "x") == "x"


def test_a_side_may_take_one_half_of_a_ready_made_transform() -> None:
    mapper = field(to_botmatic="lowercase")
    assert to_botmatic(mapper, "Ada") == "ada"
    assert to_external(mapper, "Ada") == "Ada"


def test_a_pair_of_ones_own_is_given_as_a_transform() -> None:
    mapper = field(transform=Transform(to_botmatic=lambda value: value[1:], to_external=lambda value: f"+{value}"))
    assert to_botmatic(mapper, "+33") == "33"
    assert to_external(mapper, "33") == "+33"


def test_a_transform_gets_the_other_sides_value_as_it_is() -> None:
    seen: list[Any] = []
    mapper = field(type="number", to_botmatic=seen.append, to_external=seen.append)
    mapper.to_botmatic({"there": {"a": 1}})
    mapper.to_external({"here": '{"a":1}'})
    assert seen == [{"a": 1}, '{"a":1}']


@pytest.mark.parametrize("value", [None, ""])
def test_a_transform_never_sees_an_empty_value(value: Any) -> None:
    def fail(value: Any) -> Any:
        raise AssertionError

    mapper = field(to_botmatic=fail, to_external=fail)
    assert mapper.to_botmatic({"there": value}) == {"here": None}
    assert mapper.to_external({"here": value}) == {"there": None}


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_value_that_a_transform_returns_is_a_clear(empty: Any) -> None:
    def transform(value: Any) -> Any:
        return empty

    assert field(to_botmatic=transform).to_botmatic({"there": "x"}) == {"here": None}
    assert field(to_external=transform, on_empty="ignore").to_external({"here": "x"}) == {}


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (["a"], '["a"]'),
        ({"a": 1}, '{"a":1}'),
        (date(2018, 2, 9), "2018-02-09"),
        (datetime(2018, 2, 9, 12, 44, 26), "2018-02-09T12:44:26.000Z"),
        (False, False),
        (0, 0),
    ],
)
def test_what_a_transform_returns_for_the_platform_is_made_fit_for_it(made: Any, value: Any) -> None:
    assert to_botmatic(field(to_botmatic=lambda _: made), "x") == value


def test_what_a_transform_returns_for_the_external_side_is_final() -> None:
    made = date(2018, 2, 9)
    assert to_external(field(type="number", to_external=lambda _: made), "x") is made


def test_what_the_platform_cannot_carry_is_refused_also_from_a_transform() -> None:
    assert refusal_to_botmatic(field(to_botmatic=lambda _: b"x"), "x").startswith("got a Python bytes, which JSON")


def test_a_transform_cannot_change_the_contact() -> None:
    def transform(tags: list[str]) -> str:
        tags.sort()
        return tags.pop()

    contact = {"there": ["a", "b", ["c"]][:2]}
    assert field(to_botmatic=transform).to_botmatic(contact) == {"here": "b"}
    assert contact == {"there": ["a", "b"]}


def stumble(value: Any) -> Any:
    raise KeyError(value)


class Refusing:
    def __call__(self, value: Any) -> Any:
        raise MappingValueError(f"no {value}")


@pytest.mark.parametrize("transform", [stumble, int, Refusing()])
def test_a_transform_that_raises_is_a_failure_that_names_the_field_and_hides_the_value(
    transform: Callable[[Any], Any],
) -> None:
    for mapper, contact in (
        (field(to_botmatic=transform), {"there": "secret"}),
        (field(to_external=transform), {"here": "secret"}),
    ):
        with pytest.raises(MappingValueError) as caught:
            mapper.map_to(contact, *(("ext", "botmatic") if "there" in contact else ("botmatic", "ext")))
        said = "".join(traceback.format_exception(caught.value))
        assert "secret" not in said
        assert caught.value.__context__ is None
        assert caught.value.field in ("here", "there")


def test_the_failure_says_where_the_transform_raised() -> None:
    line = stumble.__code__.co_firstlineno + 1
    assert refusal_to_botmatic(field(to_botmatic=stumble), "x") == (
        f"its to_botmatic raised KeyError at test_transforms.py:{line}"
    )
    assert refusal_to_external(field(to_external=int), "x") == "its to_external raised ValueError"


def test_values_of_a_row_with_a_transform_are_compared_as_text() -> None:
    row = Mapping("here", "there", type="date", to_botmatic=stumble)
    assert row.canonical("09/02/2018", "ext") == "09/02/2018"
