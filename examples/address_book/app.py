"""A Botmatic workspace and an address book, kept the same."""

import os
import sys

from contact_sync import ContactSync
from contact_sync.consumers.carddav import CardDAVConsumer, discover
from mappers import Mapping

FIELDS = [
    Mapping("id", "id", id=True),
    Mapping("email", "email", type="email", match=True),
    Mapping("firstname", "first_name"),
    Mapping("lastname", "last_name"),
    Mapping("phone", "phone"),
    Mapping("company", "organization"),
    Mapping("birthdate", "birthday", type="date"),
]


def owner() -> tuple[str, str]:
    """Whose address book it is."""
    return os.environ["CARDDAV_USER"], os.environ["CARDDAV_PASSWORD"]


def make_sync() -> ContactSync:
    """Connect the two. What differs from one place to another is read from the environment."""
    return ContactSync(
        CardDAVConsumer(os.environ["CARDDAV_URL"], owner()),
        FIELDS,
        os.environ.get("KEY_STORE", "sqlite:///pairs.db"),
        secret_keys=os.environ.get("SECRET_KEYS", "").split(),
    )


if __name__ == "__main__":
    for book in discover(sys.argv[1], owner()):
        print(book.url)
