"""Which tests of `ConsumerContract` a suite has: chosen when its class is made, by what that declares.

Of what the class says (`can_create` and the like, `consumer_at`, `crm_url`, `people`), tests that do not apply are not
there. What the consumer alone says (`lacks`, `batch_size`, `unique_keys`, `read_only_fields`, its optional methods) is
not known before a fixture has made it. Tests of that are in every suite: where a consumer has no `list_changed` or
`archive_contact`, they see that it does not pretend to; of batches, keys and fields that are not there they see
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])

Need = Literal["create", "update", "delete", "records", "consumer_at", "crm_url", "no create", "no update", "no delete"]
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
