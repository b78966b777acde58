"""Wrong rows, each with its exact message."""

from __future__ import annotations

from typing import Any

import pytest

from mappers import Mapping, MappingDefinitionError, Transform

from .helpers import READY_MADE


async def soon(value: Any) -> Any:
    return value


class Soon:
    async def __call__(self, value: Any) -> Any:
        return value


WRONG_ROWS: dict[str, tuple[tuple[Any, Any], dict[str, Any], str]] = {
    "a name that is no text": (
        (5, "b"),
        {},
        "Mapping: botmatic: expected a name, got a number. Write it as text; in a file, between quotes",
    ),
    "an empty platform name": (
        ("", "b"),
        {},
        'Mapping "": botmatic: the name is empty. Write the field\'s name on that side',
    ),
    "a blank external name": (
        ("a", " "),
        {},
        'Mapping "a": external: the name is empty. Write the field\'s name on that side',
    ),
    "no external name": (
        ("a", None),
        {},
        'Mapping "a": external: expected a name, got nothing. Write it as text; in a file, between quotes',
    ),
    "two dots in a row": (
        ("a", "b..c"),
        {},
        (
            'Mapping "a": external: it has an empty step. '
            'Write one dot between two names, and "\\." for a dot within a name'
        ),
    ),
    "a dot at the beginning": (
        ("a", ".b"),
        {},
        (
            'Mapping "a": external: it has an empty step. '
            'Write one dot between two names, and "\\." for a dot within a name'
        ),
    ),
    "a dot at the end": (
        ("a", "b."),
        {},
        (
            'Mapping "a": external: it has an empty step. '
            'Write one dot between two names, and "\\." for a dot within a name'
        ),
    ),
    "a backslash before a letter": (
        ("a", "b\\c"),
        {},
        'Mapping "a": external: a backslash stands only before a dot ("\\.") or a backslash ("\\\\")',
    ),
    "an id flag that is text": (
        ("a", "b"),
        {"id": "yes"},
        'Mapping "a": id: expected true or false, got text. Write one of the two, without quotes',
    ),
    "a match flag that is a number": (
        ("a", "b"),
        {"match": 1},
        'Mapping "a": match: expected true or false, got a number. Write one of the two, without quotes',
    ),
    "the id row as a match row": (
        ("a", "b"),
        {"id": True, "match": True},
        'Mapping "a": match: the id row cannot be one, since ids are looked up in the key store. Leave it out',
    ),
    "a match row of a type that says nothing about who it is": (
        ("a", "b"),
        {"match": True, "type": "date"},
        (
            'Mapping "a": match: only a field of type "text", "email", "phone", "number" or "list" can be one, '
            'not "date". Leave one of them out'
        ),
    ),
    "an unknown winner of conflicts": (
        ("a", "b"),
        {"conflict": "extern"},
        (
            'Mapping "a": conflict: "extern" is not known. Did you mean "external"? '
            'Use "last_write", "botmatic" or "external"'
        ),
    ),
    "a winner of conflicts that is neither text nor a function": (
        ("a", "b"),
        {"conflict": True},
        (
            'Mapping "a": conflict: expected text or a function, got a boolean. '
            'Use "last_write", "botmatic" or "external"'
        ),
    ),
    "an async function for conflicts": (
        ("a", "b"),
        {"conflict": soon},
        'Mapping "a": conflict: it is an async function. Give a plain one',
    ),
    "a region of a field that is no phone number": (
        ("a", "b"),
        {"region": "FR"},
        'Mapping "a": region: a field of type "text" has none. Leave it out, or make the type "phone"',
    ),
    "a region of a date": (
        ("a", "b"),
        {"type": "date", "region": "FR"},
        'Mapping "a": region: a field of type "date" has none. Leave it out, or make the type "phone"',
    ),
    "an unknown region": (
        ("a", "b"),
        {"type": "phone", "region": "XX"},
        ('Mapping "a": region: "XX" is not known. Use the two capital letters of a country, such as "FR" or "GB"'),
    ),
    "a region in small letters": (
        ("a", "b"),
        {"type": "phone", "region": "fr"},
        (
            'Mapping "a": region: "fr" is not known. Did you mean "FR"? '
            'Use the two capital letters of a country, such as "FR" or "GB"'
        ),
    ),
    "a region by another of its names": (
        ("a", "b"),
        {"type": "phone", "region": "UK"},
        (
            'Mapping "a": region: "UK" is not known. Did you mean "GB"? '
            'Use the two capital letters of a country, such as "FR" or "GB"'
        ),
    ),
    "a region that is no text": (
        ("a", "b"),
        {"type": "phone", "region": False},
        (
            'Mapping "a": region: expected text, got a boolean. '
            'Use the two capital letters of a country, such as "FR" or "GB", between quotes'
        ),
    ),
    "a codec of a phone number": (
        ("a", "b"),
        {"type": "phone", "external_codec": "iso"},
        (
            'Mapping "a": external_codec: a field of type "phone" has none. '
            'Leave it out, or make the type "date" or "datetime"'
        ),
    ),
    "a misspelt type": (
        ("a", "b"),
        {"type": "nmber"},
        (
            'Mapping "a": type: "nmber" is not known. Did you mean "number"? '
            'Use "text", "email", "phone", "number", "boolean", "date", "datetime", "list" or "object"'
        ),
    ),
    "a type that is no text": (
        ("a", "b"),
        {"type": str},
        (
            'Mapping "a": type: expected text, got a Python type. '
            'Use "text", "email", "phone", "number", "boolean", "date", "datetime", "list" or "object"'
        ),
    ),
    "an unknown direction": (
        ("a", "b"),
        {"direction": "in"},
        'Mapping "a": direction: "in" is not known. Use "both", "to_botmatic" or "to_external"',
    ),
    "an unknown on_empty": (
        ("a", "b"),
        {"on_empty": "ignored"},
        'Mapping "a": on_empty: "ignored" is not known. Did you mean "ignore"? Use "clear" or "ignore"',
    ),
    "an unknown property type": (
        ("a", "b"),
        {"property_type": "boolean"},
        'Mapping "a": property_type: "boolean" is not known. Use "text", "number" or "date"',
    ),
    "the platform's id in a row that is not the id row": (
        ("id", "b"),
        {},
        (
            'Mapping "id": botmatic: "id" is the platform\'s own id. Make this the id row with id=true, '
            'or let it travel one way with direction="to_external"'
        ),
    ),
    "a transform that is no function": (
        ("a", "b"),
        {"to_botmatic": 5},
        (
            'Mapping "a": to_botmatic: expected a function or the name of a ready-made transform, got a number. '
            'Take "transform" for a pair of functions'
        ),
    ),
    "a pair where a function is expected": (
        ("a", "b"),
        {"to_external": Transform(str, str)},
        (
            'Mapping "a": to_external: expected a function or the name of a ready-made transform, '
            'got a Python Transform. Take "transform" for a pair of functions'
        ),
    ),
    "a function where a pair is expected": (
        ("a", "b"),
        {"transform": str},
        (
            'Mapping "a": transform: expected a Transform or the name of a ready-made one, got a Python type. '
            "Give a single function as to_botmatic or to_external"
        ),
    ),
    "an unknown transform": (
        ("a", "b"),
        {"to_external": "lower_case"},
        'Mapping "a": to_external: there is no transform "lower_case". Did you mean "lowercase"? Use ' + READY_MADE,
    ),
    "an unknown pair": (
        ("a", "b"),
        {"transform": "zzz"},
        'Mapping "a": transform: there is no transform "zzz". Use ' + READY_MADE,
    ),
    "two transforms for one side": (
        ("a", "b"),
        {"transform": "trim", "to_external": str},
        'Mapping "a": to_external: transform is given as well. Leave one of them out',
    ),
    "a transform for the way that is closed": (
        ("a", "b"),
        {"direction": "to_external", "to_botmatic": str},
        'Mapping "a": to_botmatic: it is never used, since direction is "to_external". Leave one of them out',
    ),
    "an async transform": (
        ("a", "b"),
        {"to_botmatic": soon},
        'Mapping "a": to_botmatic: it is an async function. Give a plain one',
    ),
    "an object whose call is async": (
        ("a", "b"),
        {"transform": Transform(Soon(), str)},
        'Mapping "a": to_botmatic: it is an async function. Give a plain one',
    ),
    "a codec of a type that has none": (
        ("a", "b"),
        {"external_codec": "iso"},
        (
            'Mapping "a": external_codec: a field of type "text" has none. '
            'Leave it out, or make the type "date" or "datetime"'
        ),
    ),
    "an unknown codec": (
        ("a", "b"),
        {"type": "date", "external_codec": "epochms"},
        (
            'Mapping "a": external_codec: "epochms" is not known. Did you mean "epoch_ms"? '
            'Use "iso", "epoch_s" or "epoch_ms", or a format such as "%d/%m/%Y"'
        ),
    ),
    "a codec that is no text": (
        ("a", "b"),
        {"type": "date", "botmatic_codec": 1},
        'Mapping "a": botmatic_codec: expected text, got a number. Write iso, epoch_s, epoch_ms or a format',
    ),
    "a format without a year": (
        ("a", "b"),
        {"type": "date", "botmatic_codec": "%d/%m"},
        'Mapping "a": botmatic_codec: the format "%d/%m" has no year. Add %Y',
    ),
    "a format without a day": (
        ("a", "b"),
        {"type": "date", "external_codec": "%m/%Y"},
        (
            'Mapping "a": external_codec: the format "%m/%Y" does not keep day, month and year. '
            "Add what is missing (%d, %m, %Y)"
        ),
    ),
    "a format that cannot be read again": (
        ("a", "b"),
        {"type": "date", "external_codec": "%Y %Q"},
        (
            'Mapping "a": external_codec: the format "%Y %Q" does not keep day, month and year. '
            "Add what is missing (%d, %m, %Y)"
        ),
    ),
    "a format of a datetime without hours": (
        ("a", "b"),
        {"type": "datetime", "external_codec": "%d/%m/%Y"},
        (
            'Mapping "a": external_codec: the format "%d/%m/%Y" does not keep date, hour and minute. '
            'Add what is missing (%d, %m, %Y, %H, %M), or use type "date"'
        ),
    ),
    "a format with half a day's hours": (
        ("a", "b"),
        {"type": "datetime", "external_codec": "%d/%m/%Y %I:%M"},
        (
            'Mapping "a": external_codec: the format "%d/%m/%Y %I:%M" does not keep date, hour and minute. '
            'Add what is missing (%d, %m, %Y, %H, %M), or use type "date"'
        ),
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ROWS)
def test_a_wrong_row_is_refused_when_it_is_made_with_what_to_write_instead(wrong: str) -> None:
    names, options, message = WRONG_ROWS[wrong]
    with pytest.raises(MappingDefinitionError) as caught:
        Mapping(*names, **options)
    assert str(caught.value) == message
    assert caught.value.__context__ is None
