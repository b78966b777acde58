"""Contacts in, a result for each out: as one batch, or one by one where that is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contact_sync.consumer import one_event
from contact_sync.engine import Engine
from contact_sync.errors import Busy
from contact_sync.failures import translate
from contact_sync.results import Result
from contact_sync.sides import Route

from .batch import SYNC, Batch, Heard


def save_many(engine: Engine, route: Route, contacts: Sequence[Mapping[str, Any]]) -> list[Result]:
    """Make the target agree with contacts of the source; with batch calls, if it has any.

    Args:
        contacts: The source's contacts, in the source's names, with their ids. They are not written in order, unless
            one comes twice.

    Returns:
        A result for each, in order, as `Engine.save` gives it.
    """
    if route.target.batch_size == 1:
        return [engine.save(route, contact) for contact in contacts]
    return write_batch(engine, route, contacts)


def write_batch(
    engine: Engine,
    route: Route,
    contacts: Sequence[Mapping[str, Any]],
    *,
    create: bool = True,
    read_at: float | None = None,
    heard: Heard | None = None,
) -> list[Result]:
    """Write contacts under one claim on all of them; one by one if somebody else holds one of them for long.

    Args:
        contacts: The source's contacts. What has no usable id is a failure.
        create: Whether a contact without a partner gets one. Otherwise it is `NOT_FOUND`.
        read_at: When the contacts were read; `None` if their side has told of them.
        heard: Is told what came of each call.

    Returns:
        A result for each, in order.
    """
    work = Batch(engine, route, contacts, create=create, read_at=read_at, heard=heard)
    if not work.refs:
        return work.results()
    try:
        with one_event(), engine.claims.contacts(route.scope.installation, work.refs) as claim:
            work.run(claim)
    except Busy as busy:
        if len(contacts) > 1:  # one of them is worked on elsewhere; the others need not wait for it
            alone = [
                write_batch(engine, route, [contact], create=create, read_at=read_at, heard=heard)
                for contact in contacts
            ]
            return [result for results in alone for result in results]
        work.fail(translate(busy, SYNC.format(route.source.noun)))
    except Exception as error:  # noqa: BLE001 - a user's store or platform may raise anything
        work.fail(translate(error, SYNC.format(route.source.noun)))
    else:
        work.finish()
    return work.results()
