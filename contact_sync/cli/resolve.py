"""`contact-sync resolve`: settle a contact that is held."""

from __future__ import annotations

import click

from contact_sync.delivery import replay_held
from contact_sync.delivery.base import OLDER
from contact_sync.errors import DeliveryUnavailable
from contact_sync.held import HeldContact
from contact_sync.integration import ContactSync
from contact_sync.results import Result
from contact_sync.scopes import Scope
from contact_sync.sides import Route

from .chosen import SyncCommand, chosen_installation, installation_option, stored
from .group import Problem, Wrong
from .output import counted, plain
from .speaking import NAMES, partner_of, said, see_records, silent_scope, speaking_scope
from .target import sync_argument
from .tokens import given_token


@click.command(cls=SyncCommand)
@sync_argument
@click.argument("id")
@click.option("--with", "other", metavar="ID", help="It is this record of the other side: pair the two.")
@click.option("--create", is_flag=True, help="It is none of them: let it have a record of its own.")
@click.option("--side", type=click.Choice(list(NAMES)), help="The side it is on.  [default: the one it is held on]")
@installation_option
@click.option("--token-env", metavar="NAME", help="Speak with a token: the environment variable that holds it.")
@click.option("--ask-token", is_flag=True, help="Speak with a token: ask for it.")
def resolve(
    target: str,
    id: str,
    other: str | None,
    create: bool,
    side: str | None,
    installation: str | None,
    token_env: str | None,
    ask_token: bool,
) -> None:
    """Settle a contact that is held: pair it with a record of the other side, or let it have one of its own.

    The platform cannot be read, so its contact is merged, or its record created, when it tells of the contact next. A
    contact of the CRM is read and synced at once. With a durable delivery, the events that have failed since their
    contact was held are tried again.

    A token is needed for a contact of the CRM and, with one CRM account a tenant, for --with: the one that is
    remembered for the installation, or one that you give.
    """
    if (other is None) != create:
        raise Wrong("say what becomes of it: --with ID or --create, one of the two")
    if sum((installation is not None, token_env is not None, ask_token)) > 1:
        raise Wrong("--installation, --token-env and --ask-token exclude each other")
    token = given_token(token_env, asked=ask_token)
    with stored(target) as sync:
        see_records(sync)
        scope = None if token is None else speaking_scope(sync, None, token)
        whose = chosen_installation(sync, installation) if scope is None else scope.installation
        waiting = _waiting(sync, whose, id, side)
        if scope is None:
            scope = _scope(sync, whose, waiting, create)
        route = sync.engine.to_external(scope) if waiting.side == "botmatic" else sync.engine.to_platform(scope)
        result = sync.review.create(route, id) if other is None else sync.review.pair(route, id, other)
        if not result.success or result.action == "skipped":
            raise Problem(said(result) + _all_the_same(sync, route, id))
        click.echo(_settled(route, plain(id), result))
        if sync.delivery.durable:
            _try_again(sync, whose, waiting)


def _waiting(sync: ContactSync, installation: str, id: str, side: str | None) -> HeldContact:
    """What is held under an id.

    Raises:
        Problem: Nothing is, or one contact on each side.
    """
    found = [one for one in sync.review.held(installation) if one.id == id and side in (None, one.side)]
    if len(found) > 1:
        raise Problem(f"{plain(id)} is held on both sides; say which with --side botmatic or --side ext")
    if not found:
        where = "" if side is None else f" on the side {side}"
        raise Problem(f"{plain(id)} of {plain(installation)} is not held{where}; see 'contact-sync held'")
    return found[0]


def _scope(sync: ContactSync, installation: str, waiting: HeldContact, create: bool) -> Scope:
    """For whom it is settled. For a contact of the platform, at most the CRM is called, and only to pair."""
    silent = waiting.side == "botmatic" and (create or sync.scopes.shared is not None)
    return silent_scope(sync, installation) if silent else speaking_scope(sync, installation, None)


def _all_the_same(sync: ContactSync, route: Route, id: str) -> str:
    """What has been settled though the sync that followed has failed."""
    installation, side = route.scope.installation, route.source.name
    own = f"{NAMES[side]} {plain(id)}"
    still = sync.engine.held.find(installation, side, id)
    if still is not None and still.decision == "create":
        return f"\nIt is decided all the same: {own} is created when the CRM tells of it next"
    if partner_of(sync, installation, side, id) is not None:
        return f"\n{own} is paired all the same; it is synced when either side tells of it next"
    return ""


def _try_again(sync: ContactSync, installation: str, settled: HeldContact) -> None:
    """Have the events tried again that failed since their contact was held. Whatever comes, it stays settled."""
    try:
        results = replay_held(sync.delivery, installation, settled.id, settled.side)
    except DeliveryUnavailable as error:
        click.echo(f"Its events could not be tried again (the delivery: {error}); see 'contact-sync events'", err=True)
        return
    again = sum(result.success for result in results)
    if again:
        click.echo(f"{counted(again, 'event')} of it that waited for this {'is' if again == 1 else 'are'} tried again.")
    older = sum(result.error == OLDER for result in results)
    if older:
        click.echo(f"{counted(older, 'event')} of it {'is' if older == 1 else 'are'} left failed: {OLDER}")


def _settled(route: Route, id: str, result: Result) -> str:
    """What has become of a contact that was held."""
    here, there = NAMES[route.source.name], NAMES[route.target.name]
    teller = "platform" if route.source.name == "botmatic" else "CRM"
    own = f"{here} {id}"
    if result.action == "held":
        return f"{own} gets a {route.target.noun} of its own when the {teller} tells of it next."
    both = f"{own} and {there} {plain(result.id)} of {plain(route.scope.installation)}"
    if result.action == "created":
        return f"{both} are a pair: {there} {plain(result.id)} was created."
    if result.action == "adopted" and route.source.name == "botmatic":
        return f"{both} are a pair. What they have is merged when either side tells of them next."
    return f"{both} are a pair."
