"""What answers mean: by their status, and by what their body holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contact_sync.consumers.auth.checks import shown
from contact_sync.results import id_text
from mappers.values import MISSING, kind_of

from .answers import Answer
from .lookup import each_at
from .reading import Path, Problems, Section, as_path

_CODE: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,60}")


@dataclass(frozen=True, slots=True)
class Match:
    """What has to lie at a path.

    Attributes:
        path: Where, perhaps with `*`.
        values: One of these; none at all: something has to be there that is not null.
        absent: Whether nothing has to be there instead, or null.
        starts: Or: how a text there has to start.
    """

    path: Path
    values: tuple[Any, ...] = ()
    absent: bool = False
    starts: str | None = None

    def fits(self, data: Any) -> bool:
        """Whether it is so."""
        found = [value for value in each_at(data, self.path) if value is not None or None in self.values]
        if self.absent:
            return not found
        if self.starts is not None:
            return any(isinstance(value, str) and value.startswith(self.starts) for value in found)
        if not self.values:
            return bool(found)
        return any(_same(value, wanted) for value in found for wanted in self.values)


@dataclass(frozen=True, slots=True)
class Case:
    """One way to say something: all of it has to be so.

    Attributes:
        statuses: One of these; none at all: any.
        body: What the body holds.
        no_page: Whether a page of HTML says something else.
        id: Where the answer holds the id of the record that it is about.
    """

    statuses: frozenset[int] = frozenset()
    body: tuple[Match, ...] = ()
    no_page: bool = False
    id: Path | None = None

    def fits(self, answer: Answer) -> bool:
        """Whether an answer is one of that kind."""
        if self.statuses and answer.status not in self.statuses:
            return False
        if self.no_page and answer.is_page:
            return False
        if self.body and answer.data is MISSING:
            return False  # what is not JSON says nothing, not even that something is absent
        return all(match.fits(answer.data) for match in self.body)


@dataclass(frozen=True, slots=True)
class Rule:
    """Several ways to say the same."""

    cases: tuple[Case, ...] = ()

    def fits(self, answer: Answer) -> bool:
        """Whether an answer says it."""
        return self.case(answer) is not None

    def case(self, answer: Answer) -> Case | None:
        """In which way an answer says it; none if it does not."""
        return next((case for case in self.cases if case.fits(answer)), None)


NO_RULE: Final = Rule()

SUCCESSES: Final = range(200, 300)
_OF_THE_MOMENT: Final = frozenset({401, 407, 408, 425, 429, *range(500, 600)})
"""What is said of the key or of the moment, be the record there or not."""
_USUALLY_NOT_FOUND: Final = Rule((Case(frozenset({404, 410}), no_page=True),))
_USUALLY_EXISTS: Final = Rule((Case(frozenset({409})),))


@dataclass(frozen=True, slots=True)
class Errors:
    """What answers mean.

    Attributes:
        not_found: The record is missing.
        exists: There is such a record.
        retryable: The same call may succeed later.
        success: What a success has to hold; none: nothing.
        code: Where an error has its code.
    """

    not_found: Rule = _USUALLY_NOT_FOUND
    exists: Rule = _USUALLY_EXISTS
    retryable: Rule = NO_RULE
    success: Rule | None = None
    code: Path | None = None

    def existing(self, answer: Answer) -> Case | None:
        """In which way an answer says that there is such a record; none if it does not.

        Where that is not declared, what may be tried again comes first: a 409 is a conflict of two writers then.
        """
        if self.exists is _USUALLY_EXISTS and self.retryable.fits(answer):
            return None
        return self.exists.case(answer)

    def code_of(self, answer: Answer) -> str | None:
        """An error's code; none if it has none, or if what lies there may be anything, such as a contact's value."""
        for value in each_at(answer.data, self.code) if self.code is not None else ():
            if isinstance(value, int | str) and not isinstance(value, bool) and _CODE.fullmatch(str(value)):
                return str(value)
        return None


NO_ERRORS: Final = Errors()


def errors(data: object, where: str, problems: Problems) -> Errors:
    """Read the section `errors`."""
    section = Section(data, where, ("not_found", "exists", "retryable", "success", "code"), problems)
    read: dict[str, Any] = {"code": section.path("code", None)}
    for key in ("not_found", "exists", "retryable", "success"):
        if key in section:
            found = rule(section.get(key), section.place(key), problems, with_id=key == "exists")
            read[key] = found
            if key in ("not_found", "exists"):
                says_something(found, section.place(key), problems)
            elif key == "success":
                is_success(found, section.place(key), problems)
    return Errors(**read)


def rule(data: object, where: str, problems: Problems, *, with_id: bool = False) -> Rule:
    """Read a rule: a status, an object, or a list of those."""
    if isinstance(data, list | tuple):
        if not data:
            problems.add(where, "an empty list is no rule. Write a status, such as 404, or leave it out")
        cases = [
            _case(each, f"{where}.{number}" if isinstance(each, Mapping) else where, problems, with_id)
            for number, each in enumerate(data)
        ]
        return Rule(tuple(case for case in cases if case is not None))
    case = _case(data, where, problems, with_id)
    return Rule(() if case is None else (case,))


def optional_rule(section: Section, key: str) -> Rule | None:
    """Read a rule under a key; none if there is none."""
    return rule(section.get(key), section.place(key), section.problems) if key in section else None


def says_something(found: Rule, where: str, problems: Problems) -> None:
    """Note it if an answer that may mean anything else, too, is taken for what a rule is to say."""
    bare = {status for case in found.cases if not case.body and case.id is None for status in case.statuses}
    if not bare.isdisjoint(SUCCESSES):
        problems.add(where, "every success has such a status. Add what the body holds then: {status: 200, body: {…}}")
    if not bare.isdisjoint(_OF_THE_MOMENT):
        problems.add(
            where,
            "401, 407, 408, 425, 429 and 5xx are about the key or the moment, and say nothing of a record. Leave them "
            "out, or add what the body holds then: {status: 500, body: {…}}",
        )


def is_success(found: Rule, where: str, problems: Problems) -> None:
    """Note it if what is no success is taken for one."""
    if any(status not in SUCCESSES for case in found.cases for status in case.statuses):
        problems.add(where, "a success has a status from 200 to 299. Leave others out")


def matches(data: object, where: str, problems: Problems) -> tuple[Match, ...]:
    """Read an object of paths with what has to lie there."""
    if not isinstance(data, Mapping) or not data:
        problems.add(where, f"expected an object of paths and values, such as {{error.code: gone}}, got {_kind(data)}")
        return ()
    read = []
    for key, wanted in data.items():
        place = f"{where}.{shown(key)}" if isinstance(key, str) else where
        if not isinstance(key, str) or not key:
            problems.add(place, f"expected a path, got {_kind(key)}. In YAML, put it in quotes")
        else:
            read.append(_match(as_path(key, place, problems), wanted, place, problems))
    return tuple(read)


def _case(data: object, where: str, problems: Problems, with_id: bool) -> Case | None:
    if _is_status(data):
        return Case(frozenset({data}))  # type: ignore[arg-type] # _is_status says that it is an int
    if not isinstance(data, Mapping):
        problems.add(
            where,
            f"expected a status such as 404, an object with status or body, or a list of those, got {_kind(data)}",
        )
        return None
    section = Section(data, where, ("status", "body", "id") if with_id else ("status", "body"), problems)
    if "status" not in section and "body" not in section and not problems.below(where):
        section.problem("status", "it is missing, as is body. Write at least one of them, or it would fit any answer")
    given = section.get("status", [])
    statuses = given if isinstance(given, list | tuple) else [given]
    if not all(map(_is_status, statuses)) or ("status" in section and not statuses):
        section.problem("status", f"expected a status from 100 to 599, or a list of some, got {_kind(given)}")
        statuses = []
    body = matches(section.get("body"), section.place("body"), problems) if "body" in section else ()
    return Case(frozenset(statuses), body, id=section.path("id", None) if with_id else None)


def _match(path: Path, wanted: object, where: str, problems: Problems) -> Match:
    if isinstance(wanted, Mapping):
        present, starts = wanted.get("present"), wanted.get("starts")
        if set(wanted) == {"starts"} and isinstance(starts, str) and starts:
            return Match(path, starts=starts)
        if set(wanted) != {"present"} or not isinstance(present, bool):
            problems.add(where, "expected a value, a list of values, {present: true}, {present: false} or {starts: …}")
        return Match(path, absent=present is False)
    values = tuple(wanted) if isinstance(wanted, list | tuple) else (wanted,)
    if not values or any(isinstance(value, Mapping | list | tuple) for value in values):
        problems.add(where, f"expected a value, or a list of values, got {_kind(wanted)} that is no such")
    return Match(path, values)


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599


def _same(value: object, wanted: object) -> bool:
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted  # True is 1 to Python


def _kind(value: object) -> str:
    if isinstance(value, Mapping | list | tuple) and not value:
        return f"an empty {'object' if isinstance(value, Mapping) else 'list'}"
    if isinstance(value, int) and not isinstance(value, bool):
        return "another number"
    if isinstance(value, str) and value.isdecimal():
        return "text. Write it without quotes"
    return kind_of(value)


def id_at(answer: Answer, path: Path | None) -> str | None:
    """The id that lies at a path of an answer; none if there is none."""
    for value in each_at(answer.data, path) if path is not None else ():
        try:
            return id_text(None if value is MISSING else value)
        except ValueError:
            continue
    return None
