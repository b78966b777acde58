"""`contact-sync new NAME`: a whole project to begin with, which runs as it is."""

from .command import new

__all__ = ["new"]
