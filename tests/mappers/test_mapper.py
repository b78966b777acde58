"""The mapper's face: sides, ids, properties, match values."""

from __future__ import annotations

import copy
import inspect
import pickle
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mappers
from mappers import Mapper, Mapping, MappingDefinitionError, MappingError, MappingValueError, errors

from .helpers import ID, field, json_objects, json_values, table, thorough

MAPPER = Mapper(
    [
        Mapping("id", "keys.ref", id=True),
        Mapping("email", "mail", match=True),
        Mapping("phone", "tel", match=True),
        Mapping("age", "years", type="number"),
        Mapping("born", "born_on", type="date"),
        Mapping("seen", "seen_at", type="datetime"),
        Mapping("vip", "is_vip", type="boolean"),
        Mapping("tags", "labels", type="list"),
        Mapping("rank", "ranking", property_type="number"),
    ]
)


def test_map_to_takes_both_sides_by_name() -> None:
    contact = {"mail": "a@example.com"}
    assert MAPPER.map_to(contact, "ext", "botmatic") == MAPPER.to_botmatic(contact) == {"email": "a@example.com"}
    contact = {"email": "a@example.com"}
    assert MAPPER.map_to(contact, "botmatic", "ext") == MAPPER.to_external(contact) == {"mail": "a@example.com"}


@pytest.mark.parametrize(("source", "target"), [("ext", "ext"), ("botmatic", "external"), ("crm", "botmatic")])
def test_map_to_refuses_sides_that_are_unknown_or_the_same(source: Any, target: Any) -> None:
    with pytest.raises(ValueError, match='the source is one of "botmatic" or "ext", and the target is the other one'):
        MAPPER.map_to({}, source, target)


@pytest.mark.parametrize("contact", [None, [], "text", 5])
def test_a_contact_that_is_no_dict_is_refused(contact: Any) -> None:
    with pytest.raises(MappingValueError, match="expected a contact as a dict, got") as caught:
        MAPPER.to_botmatic(contact)
    assert caught.value.field is None


def test_the_rows_and_keys_are_as_declared() -> None:
    assert [row.botmatic for row in MAPPER.rows] == [
        "id",
        "email",
        "phone",
        "age",
        "born",
        "seen",
        "vip",
        "tags",
        "rank",
    ]
    assert MAPPER.external_id_key == "keys.ref"
    assert MAPPER.botmatic_id_key == "id"
    assert [row.external for row in MAPPER.match_fields] == ["mail", "tel"]
    assert repr(MAPPER) == "<Mapper of 9 rows, id 'id' = 'keys.ref'>"


def test_properties_are_all_rows_but_the_platforms_own_id_in_the_platforms_types() -> None:
    assert [(each["name"], each["type"]) for each in MAPPER.properties()] == [
        ("email", "text"),
        ("phone", "text"),
        ("age", "number"),
        ("born", "date"),
        ("seen", "date"),
        ("vip", "text"),
        ("tags", "text"),
        ("rank", "number"),
    ]


def test_an_id_row_that_is_a_property_of_its_own_is_created_too() -> None:
    mapper = Mapper([Mapping("crm_id", "id", id=True), Mapping("id", "bot_id", direction="to_external")])
    assert mapper.properties() == [{"name": "crm_id", "type": "text"}]
    assert mapper.botmatic_id_key == "crm_id"
    assert mapper.botmatic_id({"id": 5, "crm_id": 6}) == "5"
    assert mapper.to_external({"id": 5, "crm_id": 6}) == {"id": 6, "bot_id": 5}


@pytest.mark.parametrize(
    ("id", "text"),
    [
        ("7", "7"),
        (7, "7"),
        (0, "0"),
        (7.0, "7"),
        (" 7 ", " 7 "),
        (-1, "-1"),
        ("a:*{}\n", "a:*{}\n"),
        (33612345678901234567, "33612345678901234567"),
        (None, None),
        ("", None),
        (True, None),
        (False, None),
        ({}, None),
        ([7], None),
        (7.5, None),
        (float("nan"), None),
        (10**5000, None),
    ],
    ids=lambda value: "huge" if value == 10**5000 else repr(value),
)
def test_ids_are_given_as_text_or_not_at_all(id: Any, text: str | None) -> None:
    assert MAPPER.external_id({"keys": {"ref": id}}) == text
    assert MAPPER.botmatic_id({"id": id}) == text


