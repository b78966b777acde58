"""The example CRM: a small REST API of the kind that every second service has. All in memory, on loopback."""

from .api import make_app
from .calls import Calls
from .notices import Notices
from .records import NoSuchRecord, Records
from .spreadsheet import read_contacts

__all__ = ["Calls", "NoSuchRecord", "Notices", "Records", "make_app", "read_contacts"]
