"""Group commit: threads that come at once share a commit, and none suffers from another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, exc

from contact_sync.delivery.inbox import commits
from contact_sync.delivery.inbox.commits import Commits
from contact_sync.errors import DeliveryUnavailable


class Book:
    """A database of one list. A transaction keeps what was written in it, or nothing."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.commits = 0
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.away = False

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self.entered.set()
        assert self.gate.wait(20)
        if self.away:
            raise exc.OperationalError("BEGIN", {}, Exception())
        page: list[Any] = []
        yield page
        self.kept += page
        self.commits += 1


def writing(value: Any) -> Callable[[Connection], Any]:
    def write(page: Any) -> Any:
        page.append(value)
        return value

    return write


def test_those_who_come_while_one_commits_share_the_next_commit() -> None:
    book = Book()
    group = Commits(book.transaction)
    book.gate.clear()
    with ThreadPoolExecutor(20) as threads:
        first = threads.submit(group.do, writing(0))
        assert book.entered.wait(20)
        rest = [threads.submit(group.do, writing(n)) for n in range(1, 20)]
        while len(group._waiting) < 19:
            threading.Event().wait(0.001)
        book.gate.set()
        assert [one.result(20) for one in (first, *rest)] == list(range(20))
    assert sorted(book.kept) == list(range(20))
    assert book.commits == 2


def test_one_that_fails_fails_alone() -> None:
    book = Book()
    group = Commits(book.transaction)

    def fail(page: Any) -> None:
        page.append("half")
        raise ValueError("this one")

    book.gate.clear()
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(group.do, writing(0))
        assert book.entered.wait(20)
        good = [threads.submit(group.do, writing(n)) for n in (1, 2)]
        bad = threads.submit(group.do, fail)
        while len(group._waiting) < 3:
            threading.Event().wait(0.001)
        book.gate.set()
        assert [one.result(20) for one in (first, *good)] == [0, 1, 2]
        with pytest.raises(ValueError, match="this one"):
            bad.result(20)
    assert sorted(book.kept) == [0, 1, 2]


def test_a_database_that_is_away_fails_all_of_them_at_once() -> None:
    book = Book()
    group = Commits(book.transaction)
    book.gate.clear()
    book.away = True
    with ThreadPoolExecutor(8) as threads:
        all_of_them = [threads.submit(group.do, writing(n)) for n in range(5)]
        assert book.entered.wait(20)
        book.gate.set()
        for one in all_of_them:
            with pytest.raises(exc.OperationalError):
                one.result(20)
    book.away = False
    assert group.do(writing("back")) == "back"
    assert book.kept == ["back"]


def test_who_waits_for_too_long_gives_up_and_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "PATIENCE", 0.05)
    book = Book()
    group = Commits(book.transaction)
    book.gate.clear()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(group.do, writing(0))
        assert book.entered.wait(20)
        with pytest.raises(DeliveryUnavailable):
            group.do(writing(1))
        book.gate.set()
        assert first.result(20) == 0
    assert group.do(writing(2)) == 2
    assert book.kept == [0, 2]


def test_many_threads_lose_nothing() -> None:
    book = Book()
    group = Commits(book.transaction)
    with ThreadPoolExecutor(16) as threads:
        done = list(threads.map(lambda n: group.do(writing(n)), range(2_000)))
    assert done == list(range(2_000))
    assert sorted(book.kept) == done
    assert book.commits <= 2_000
