"""Runs the suite for consumers that are wrong on purpose, and tells which of its tests failed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable

import pytest

MODULES = (
    "wrong_consumers",
    "wrong_optional",
    "wrong_declared",
    "wrong_changes",
    "wrong_synced",
    "wrong_troubled",
    "read_only",
)

NOT_NEEDED = ("cacheprovider", "doctest", "hypothesispytest", "logging", "unittest", "warnings", "xdist")
"""Plugins that cost time with every test."""

QUIET = ("-q", "-rN", "--capture=no", "--no-summary", "--tb=native", *(f"-pno:{name}" for name in NOT_NEEDED))

NO_STORIES = "not hostile and not converge and not costs"
"""The tests of the methods, as `-k` names them."""

FEWER_TEXTS = f"{NO_STORIES} and not (survive and not (zeros or accents or plus)) and not (look_up_is and not last)"
"""The same, with a few of the texts and addresses, in which all mistakes show that are made here."""

SAYS_WHERE = re.compile(
    r"AssertionError: .*(\b(archive|create|delete|find|get|update)_contact\b|_contacts\b|_by_email|several threads|"
    r"list_(changed|fields)\b)"
)

HEAD = f"""
import pytest
from contact_sync.testing import ConsumerContract, ConsumerPeople, MemoryConsumer, ReadOnlyContract
from tests.consumer import {", ".join(MODULES)}
from tests.consumer.rest import rest_crm
"""


def failed(
    pytester: pytest.Pytester, suite: str, names: Iterable[str], which: str, *, whole: bool = False
) -> dict[str, set[str]]:
    """Run suites for wrong consumers.

    Args:
        suite: A suite, with places for the `module` and the `name` of a consumer.
        names: The consumers.
        which: The tests, as pytest's `-k` names them.
        whole: Whether a test's parameters are a part of its name.

    Returns:
        The names of the tests that failed, by consumer.
    """
    pytester.makepyfile(test_wrong=HEAD + "".join(suite.format(module=module_of(name), name=name) for name in names))
    run = pytester.inline_run(*QUIET, "-k", which, "test_wrong.py")
    by_name: dict[str, set[str]] = {name: set() for name in names}
    for report in run.getreports("pytest_runtest_logreport"):
        if report.when == "call" and report.failed:
            assert SAYS_WHERE.search(report.longreprtext), f"the message names the method: {report.longreprtext}"
            name, test = str(report.head_line).split(".test_")
            by_name[name.removeprefix("Test")].add(test if whole else test.split("[")[0])
    return by_name


def names_of(module: str) -> set[str]:
    """The consumers that a module defines."""
    there = importlib.import_module(f"tests.consumer.{module}")
    return {name for name, kind in vars(there).items() if isinstance(kind, type) and kind.__module__ == there.__name__}


def module_of(name: str) -> str:
    """The module that defines a wrong consumer."""
    return next(module for module in MODULES if name in names_of(module))
