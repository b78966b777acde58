"""What `contact-sync check` looks at: each check is a function that gives findings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from contact_sync.abilities import COSTS, reach
from contact_sync.auth import allow_any_token
from contact_sync.results import Result
from key_stores import KeyStoreError, PairBatches, PairListing, Ping

from .check_consumer import consumer
from .event_rows import backlog_said
from .findings import Check, Finding, Subject
from .output import counted, milliseconds
from .stores import IN_MEMORY, USE_ANOTHER, is_of_this_process, name_of

_ISSUED_BY_NOBODY: Final = "contact-sync-check"

_USE_ANOTHER: Final = f"{USE_ANOTHER[0].upper()}{USE_ANOTHER[1:]}"


def mapping(subject: Subject) -> Iterator[Finding]:
    """The table of fields. That it can be made at all was seen when the sync was."""
    mapper = subject.sync.mapper
    by = ", ".join(row.botmatic for row in mapper.match_fields)
    rows = f"{counted(len(mapper.rows), 'row')}, ids in {mapper.external_id_key!r}"
    if by:
        yield Finding("mapping", "ok", f"{rows}, matched by {by}")
    else:
        remedy = "Set match=True on the row of the e-mail address: whoever is on both sides now would be made twice"
        yield Finding("mapping", "warn", f"{rows}, matched by nothing", remedy)


def endpoint(subject: Subject) -> Iterator[Finding]:
    """Where the webhook is. An endpoint that cannot be served raises."""
    own = "readyz" in subject.sync.app.view_functions
    where = "the default server" if own else "an app of its own"
    yield Finding("endpoint", "ok", f"POST {subject.sync.endpoint} on {where}")


def authorization(subject: Subject) -> Iterator[Finding]:
    """Who is let in."""
    auth = subject.sync.auth
    if auth is allow_any_token:
        remedy = "Leave auth out, or give a function: whoever reaches the webhook may change and delete CRM records"
        yield Finding("authorization", "warn", "everybody (allow_any_token)", remedy)
    elif auth is None:
        yield Finding("authorization", "ok", "tokens that are installed here and that the platform confirms")
    else:
        yield Finding("authorization", "ok", f"decided by {getattr(auth, '__name__', type(auth).__name__)}")


def secret_keys(subject: Subject) -> Iterator[Finding]:
    """Whether tokens are kept so that they can be read again, and where the keys of baselines come from."""
    if subject.sync.installations.seals:
        yield Finding("secret keys", "ok", "tokens are kept encrypted; the keys of baselines are made from them")
    else:
        remedy = (
            "Pass secret_keys=[…]; make one with python -c 'import secrets; print(secrets.token_urlsafe(32))'. Without "
            "one, nothing can speak for an installation after a restart, and who reads the store can try out values "
            "on the baselines"
        )
        yield Finding("secret keys", "warn", "none; the key of the baselines lies beside them in the store", remedy)


def key_store(subject: Subject) -> Iterator[Finding]:
    """Whether the store answers."""
    store = subject.sync.key_store
    kind = name_of(store)
    try:
        began = time.perf_counter()
        reach(subject.sync.abilities)
    except KeyStoreError as error:
        yield Finding("key store", "fail", f"{kind}: {error}", "Start it, or correct its address and credentials")
        return
    answered = f"{kind}, answers in {milliseconds(began)}"
    if is_of_this_process(store):
        yield Finding("key store", "warn", answered, "Use redis://…, postgresql://… or sqlite:///…: it forgets all")
    else:
        yield Finding("key store", "ok", answered)


def abilities(subject: Subject) -> Iterator[Finding]:
    """What the store cannot do, and what that costs."""
    store = subject.sync.key_store
    costs = [f"{kind.__name__} ({cost})" for kind, cost in COSTS.items() if not isinstance(store, kind)]
    slower = [kind.__name__ for kind in (PairBatches, PairListing, Ping) if not isinstance(store, kind)]
    if costs or slower:
        remedy = "Add them to the store: each is a class of key_stores with a few methods"
        lacking = f"it lacks {', '.join([*costs, *slower])}"
        yield Finding("abilities", "warn" if costs else "ok", lacking, remedy)
    else:
        yield Finding("abilities", "ok", "all that there are")


def delivery(subject: Subject) -> Iterator[Finding]:
    """How events are delivered: whether they can be stored, and what has become of those that were."""
    used = subject.sync.delivery
    if not used.durable:
        remedy = 'A durable one, such as delivery="sqlite:///inbox.db", loses nothing while the CRM is away'
        yield Finding("delivery", "ok", f"{used.name}: events are applied within their request", remedy)
        return
    began = time.perf_counter()
    reason = used.unready()
    if reason is not None:
        yield Finding("delivery", "fail", f"{used.name}: {reason}", "Start it, or correct its address and credentials")
        return
    answered = f"{used.name}, answers in {milliseconds(began)}"
    if subject.sync.installations.seals:
        yield Finding("delivery", "ok", answered)
    else:
        remedy = "Pass secret_keys=[…]: events that wait hold their contacts' data, and the tokens of who sent them"
        yield Finding("delivery", "warn", f"{answered}; what waits is not encrypted", remedy)
    backlog = used.backlog()
    remedy = "'contact-sync events app:sync' lists them, with why, and tries them again" if backlog.failed else ""
    yield Finding("events", "warn" if backlog.failed else "ok", backlog_said(backlog, time.time()), remedy)


def installed(subject: Subject) -> Iterator[Finding]:
    """Who is installed, and whether it can be spoken for them."""
    if not subject.sees_installations:
        yield Finding("installations", "skipped", IN_MEMORY, _USE_ANOTHER)
        return
    installations = subject.sync.installations
    known = installations.all()
    if not known:
        yield Finding("installations", "skipped", "none yet", "Install the integration on the platform")
        return
    mute = sum(installations.token_of(one.id) is None for one in known)
    if mute:
        remedy = "Set the secret_keys with which they were installed, or install again"
        yield Finding("installations", "warn", f"{len(known)}, {mute} of them without a readable token", remedy)
    else:
        yield Finding("installations", "ok", str(len(known)))


def platform(subject: Subject) -> Iterator[Finding]:
    """Whether the platform answers: it is asked about a token that it cannot know."""
    side = subject.sync.platform
    where = getattr(side, "base_url", type(side).__name__)
    began = time.perf_counter()
    answer = side.validate_token(_ISSUED_BY_NOBODY)
    if answer.retryable:
        remedy = "Correct BOTMATIC_BASE_URL, or let this machine reach it"
        yield Finding("platform", "fail", f"{where}: {answer.error}", remedy)
    elif answer.success:
        yield Finding("platform", "fail", f"{where} confirms any token", "Correct BOTMATIC_BASE_URL")
    else:
        yield Finding("platform", "ok", f"{where}, answers in {milliseconds(began)}")


def token(subject: Subject) -> Iterator[Finding]:
    """Whether the token that was given, or that of an installation, is let in and confirmed."""
    if subject.installation is not None and not subject.sees_installations:
        yield Finding("token", "skipped", IN_MEMORY, f"{_USE_ANOTHER}, or pass --token-env NAME or --ask-token")
        return
    speaker = subject.speaker()
    if speaker is None:
        yield Finding("token", "skipped", "none given", f"Pass {subject.options}")
        return
    if isinstance(speaker, Result):
        yield Finding("token", "fail", speaker.error or "", subject.another)
        return
    id, auth = speaker
    answer = subject.sync.platform.validate_token(auth.token)
    if not answer.success:
        remedy = "Try again later" if answer.retryable else "Copy the token from the platform again"
        yield Finding("token", "fail", f"the platform does not confirm it: {answer.error}", remedy)
        return
    if subject.sync.auth is None and not subject.sees_installations:
        detail = f"confirmed by the platform; whether it is installed is not known: {IN_MEMORY}"
        yield Finding("token", "skipped", detail, _USE_ANOTHER)
        return
    known = subject.sync.installations.find(id)
    if subject.sync.auth is None and (known is None or not known.has(auth.token)):
        yield Finding("token", "warn", "confirmed, but not installed here", "Install the integration on the platform")
    else:
        yield Finding("token", "ok", "confirmed by the platform")


CHECKS: Final[dict[str, Check]] = {
    "mapping": mapping,
    "endpoint": endpoint,
    "authorization": authorization,
    "secret keys": secret_keys,
    "key store": key_store,
    "abilities": abilities,
    "delivery": delivery,
    "installations": installed,
    "platform": platform,
    "token": token,
    "consumer": consumer,
}
"""All checks by name, in the order in which they are shown."""
