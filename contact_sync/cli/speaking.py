"""For whom a command works: an installation, and who speaks for it where a side has to be called."""

from __future__ import annotations

from typing import Any, Final

from contact_sync.consumer import ExternalAPIConsumer
from contact_sync.events import Auth
from contact_sync.integration import ContactSync
from contact_sync.results import Result
from contact_sync.scopes import Scope
from key_stores import Records

from .group import Problem
from .stores import name_of

NAMES: Final = {"botmatic": "Botmatic", "ext": "external"}
"""What a side is called before an id."""


class _NoAccount(ExternalAPIConsumer):
    """Stands in for a tenant's CRM account where nothing is asked of it."""

    def _refuse(self, *_: Any, **__: Any) -> Result:
        return Result.failed("this command has no CRM account to speak to")

    create_contact = get_contact = get_contact_by_email = _refuse
    list_contacts = update_contact = delete_contact = _refuse


def silent_scope(sync: ContactSync, installation: str) -> Scope:
    """The scope for work that calls neither the platform nor a tenant's own CRM account. It needs no token."""
    shared = sync.scopes.shared
    return Scope(installation, Auth(""), _NoAccount() if shared is None else shared)


def speaking_scope(sync: ContactSync, installation: str | None, token: str | None) -> Scope:
    """The scope for work that calls a side, for an installation by its id or by a token.

    Raises:
        Problem: Nobody may speak for it.
    """
    who = sync.identities.of_method(token, installation)
    scope = who if isinstance(who, Result) else sync.scopes.of(*who)
    if isinstance(scope, Result):
        remedy = "" if token is not None else "; pass its token with --token-env NAME or --ask-token"
        raise Problem(f"{scope.error}{remedy}")
    return scope


def see_records(sync: ContactSync) -> None:
    """Make sure that other processes see what is held.

    Raises:
        Problem: It is in the memory of the process that serves.
    """
    if not isinstance(sync.key_store, Records):
        raise Problem(
            f"{name_of(sync.key_store)} keeps no records (it is no Records), so what is held is in the memory of the "
            "process that serves; call sync.held_contacts and sync.resolve_held there"
        )


def partner_of(sync: ContactSync, installation: str, side: str, id: str) -> str | None:
    """The other id of the pair that a contact of a side is in."""
    store = sync.key_store
    return store.get_external_id(installation, id) if side == "botmatic" else store.get_botmatic_id(installation, id)


def said(result: Result) -> str:
    """What a failed result says, in a line."""
    if result.not_found and result.reason:
        return result.reason
    return ": ".join(part for part in (result.error, result.reason) if part)
