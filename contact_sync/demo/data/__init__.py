"""The contacts that the demo begins with: `contacts.csv`, and the program that made it."""

from pathlib import Path
from typing import Final

CONTACTS_FILE: Final = Path(__file__).with_name("contacts.csv")

__all__ = ["CONTACTS_FILE"]
