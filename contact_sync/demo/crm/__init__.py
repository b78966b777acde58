"""The example CRM: a small REST API of the kind that every second service has. All in memory, on loopback."""

from .api import make_app
from .calls import Calls
from .journal import Did, Entry, Journal
from .notices import Notices
from .outage import Outage
from .records import NoSuchRecord, Records
from .spreadsheet import read_contacts

__all__ = [
    "Calls",
    "Did",
    "Entry",
    "Journal",
    "NoSuchRecord",
    "Notices",
    "Outage",
    "Records",
    "make_app",
    "read_contacts",
]
