"""One integration for many companies, each with a CRM account of its own."""

import os
from dataclasses import dataclass
from functools import cache

from contact_sync import Auth, ContactSync, ExternalAPIConsumer
from contact_sync.testing import MemoryConsumer
from mappers import Mapping

FIELDS = [
    Mapping("id", "id", id=True),
    Mapping("email", "email", match=True),
    Mapping("firstname", "first_name"),
]


@dataclass(frozen=True)
class Client:
    """A company that uses this integration. Yours come from a database."""

    name: str
    crm_account: str


CLIENTS = {
    "token-of-acme": Client("acme", "acme-eu"),
    "new-token-of-acme": Client("acme", "acme-eu"),
    "token-of-zenith": Client("zenith", "zenith-1"),
}


def authorize(token: str) -> Auth | None:
    """Say whose token this is. An unknown one is refused."""
    client = CLIENTS.get(token)
    return None if client is None else Auth(token, client)


@cache
def account(name: str) -> MemoryConsumer:
    """The CRM account of a company; made once, so that its connections are kept. In its place, make your consumer."""
    return MemoryConsumer()


def consumer_of(auth: Auth) -> ExternalAPIConsumer:
    return account(auth.client.crm_account)


sync = ContactSync(
    consumer_of,
    FIELDS,
    os.environ.get("KEY_STORE", "memory://"),
    auth=authorize,
    installation_id=lambda auth: auth.client.name,  # a rotated token of the same client keeps its pairs
    secret_keys=[os.environ.get("SECRET_KEY", "for trying it out only, 32 characters or more")],
)
