"""Wrong tables, each with its exact message."""

from __future__ import annotations

from typing import Any

import pytest

from mappers import Mapper, Mapping, MappingDefinitionError, mapper_from_dict

from .helpers import ID, READY_MADE

ROW_KEYS = (
    '"botmatic", "ext", "external", "id", "match", "type", "direction", "on_empty", "conflict", "region", "transform", '
    '"to_botmatic", "to_external", "botmatic_codec", "external_codec" or "property_type"'
)

ID_ROW: dict[str, Any] = {"id": True, "botmatic": {"name": "id"}, "ext": {"name": "ref"}}


def node(**changes: Any) -> list[Any]:
    """A table in the Node library's form whose second row is wrong."""
    return [ID_ROW, {"botmatic": {"name": "email"}, "ext": {"name": "mail"}} | changes]


WRONG_TABLES: dict[str, tuple[Any, str]] = {
    "no list": (ID, "rows: expected a list of rows, got a Python Mapping. Put the rows into a list"),
    "text": ("rows", "rows: expected a list of rows, got text. Put the rows into a list"),
    "nothing": (None, "rows: expected a list of rows, got nothing. Put the rows into a list"),
    "no rows": (
        [],
        "id: no row is the id row. Mark the row that holds the external side's id with id=True (id: true in a file)",
    ),
    "no id row": (
        [Mapping("a", "b")],
        "id: no row is the id row. Mark the row that holds the external side's id with id=True (id: true in a file)",
    ),
    "two id rows": (
        [ID, Mapping("a", "b"), Mapping("c", "d", id=True)],
        'row 3 ("c"): id: row 1 ("id") is the id row already. Leave id out of one of them',
    ),
    "a platform name twice": (
        [ID, Mapping("a", "b"), Mapping("a", "c")],
        'row 3 ("a"): botmatic: row 2 has this name as well. Keep one of them',
    ),
    "an external name twice": (
        [ID, Mapping("a", "b.c"), Mapping("d", "b.c")],
        'row 3 ("d"): external: row 2 ("a") has this name as well. Keep one of them',
    ),
    "a part of a field that is mapped whole": (
        [ID, Mapping("a", "b"), Mapping("c", "b.d.e")],
        'row 3 ("c"): external: "b.d.e" of row 3 ("c") lies within "b" of row 2 ("a"). Map the whole or its parts',
    ),
    "the whole of a field whose part is mapped": (
        [ID, Mapping("a", "b.c"), Mapping("d", "b")],
        'row 3 ("d"): external: "b.c" of row 2 ("a") lies within "b" of row 3 ("d"). Map the whole or its parts',
    ),
    "a row that is no object": ([ID_ROW, "email"], "row 2: expected an object with botmatic and ext, got text"),
    "an unknown key": (
        node(tpye="number"),
        f'row 2 ("email"): tpye: unknown key. Did you mean "type"? Use {ROW_KEYS}',
    ),
    "a key that is no text": (
        [ID_ROW, {1: 2, "botmatic": "a", "ext": "b"}],
        f'row 2 ("a"): 1: unknown key. Use {ROW_KEYS}',
    ),
    "an unknown key of the platform's side": (
        node(botmatic={"nmae": "email"}),
        'row 2: botmatic.nmae: unknown key. Did you mean "name"? Use "name", "type", "transform" or "codec"',
    ),
    "a type on the external side": (
        node(ext={"name": "mail", "type": "text"}),
        'row 2 ("email"): ext.type: unknown key. Use "name", "transform" or "codec"',
    ),
    "no external side": (
        [ID_ROW, {"botmatic": "a"}],
        'row 2 ("a"): ext: it is missing. Write the field\'s name on that side',
    ),
    "no platform's side": (
        [ID_ROW, {"ext": "a"}],
        "row 2: botmatic: it is missing. Write the field's name on that side",
    ),
    "an external side without a name": (
        node(ext={"codec": "iso"}),
        'row 2 ("email"): ext.name: it is missing. Write the field\'s name on that side',
    ),
    "an external side that is nothing": (
        node(ext=None),
        'row 2 ("email"): ext: expected a name, got nothing. Write the field\'s name on that side',
    ),
    "a name that YAML read as a boolean": (
        node(ext=False),
        'row 2 ("email"): ext: expected a name, got a boolean. Write it as text; in a file, between quotes',
    ),
    "both names of the external side": (
        node(external="mail"),
        'row 2 ("email"): ext: external is given as well, and means the same. Leave one of them out',
    ),
    "a transform in two places": (
        node(to_botmatic=str, botmatic={"name": "email", "transform": str}),
        'row 2 ("email"): botmatic.transform: to_botmatic is given as well. Leave one of them out',
    ),
    "an unknown transform of a side": (
        node(ext={"name": "mail", "transform": "trimm"}),
        f'row 2 ("email"): ext.transform: there is no transform "trimm". Did you mean "trim"? Use {READY_MADE}',
    ),
    "a transform of a side that is no function": (
        node(ext={"name": "mail", "transform": ["trim"]}),
        (
            'row 2 ("email"): ext.transform: expected a function or the name of a ready-made transform, got a list. '
            'Take "transform" for a pair of functions'
        ),
    ),
    "an unknown pair of transforms": (
        node(transform="yes-no"),
        f'row 2 ("email"): transform: there is no transform "yes-no". Did you mean "yes_no"? Use {READY_MADE}',
    ),
    "a codec of a side": (
        node(ext={"name": "mail", "codec": "iso"}),
        (
            'row 2 ("email"): ext.codec: a field of type "text" has none. '
            'Leave it out, or make the type "date" or "datetime"'
        ),
    ),
    "a property type that the platform does not have": (
        node(botmatic={"name": "vip", "type": "boolean"}),
        (
            'row 2 ("vip"): botmatic.type: the platform has no "boolean" properties, only "text", "number" or "date". '
            "To have values converted, write type: boolean beside botmatic, not in it"
        ),
    ),
    "a property type that nobody has": (
        node(botmatic={"name": "vip", "type": "txt"}),
        'row 2 ("vip"): botmatic.type: "txt" is not known. Did you mean "text"? Use "text", "number" or "date"',
    ),
    "a row that is wrong by itself": (
        node(direction="to_ext"),
        (
            'row 2 ("email"): direction: "to_ext" is not known. Did you mean "to_external"? '
            'Use "both", "to_botmatic" or "to_external"'
        ),
    ),
    "the id row as a match row": (
        [ID_ROW | {"match": True}],
        'row 1 ("id"): match: the id row cannot be one, since ids are looked up in the key store. Leave it out',
    ),
    "a flag that is text": (
        node(match="true"),
        'row 2 ("email"): match: expected true or false, got text. Write one of the two, without quotes',
    ),
}


