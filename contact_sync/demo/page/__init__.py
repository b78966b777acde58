"""The page that shows both sides next to each other, to look at and to edit."""

from .app import Sides, make_app

__all__ = ["Sides", "make_app"]
