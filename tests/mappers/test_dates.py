"""Dates and datetimes, and how each side writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers import MappingValueError

from .helpers import field, refusal_to_botmatic, refusal_to_external, thorough, to_botmatic, to_external

DATE_CODECS = ["iso", "epoch_s", "epoch_ms", "%d/%m/%Y", "%Y%m%d", "on %d of %m, year %Y, 100%%", "%Y-%j", "%x %Y"]
DATETIME_CODECS = [
    ("iso", timedelta(microseconds=1)),
    ("epoch_ms", timedelta(milliseconds=1)),
    ("epoch_s", timedelta(seconds=1)),
    ("%d/%m/%Y %H:%M:%S", timedelta(seconds=1)),
    ("%Y-%m-%dT%H:%M:%S.%f%z", timedelta(microseconds=1)),
    ("%d.%m.%Y %I:%M %p", timedelta(minutes=1)),
]


def cut(moment: datetime, precision: timedelta) -> datetime:
    return moment - (moment - datetime(1970, 1, 1, tzinfo=UTC)) % precision


def platform_text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("codec", DATE_CODECS)
@thorough
@given(day=st.dates())
def test_every_codec_takes_a_date_there_and_back(codec: str, day: date) -> None:
    outwards = field(type="date", external_codec=codec)
    assert to_botmatic(outwards, to_external(outwards, day.isoformat())) == day.isoformat()
    inwards = field(type="date", botmatic_codec=codec)
    assert to_external(inwards, to_botmatic(inwards, day.isoformat())) == day.isoformat()


@pytest.mark.parametrize(("codec", "precision"), DATETIME_CODECS)
@thorough
@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_every_codec_takes_a_datetime_there_and_back_as_exactly_as_it_can(
    codec: str, precision: timedelta, moment: datetime
) -> None:
    text = platform_text(moment)
    outwards = field(type="datetime", external_codec=codec)
    back = to_botmatic(outwards, to_external(outwards, text))
    assert datetime.fromisoformat(back) == cut(moment, precision)
    inwards = field(type="datetime", botmatic_codec=codec)
    back = to_external(inwards, to_botmatic(inwards, text))
    assert datetime.fromisoformat(back) == cut(moment, precision)


@thorough
@given(day=st.dates(date(1969, 1, 1), date(2068, 12, 31)))
def test_a_format_with_a_short_year_takes_the_dates_that_it_can_tell(day: date) -> None:
    mapper = field(type="date", external_codec="%d/%m/%y")
    assert to_botmatic(mapper, to_external(mapper, day.isoformat())) == day.isoformat()


@pytest.mark.parametrize("day", ["1968-12-31", "2069-01-01", "0001-01-01"])
def test_a_year_that_a_short_year_cannot_tell_is_refused(day: str) -> None:
    mapper = field(type="date", external_codec="%d/%m/%y")
    assert refusal_to_external(mapper, day) == "the year does not fit the form %d/%m/%y"


@pytest.mark.parametrize(
    ("codec", "value"),
    [
        ("iso", "2018-02-09"),
        ("iso", " 2018-02-09 "),
        ("iso", "20180209"),
        ("iso", "2018-02-09T00:00:00.000Z"),
        ("iso", "2018-02-09 23:59:59"),
        ("iso", "2018-02-09T23:30:00-05:00"),
        ("iso", "2018-02-09T00:30:00+05:00"),
        ("iso", date(2018, 2, 9)),
        ("iso", datetime(2018, 2, 9, 23, 30, tzinfo=timezone(timedelta(hours=-5)))),
        ("epoch_s", 1518134400),
        ("epoch_s", 1518220799.9),
        ("epoch_s", "1518134400"),
        ("epoch_s", date(2018, 2, 9)),
        ("epoch_ms", 1518134400000),
        ("epoch_ms", datetime(2018, 2, 9, 12, tzinfo=UTC)),
        ("%d/%m/%Y", "09/02/2018"),
        ("%d/%m/%Y", " 9/2/2018 "),
        ("%d/%m/%Y", date(2018, 2, 9)),
        ("%d/%m/%Y", datetime(2018, 2, 9, 12)),
    ],
)
def test_a_date_is_the_day_that_is_written(codec: str, value: Any) -> None:
    assert to_botmatic(field(type="date", external_codec=codec), value) == "2018-02-09"


@pytest.mark.parametrize(
    ("codec", "value", "moment"),
    [
        ("iso", "2018-02-09T12:44:26.000Z", "2018-02-09T12:44:26.000Z"),
        ("iso", "2018-02-09 12:44", "2018-02-09T12:44:00.000Z"),
        ("iso", "2018-02-09T14:44:26+02:00", "2018-02-09T12:44:26.000Z"),
        ("iso", "2018-02-09T12:44:26.123456Z", "2018-02-09T12:44:26.123456Z"),
        ("iso", "2018-02-09", "2018-02-09T00:00:00.000Z"),
        ("iso", datetime(2018, 2, 9, 12, 44, 26), "2018-02-09T12:44:26.000Z"),
        ("iso", datetime(2018, 2, 9, 14, 44, 26, tzinfo=timezone(timedelta(hours=2))), "2018-02-09T12:44:26.000Z"),
        ("iso", date(2018, 2, 9), "2018-02-09T00:00:00.000Z"),
        ("epoch_s", 1518180266, "2018-02-09T12:44:26.000Z"),
        ("epoch_s", 1518180266.5, "2018-02-09T12:44:26.500Z"),
        ("epoch_s", -1, "1969-12-31T23:59:59.000Z"),
        ("epoch_s", 0, "1970-01-01T00:00:00.000Z"),
        ("epoch_ms", 1518180266123, "2018-02-09T12:44:26.123Z"),
        ("epoch_ms", "1518180266123", "2018-02-09T12:44:26.123Z"),
        ("%d/%m/%Y %H:%M", "09/02/2018 12:44", "2018-02-09T12:44:00.000Z"),
        ("%d/%m/%Y %H:%M %z", "09/02/2018 14:44 +0200", "2018-02-09T12:44:00.000Z"),
    ],
)
def test_a_datetime_is_a_moment_in_utc_and_utc_where_no_zone_is_written(codec: str, value: Any, moment: str) -> None:
    assert to_botmatic(field(type="datetime", external_codec=codec), value) == moment


def test_zero_seconds_is_a_date_and_not_empty() -> None:
    assert to_botmatic(field(type="date", external_codec="epoch_s"), 0) == "1970-01-01"


@pytest.mark.parametrize(
    ("type", "codec", "value", "reason"),
    [
        ("date", "iso", "09/02/2018", "expected a date such as 2018-02-09, got text of another form"),
        ("date", "iso", "2018-02-30", "expected a date such as 2018-02-09, got text of another form"),
        ("date", "iso", 1518134400, "expected a date such as 2018-02-09, got a number"),
        ("date", "iso", True, "expected a date such as 2018-02-09, got a boolean"),
        ("date", "%d/%m/%Y", "2018-02-09", "expected a date of the form %d/%m/%Y, got text of another form"),
        ("date", "%d/%m/%Y", 5, "expected a date of the form %d/%m/%Y, got a number"),
        ("date", "epoch_s", "2018-02-09", "expected a date as seconds since 1970, got text of another form"),
        ("date", "epoch_s", True, "expected a date as seconds since 1970, got a boolean"),
        (
            "datetime",
            "epoch_ms",
            10**18,
            "expected a date as milliseconds since 1970, got one outside the years 1 to 9999",
        ),
        (
            "datetime",
            "epoch_s",
            1e300,
            "expected a date as seconds since 1970, got one outside the years 1 to 9999",
        ),
        (
            "datetime",
            "epoch_s",
            float("nan"),
            "expected a date as seconds since 1970, got a number",
        ),
        ("datetime", "iso", "soon", "expected a datetime such as 2018-02-09T12:44:26Z, got text of another form"),
        ("datetime", "iso", [], "expected a datetime such as 2018-02-09T12:44:26Z, got a list"),
        ("datetime", "iso", "0001-01-01T00:00:00+05:00", "the datetime lies outside the years 1 to 9999"),
        ("datetime", "iso", "9999-12-31T23:00:00-05:00", "the datetime lies outside the years 1 to 9999"),
    ],
)
def test_what_is_no_date_is_refused_without_repeating_it(type: Any, codec: str, value: Any, reason: str) -> None:
    assert refusal_to_botmatic(field(type=type, external_codec=codec), value) == reason


@thorough
@given(st.text(max_size=30))
def test_no_text_makes_a_date_codec_fail_in_another_way(text: str) -> None:
    for codec in DATE_CODECS:
        outcome = ""
        try:
            field(type="date", external_codec=codec).to_botmatic({"there": text})
        except MappingValueError as error:
            outcome = str(error)
        assert outcome == "" or outcome.startswith('external field "there": expected a date ')