@pytest.mark.parametrize("wrong", WRONG_TABLES)
def test_a_wrong_table_is_refused_with_row_key_and_remedy(wrong: str) -> None:
    rows, message = WRONG_TABLES[wrong]
    with pytest.raises(MappingDefinitionError) as caught:
        Mapper(rows)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("on_empty", "message"),
    [
        ("cleared", 'on_empty: "cleared" is not known. Did you mean "clear"? Use "clear" or "ignore"'),
        (None, 'on_empty: expected text, got nothing. Use "clear" or "ignore"'),
    ],
)
def test_a_wrong_on_empty_of_the_table_is_refused(on_empty: Any, message: str) -> None:
    with pytest.raises(MappingDefinitionError) as caught:
        Mapper([ID], on_empty=on_empty)
    assert str(caught.value) == message
    with pytest.raises(MappingDefinitionError) as caught:
        mapper_from_dict({"on_empty": on_empty, "rows": [ID_ROW]})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"row": [ID_ROW]}, 'row: unknown key. Did you mean "rows"? Use "on_empty", "default_region" or "rows"'),
        ({"on_empty": "clear"}, "rows: it is missing. Write the list of rows under it"),
        ({"rows": {"id": "ref"}}, "rows: expected a list of rows, got an object. Put the rows into a list"),
        ("id: ref", "rows: expected a list of rows, got text. Put the rows into a list"),
    ],
)
def test_wrong_data_is_refused(data: Any, message: str) -> None:
    with pytest.raises(MappingDefinitionError) as caught:
        mapper_from_dict(data)
    assert str(caught.value) == message


def test_a_transform_of_ones_own_is_a_pair() -> None:
    with pytest.raises(MappingDefinitionError) as caught:
        mapper_from_dict([ID_ROW], transforms={"mine": str})  # type: ignore[dict-item] # what is tested
    assert str(caught.value) == (
        'transforms: "mine": expected a Transform, got a Python type. Write Transform(to_botmatic=…, to_external=…)'
    )


def test_a_very_long_name_is_cut_in_messages() -> None:
    with pytest.raises(MappingDefinitionError) as caught:
        Mapper([ID_ROW, {"botmatic": "x" * 10_000, "ext": "y", "z" * 10_000: 1}])
    assert len(str(caught.value)) < 500


def test_a_declaration_is_left_as_it_is() -> None:
    rows = node(ext={"name": "mail", "transform": "trim"})
    before = repr(rows)
    Mapper(rows)
    assert repr(rows) == before
