"""Syncs whose events are stored before they are applied, for the commands that work on what waits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from contact_sync.integration import ContactSync

from .group import Wrong
from .output import plain
from .target import load_sync


def check_durable(sync: ContactSync, target: str) -> None:
    """See to it that something can wait.

    Raises:
        Wrong: It cannot: events are applied within their request.
    """
    if not sync.delivery.durable:
        raise Wrong(
            f"{target} applies events within their request (its delivery is {plain(sync.delivery.name)}), so none ever "
            'waits; pass a durable one to ContactSync, such as delivery="sqlite:///inbox.db"'
        )


@contextlib.contextmanager
def durable(target: str) -> Iterator[ContactSync]:
    """Load a sync to look into what waits.

    Raises:
        Wrong: Nothing can wait.
    """
    with load_sync(target) as sync:
        check_durable(sync, target)
        yield sync
