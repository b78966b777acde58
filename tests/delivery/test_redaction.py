"""What is kept of an error holds nothing of the contact that it is about, in whatever form a CRM repeats it."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.delivery.redaction import LONGEST, redacted


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("Ana", "no such name: Ana"),
        ("Ana", 'invalid "ANA"!'),
        ("Ana", "name_Ana is taken"),
        ("Ana Lima", "Lima is not allowed"),
        ("Müller", "the Müllers exist"),
        ("Müller", '{"detail": "M\\u00fcller is taken"}'),
        ("Müller", "GET /people?name=M%C3%BCller"),
        ("Ana Lima", "GET /people?name=Ana+Lima"),
        ("Ana Lima", "GET /people?name=Ana%20Lima"),
        ("12345", "no plan 12345"),
        (12345, "no plan 12345"),
        (4.5, "4.5 is too much"),
        ('["gold", "vip-club"]', "no such tag: vip-club"),
        ({"street": "Rue X"}, "there is no Rue X"),
        (["gold"], "gold is no tag"),
    ],
)
def test_what_the_event_holds_is_hidden(value: Any, error: str) -> None:
    left = redacted(error, [{"id": "7", "field": value}])
    assert "…" in left
    hidden = ["ana", "lima", "ller", "vip", "rue x", "gold", "12345", "4.5"]
    assert not any(word in left.lower() for word in hidden), left


@pytest.mark.parametrize(
    "error",
    [
        "somebody.else@example.org exists",
        "somebody.else%40example.org exists",
        "call +33 6 12 34 56 78",
        "call (555) 123-4567 exists",
    ],
)
def test_what_looks_like_an_address_or_a_number_is_hidden(error: str) -> None:
    left = redacted(error, [{}])
    assert "…" in left
    assert not any(part in left for part in ("somebody", "example", "12 34", "123-4567"))


def test_the_rest_of_an_error_stays() -> None:
    """It is what a person needs."""
    error = "HTTP 422: field 'plan' is unknown; see the list of 12 plans"
    assert redacted(error, [{"id": "7", "name": "Ana", "score": 5}]) == error
    form = 'platform field "birthdate": expected a day such as 2018-02-09, got text of another form'
    assert redacted(form, [{"birthdate": "not a date"}]) == form


def test_a_long_error_is_cut() -> None:
    assert len(redacted("x" * 10_000, [{}])) == LONGEST


@pytest.mark.parametrize("value", ["\ud800", "[" * 100_000, "{", "(", "\\", "a" * 100_000])
def test_hostile_values_do_no_harm(value: str) -> None:
    assert redacted("it failed", [{"x": value}]) == "it failed"
