"""The final check finds every kind of difference, and names it without a value."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.demo.story import compare
from mappers import Mapper, Mapping

MAPPER = Mapper(
    [
        Mapping("id", "ref", id=True),
        Mapping("email", "mail.address", match=True),
        Mapping("birthdate", "born_on", type="date", external_codec="%d/%m/%Y"),
        Mapping("orders", "order_count", type="number"),
    ]
)
PLATFORM = {"7": {"id": 7, "email": "zoe@example.net", "birthdate": "1999-12-31", "orders": 0}}
CRM = {"1001": {"ref": 1001, "mail": {"address": "zoe@example.net"}, "born_on": "31/12/1999", "order_count": 0}}
PAIRS = [("7", "1001")]


def differences(
    platform: dict[str, Any] | None = None,
    crm: dict[str, Any] | None = None,
    pairs: list[tuple[str, str]] | None = None,
) -> tuple[str, ...]:
    return compare(
        PLATFORM if platform is None else platform,
        CRM if crm is None else crm,
        PAIRS if pairs is None else pairs,
        MAPPER,
    ).differences


def test_sides_that_agree_are_counted() -> None:
    found = compare(PLATFORM, CRM, PAIRS, MAPPER)
    assert (found.pairs, found.fields, found.differences) == (1, 3, ())


def test_empty_is_the_same_however_it_is_written() -> None:
    platform = {"7": {"id": 7, "email": "", "orders": None}}
    assert differences(platform, {"1001": {"ref": 1001, "mail": {"address": None}}}) == ()


@pytest.mark.parametrize(
    ("platform", "crm", "pairs", "said"),
    [
        ({"7": PLATFORM["7"] | {"orders": 1}}, None, None, "platform contact 7 and CRM contact 1001: orders differs"),
        ({"7": PLATFORM["7"] | {"orders": None}}, None, None, "7 and CRM contact 1001: orders differs"),
        ({"7": PLATFORM["7"] | {"birthdate": "no day"}}, None, None, "1001: birthdate differs"),
        (None, {"1001": CRM["1001"] | {"born_on": "1999"}}, None, 'external field "born_on"'),
        ({}, None, None, "platform contact 7 is paired, but gone"),
        (None, {}, None, "CRM contact 1001 is paired, but gone"),
        (None, None, [], "platform contact 7 is in no pairs"),
        (None, None, [*PAIRS, ("7", "1002")], "platform contact 7 is in 2 pairs"),
        (None, CRM | {"1002": CRM["1001"]}, None, "CRM contact 1002 is in no pairs"),
    ],
)
def test_a_difference_is_named(platform: Any, crm: Any, pairs: Any, said: str) -> None:
    found = "\n".join(differences(platform, crm, pairs))
    assert said in found
    assert "zoe@" not in found