@pytest.mark.parametrize("contact", [{}, {"keys": None}, {"keys": "7"}, {"ref": 7}, {"id": 7}])
def test_a_contact_without_an_external_id_has_none(contact: dict[str, Any]) -> None:
    assert MAPPER.external_id(contact) is None


@pytest.mark.parametrize(
    ("contact", "id", "changed"),
    [
        ({"mail": "x"}, "7", {"mail": "x", "keys": {"ref": "7"}}),
        ({"keys": {"ref": 5, "other": 1}}, "7", {"keys": {"ref": "7", "other": 1}}),
        ({"keys": "in the way"}, "7", {"keys": {"ref": "7"}}),
        ({"mail": "x", "keys": {"ref": 5}}, None, {"mail": "x"}),
        ({"keys": {"ref": 5, "other": 1}}, None, {"keys": {"other": 1}}),
        ({"keys": {"other": 1}}, None, {"keys": {"other": 1}}),
        ({"keys": "in the way"}, None, {"keys": "in the way"}),
        ({}, None, {}),
    ],
)
def test_with_external_id_copies_a_contact_with_that_id(contact: Any, id: str | None, changed: Any) -> None:
    before = copy.deepcopy(contact)
    assert MAPPER.with_external_id(contact, id) == changed
    assert contact == before


def test_with_external_id_copies_whatever_mapping_it_is_given() -> None:
    frozen = MappingProxyType({"keys": MappingProxyType({"ref": 5})})
    assert MAPPER.with_external_id(frozen, "7") == {"keys": {"ref": "7"}}
    assert table().with_external_id({"ref": 5}, None) == {}


def test_match_values_are_the_texts_to_look_up_in_the_order_of_the_rows() -> None:
    email, phone = MAPPER.match_fields
    assert MAPPER.match_values({"phone": " +33 6 ", "email": "A@example.com"}, "botmatic") == [
        (email, "A@example.com"),
        (phone, "+33 6"),
    ]
    assert MAPPER.match_values({"tel": "+33 6"}, "ext") == [(phone, "+33 6")]


@pytest.mark.parametrize("value", [None, "", "  ", 5, True, ["a@example.com"], {}])
def test_what_is_empty_or_no_text_cannot_be_looked_up(value: Any) -> None:
    assert MAPPER.match_values({"email": value}, "botmatic") == []


@thorough
@given(
    st.dictionaries(st.sampled_from(["keys", "mail", "tel", "years", "born_on", "is_vip", "labels", "x"]), json_values)
)
def test_mapping_never_changes_its_input_and_shares_nothing_with_it(contact: dict[str, Any]) -> None:
    mapper = table(
        Mapping("text", "mail"),
        Mapping("path", "keys.deep.er"),
        Mapping("list", "labels", to_botmatic=lambda value: value),
    )
    flat = {"text": contact.get("mail"), "path": contact, "list": contact.get("labels"), "id": "1"}
    for map_contact, given_contact in ((mapper.to_botmatic, contact), (mapper.to_external, flat)):
        before = copy.deepcopy(given_contact)
        result = map_contact(given_contact)
        spoil(result)
        assert given_contact == before
    before = copy.deepcopy(contact)
    for call in (MAPPER.external_id, lambda each: MAPPER.match_values(each, "ext")):
        call(contact)
    spoil(MAPPER.with_external_id({"mail": "x", "keys": {"ref": 1}}, None))
    assert contact == before


def spoil(value: Any) -> None:
    if isinstance(value, dict):
        for inner in value.values():
            spoil(inner)
        value["spoilt"] = True
    if isinstance(value, list):
        for inner in value:
            spoil(inner)
        value.append("spoilt")


@thorough
@given(json_objects)
def test_whatever_json_a_contact_holds_the_platform_gets_flat_values(contact: dict[str, Any]) -> None:
    rows = [
        Mapping(f"f{number}", name.replace("\\", "\\\\").replace(".", "\\."))
        for number, name in enumerate(contact)
        if name.strip() and name != "the id"
    ]
    mapper = Mapper([Mapping("id", "the id", id=True), *rows])
    result = mapper.to_botmatic(contact)
    assert len(result) == len(rows)
    for value in result.values():
        assert value is None or isinstance(value, (str, int, float))


