"""Stories of people who edit contacts on both sides of a real sync, while things go wrong."""

from .both_sides import BothSides, QuietPlatform, Writes
from .persons import OTHER
from .story import Story
from .troubles import TROUBLES, Troubles

__all__ = ["OTHER", "TROUBLES", "BothSides", "QuietPlatform", "Story", "Troubles", "Writes"]
