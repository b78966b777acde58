"""What several processes need: a store and a CRM that they share."""

from __future__ import annotations

import contextlib

import click

from contact_sync.abilities import reach
from contact_sync.errors import DeliveryUnavailable
from contact_sync.failures import translate
from contact_sync.integration import ContactSync
from key_stores import Leases, Records

from .group import Wrong
from .output import plain
from .stores import is_of_this_process, name_of


def check_shared(sync: ContactSync, who: str, instead: str) -> None:
    """See to it that processes would share what they have to.

    Args:
        sync: What each of them would make.
        who: Which processes, for the message.
        instead: What to do so that there is one process alone.

    Raises:
        Wrong: Each would have a store of its own.
    """
    from contact_sync.testing import MemoryConsumer

    store = sync.key_store
    if is_of_this_process(store):
        raise Wrong(
            f"{who}: each would have a key store of its own, since this one ({name_of(store)}) is in memory: pairs "
            f"would be lost and contacts made twice. {instead}, or use a store that processes share: redis://…, "
            "postgresql://… or sqlite:///pairs.db"
        )
    lacking = [ability.__name__ for ability in (Leases, Records) if not isinstance(store, ability)]
    if lacking:
        click.echo(
            f"Warning: {who}, and {name_of(store)} has no {' and no '.join(lacking)}: they cannot see each other's, so "
            f"a contact may be made twice. {instead}, or add the abilities to the store.",
            err=True,
        )
    if isinstance(sync.scopes.shared, MemoryConsumer):
        click.echo(
            f"Warning: {who}, and the CRM ({type(sync.scopes.shared).__name__}) is in memory: each has one of its own "
            f"and sees nothing of the others'. {instead}, or a consumer of a CRM that they share.",
            err=True,
        )


def warn_if_away(sync: ContactSync, meanwhile: str) -> None:
    """Say that a store does not answer. It is worked all the same: the store may come back, and nothing is lost.

    Args:
        sync: Whose stores.
        meanwhile: What becomes of events until then.

    Raises:
        ConfigurationError: The delivery is not away, but set up wrongly.
    """
    remedy = f"Until it does, {meanwhile}. Start it, or correct its address and credentials; contact-sync check says"
    try:
        reach(sync.abilities)
    except Exception as error:  # noqa: BLE001 - a user's store may raise anything
        said = translate(error, "the key store").error or ""
        click.echo(f"Warning: the key store does not answer: {plain(said)}. {remedy} more.", err=True)
    if sync.delivery.durable and (reason := sync.delivery.unready()) is not None:
        with contextlib.suppress(DeliveryUnavailable):
            sync.delivery.events(limit=1)
        click.echo(f"Warning: the delivery ({plain(sync.delivery.name)}): {plain(reason)}. {remedy} more.", err=True)
