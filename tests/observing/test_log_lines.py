"""Log lines for programs: one an event, whatever is in it, and nothing of its contact."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from enum import IntEnum
from typing import Any

import pytest

from contact_sync import ContactSync, Result, allow_any_token
from contact_sync.log_lines import APPLIED, RETRIED, JSONLines, TextLines, log_event
from contact_sync.testing import MemoryConsumer
from mappers import Mapping
from tests.project.markdown import ROOT


class Lines(logging.Handler):
    """Keeps what was logged, as a formatter writes it."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.all: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(self.format(record))

    @property
    def last(self) -> Any:
        """The last one, read as JSON by a strict reader."""
        assert self.all[-1].isascii()
        assert len(self.all[-1].splitlines()) == 1
        return json.loads(self.all[-1], parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("contact_sync.tests")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger
    logger.handlers.clear()
    logger.propagate = True


def writing(log: logging.Logger, formatter: logging.Formatter) -> Lines:
    lines = Lines(formatter)
    log.addHandler(lines)
    return lines


def test_an_event_is_one_json_object_with_its_id_and_what_came_of_it(log: logging.Logger) -> None:
    lines = writing(log, JSONLines())
    log_event(
        *(log, logging.INFO, APPLIED),
        event_id="01J8",
        installation="client:acme",
        event="contact_updated",
        outcome="updated",
        tries=2,
        seconds=0.0123456,
    )
    said = lines.last
    at = datetime.fromisoformat(said.pop("time"))
    assert at.utcoffset() is not None
    assert re.search(r'"time": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"', lines.all[-1])
    assert said == {
        "level": "INFO",
        "logger": "contact_sync.tests",
        "message": "event applied",
        "event_id": "01J8",
        "installation": "client:acme",
        "event": "contact_updated",
        "outcome": "updated",
        "tries": 2,
        "ms": 12.3,
    }


def test_text_has_the_fields_at_the_end_and_quotes_what_could_forge_others(log: logging.Logger) -> None:
    lines = writing(log, TextLines())
    log_event(
        *(log, logging.WARNING, RETRIED),
        event_id="01J8",
        installation='client:a b\nWARNING forged outcome="x"',
        event="contact_updated",
        outcome="for_now",
        tries=1,
        retry_in=1.23456,
    )
    [line] = lines.all
    assert len(line.splitlines()) == 1
    assert line.endswith(
        " WARNING contact_sync.tests: event failed for now event_id=01J8 "
        'installation="client:a b\\nWARNING forged outcome=\\"x\\"" event=contact_updated outcome=for_now tries=1 '
        "retry_in=1.235"
    )


def test_a_line_that_is_below_the_level_is_not_made(log: logging.Logger) -> None:
    lines = writing(log, JSONLines())
    log.setLevel(logging.WARNING)
    log_event(log, logging.INFO, APPLIED, event_id=None, installation="i", event="contact_updated")
    assert lines.all == []


def test_the_place_that_a_record_names_is_the_callers(log: logging.Logger) -> None:
    lines = writing(log, logging.Formatter("%(funcName)s"))
    log_event(log, logging.INFO, APPLIED, event_id=None, installation="i", event="contact_updated")
    assert lines.all == ["test_the_place_that_a_record_names_is_the_callers"]


class Number(IntEnum):
    SEVEN = 7


class Hostile(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise ValueError("a password")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb\u2028c\0", "a\nb\u2028c\0"),
        ("lone \ud800 half", "lone ? half"),
        ("x" * 10_000, "x" * 255 + "…"),
        ("", ""),
        (0, 0),
        (True, True),
        (Number.SEVEN, 7),
        (10**5_000, "<int>"),
        (float("nan"), "<float>"),
        (float("inf"), "<float>"),
        (b"a password", "<bytes>"),
        ({"email": "ana@example.com"}, "<dict>"),
        (["ana@example.com"], "<list>"),
        (ValueError("a password"), "<ValueError>"),
        (Hostile("x"), "<Hostile>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_field_of_any_kind_is_a_line_and_only_scalars_are_shown(
    log: logging.Logger, value: Any, shown: object
) -> None:
    json_lines, text_lines = writing(log, JSONLines()), writing(log, TextLines())
    log.info("said", extra={"event_id": value, "outcome": "still here"})
    assert json_lines.last["event_id"] == shown
    assert json_lines.last["outcome"] == "still here"
    assert len(text_lines.all[-1].splitlines()) == 1
    assert "password" not in text_lines.all[-1] + json_lines.all[-1]


def test_fields_that_are_not_declared_are_not_shown(log: logging.Logger) -> None:
    lines = writing(log, JSONLines())
    log.info("said", extra={"contact": {"email": "ana@example.com"}, "email": "ana@example.com"})
    assert set(lines.last) == {"time", "level", "logger", "message"}


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        ("100%", (), "100%"),
        ("%s and %s", ("one",), "%s and %s (TypeError)"),
        ("%d", ("x",), "%d (TypeError)"),
        ("said %s", (Hostile("x"),), "said %s (ValueError)"),
        ("lone %s", ("\ud800",), "lone ?"),
        ({"email": 1}, (), "{'email': 1}"),
    ],
)
def test_a_message_of_any_kind_is_a_line(message: Any, arguments: tuple[object, ...], shown: str) -> None:
    lines = Lines(JSONLines())
    lines.handle(logging.LogRecord("somebody", logging.INFO, "file.py", 1, message, arguments, None))
    assert lines.last["message"] == shown