KEPT = {"keys": {"ref": 1, "more": 2}, "mail": None, "labels": ["a", {"b": []}], "x": 1}


def test_kept_copies_the_fields_of_some_rows_alone() -> None:
    rows = [row for row in MAPPER.rows if row.botmatic in ("id", "email", "phone", "tags")]
    before = copy.deepcopy(KEPT)
    kept = MAPPER.kept(KEPT, rows, "ext")
    assert kept == {"keys": {"ref": 1}, "mail": None, "labels": ["a", {"b": []}]}
    spoil(kept)
    assert before == KEPT
    assert MAPPER.kept({"id": 1, "keys": 2, "email": ""}, rows, "botmatic") == {"id": 1, "email": ""}
    assert MAPPER.kept(KEPT, [], "ext") == {}


def test_kept_puts_fields_of_one_object_together() -> None:
    mapper = table(Mapping("a", "p.a"), Mapping("b", "p.b"), Mapping("c", "p.q.c"), Mapping("dot", r"d\.e"))
    contact = {"p": {"a": 1, "b": 2, "q": {"c": 3, "d": 4}}, "d.e": 5}
    assert mapper.kept(contact, mapper.rows, "ext") == {"p": {"a": 1, "b": 2, "q": {"c": 3}}, "d.e": 5}
    assert mapper.kept({"p": "in the way"}, mapper.rows, "ext") == {}


def test_kept_refuses_what_cannot_be_copied() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(MappingValueError) as caught:
        MAPPER.kept({"labels": endless}, MAPPER.rows, "ext")
    assert str(caught.value) == 'external field "labels": the value is nested too deeply, or contains itself'
    assert caught.value.__context__ is None


def test_no_two_rows_have_one_key() -> None:
    assert Mapping("email", "properties.email").key == "email=properties.email"
    names = [("a", "b=c"), ("a=b", "c"), ("a\\=b", "c"), ("a\\", "b=c"), ("a\\\\", "b=c"), ("a", "=b=c"), ("a=", "b=c")]
    assert len({Mapping(*pair).key for pair in names}) == len(names)


def test_mixed_rows_make_one_table() -> None:
    mapper = Mapper([ID, {"botmatic": "email", "ext": {"name": "mail"}, "match": True}])
    assert [row.external for row in mapper.match_fields] == ["mail"]


def test_rows_in_nodes_form_are_matched_by_what_they_say_alone() -> None:
    rows: list[dict[str, Any]] = [
        {"id": True, "botmatic": {"name": "id"}, "ext": {"name": "ref"}},
        {"botmatic": {"name": "email"}, "ext": {"name": "mail"}},
    ]
    assert Mapper(rows).match_fields == ()
    assert mappers.mapper_from_dict({"rows": rows}).match_fields == ()


def test_a_tuple_of_rows_is_taken_too() -> None:
    assert Mapper((ID,)).external_id_key == "ref"


def test_rows_can_be_compared_and_cannot_be_changed() -> None:
    assert Mapping("a", "b") == Mapping("a", "b")
    assert len({Mapping("a", "b"), Mapping("a", "b"), Mapping("a", "c")}) == 2
    with pytest.raises(AttributeError):
        Mapping("a", "b").botmatic = "c"  # type: ignore[misc] # what is tested


def test_the_facade_names_everything_public() -> None:
    assert sorted(mappers.__all__, key=str.lower) == sorted(set(mappers.__all__), key=str.lower)
    assert all(hasattr(mappers, name) for name in mappers.__all__)
    public = {name for name, value in vars(mappers).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert public == set(mappers.__all__)


def test_the_drawing_of_the_errors_is_the_tree_of_classes() -> None:
    classes = {value for value in vars(errors).values() if inspect.isclass(value)}
    assert classes == {MappingError, MappingDefinitionError, MappingValueError}
    assert all(each.__name__ in (errors.__doc__ or "") for each in classes)
    assert MappingDefinitionError.__bases__ == MappingValueError.__bases__ == (MappingError, ValueError)


def test_errors_travel_between_processes() -> None:
    with pytest.raises(MappingValueError) as caught:
        field(type="number").to_botmatic({"there": "x"})
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
