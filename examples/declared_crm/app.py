"""A Botmatic workspace and a CRM that is declared in YAML, kept the same."""

import os
from pathlib import Path

from contact_sync import ContactSync
from contact_sync.consumers.rest import RestConsumer
from key_stores import open_key_store
from mappers import Mapping

HERE = Path(__file__).parent

FIELDS = [
    Mapping("id", "id", id=True),
    Mapping("email", "email", match=True),
    Mapping("firstname", "first_name"),
    Mapping("lastname", "last_name"),
    Mapping("phone", "phone", match=True),
]


def make_sync() -> ContactSync:
    """Connect the two. CRM is the name of one of the declarations: kinto, pocketbase or datasette."""
    store = open_key_store(os.environ.get("KEY_STORE", "sqlite:///pairs.db"))
    keys = os.environ.get("SECRET_KEYS", "").split()
    crm = RestConsumer.from_file(HERE / f"{os.environ['CRM']}.yaml", key_store=store, secret_keys=keys)
    return ContactSync(crm, FIELDS, store, secret_keys=keys)