def test_a_message_without_end_is_cut(log: logging.Logger) -> None:
    lines = writing(log, JSONLines())
    log.info("x" * 1_000_000)
    assert len(lines.all[-1]) < 20_000


def test_an_exception_is_a_field_of_its_line(log: logging.Logger) -> None:
    lines = writing(log, JSONLines())
    try:
        raise LookupError("nothing there")
    except LookupError:
        log.exception("it failed", stack_info=True)
    assert lines.last["exception"].endswith("LookupError: nothing there")
    assert "Traceback" in lines.last["exception"]
    assert "Stack (most recent call last)" in lines.last["stack"]
    log.info("no exception is on its way", exc_info=True)
    assert "exception" not in lines.last


def test_an_exception_that_cannot_be_shown_is_told_of_all_the_same(log: logging.Logger) -> None:
    class Unreadable(JSONLines):
        def formatException(self, ei: Any) -> str:
            raise RecursionError("a password")

    lines = writing(log, Unreadable())
    try:
        raise LookupError
    except LookupError:
        log.exception("it failed")
    assert lines.last["exception"] == "an exception that cannot be shown (RecursionError)"


PROGRAM = """
import logging, sys
from contact_sync.cli.logs import set_up_logging
from contact_sync.log_lines import log_event

if sys.argv[1] == "own":
    logging.basicConfig(format="mine: %(message)s")
set_up_logging("error")
set_up_logging("info", sys.argv[2])
log_event(logging.getLogger("contact_sync.inbox"), logging.INFO, "event applied", event_id="01J8", installation="i",
          event="contact_updated", outcome="updated")
logging.getLogger("urllib3").debug("GET /contacts?email=ana@example.com")
logging.getLogger("somebody").warning("caf\\u00e9 \\ud800")
"""


def logged(*arguments: str) -> list[str]:
    """What a program logs that sets logging up, on a terminal that knows no more than ASCII."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "ascii:strict", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_logging_set_up_as_json_gives_nothing_but_json() -> None:
    applied, warned = [json.loads(line) for line in logged("-", "json")]
    assert (applied["message"], applied["event_id"], applied["outcome"]) == ("event applied", "01J8", "updated")
    assert (warned["logger"], warned["level"], warned["message"]) == ("somebody", "WARNING", "caf\u00e9 ?")


def test_logging_set_up_as_text_gives_lines_for_people() -> None:
    first = logged("-", "text")[0]
    assert first.endswith(
        "INFO contact_sync.inbox: event applied event_id=01J8 installation=i event=contact_updated outcome=updated"
    )


def test_handlers_of_a_programs_own_are_left_alone() -> None:
    assert logged("own", "json")[0] == "mine: event applied"


def test_whatever_the_sync_logs_is_json_and_holds_no_value_of_a_contact(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(MemoryConsumer):
        def create_contact(self, contact: dict[str, Any]) -> Result:
            raise ConnectionError(f"POST /contacts?mail={contact['mail']}")

    lines = Lines(JSONLines())
    logging.getLogger().addHandler(lines)
    caplog.set_level(logging.DEBUG)
    try:
        fields = [Mapping("id", "ref", id=True), Mapping("email", "mail", match=True), Mapping("phone", "tel")]
        crm = Failing(id_field="ref", email_field="mail")
        client = ContactSync(crm, fields, "memory://", auth=allow_any_token).app.test_client()
        contact = {"id": 1, "email": "ana@example.com", "phone": "+33612345678"}
        for event in ("contact_created", "contact_updated", "contact_deleted", "a\nb"):
            client.post("/", json={"event": event, "data": contact}, headers={"Authorization": "Bearer hush-hush"})
    finally:
        logging.getLogger().removeHandler(lines)
    said = [json.loads(line) for line in lines.all]
    assert any(line["logger"].startswith("contact_sync") for line in said)
    for hidden in ("ana@", "example.com", "33612345678", "hush-hush"):
        assert hidden not in "\n".join(lines.all)
