"""A Botmatic workspace and a Kinto collection, kept the same."""

import os

from consumer import KintoConsumer
from contact_sync import ContactSync
from mappers import Mapping

FIELDS = [
    Mapping("id", "id", id=True),
    Mapping("email", "email", match=True),
    Mapping("firstname", "first_name"),
    Mapping("lastname", "last_name"),
    Mapping("birthdate", "born_on", type="date"),
    Mapping("score", "points", type="number"),
]


def make_sync() -> ContactSync:
    """Connect the two. What differs from one place to another is read from the environment."""
    account = (os.environ["KINTO_USER"], os.environ["KINTO_PASSWORD"])
    kinto = KintoConsumer(os.environ["KINTO_SERVER"], account)
    return ContactSync(
        kinto,
        FIELDS,
        os.environ.get("KEY_STORE", "sqlite:///pairs.db"),
        secret_keys=os.environ.get("SECRET_KEYS", "").split(),
    )
