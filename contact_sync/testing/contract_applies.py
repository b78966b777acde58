"""Which tests of `ConsumerContract` a consumer gets: those of what it can, chosen when the suite's class is made.

A test that does not apply is not there. It is never one that passes without having looked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])

Need = Literal["create", "update", "delete", "records", "consumer_at", "no create", "no update", "no delete"]
"""What a test needs. `records`: that records can be made as the test wants them, by the consumer or by people.
`no create`: that the consumer says it cannot create."""

_NEEDS: Final = "_contract_needs"


def needs(*all_of: Need) -> Callable[[Test], Test]:
    """Say what a test needs in order to apply."""

    def mark(test: Test) -> Test:
        setattr(test, _NEEDS, frozenset(all_of))
        return test

    return mark


def tests_of(*suites: type) -> dict[str, Any]:
    """The tests of some classes, and of those that they inherit from, by name: the first ones first."""
    found: dict[str, Any] = {}
    for suite in suites:
        for base in suite.__mro__:
            for name, test in vars(base).items():
                if name.startswith("test_") and callable(test):
                    found.setdefault(name, test)
    return found


def choose(suite: type, tests: dict[str, Any], there: frozenset[Need]) -> None:
    """Let a suite have those of the tests that apply. What its author has overridden stays as it is."""
    for name, test in tests.items():
        if getattr(suite, name, None) in (None, test):
            setattr(suite, name, test if getattr(test, _NEEDS, frozenset()) <= there else None)
