"""An address book on a CardDAV server as a CRM (extra `contact-sync[carddav]`).

`discover` lists a user's address books; `CardDAVConsumer` is given the URL of one of them.
"""

from contact_sync.consumers.http import Timeouts

from .book import CannotTellChanges, NoAddressBook
from .consumer import CardDAVConsumer
from .credentials import Credentials
from .discovery import AddressBook, discover
from .kinds import FieldRefused

__all__ = [
    "AddressBook",
    "CannotTellChanges",
    "CardDAVConsumer",
    "Credentials",
    "FieldRefused",
    "NoAddressBook",
    "Timeouts",
    "discover",
]
