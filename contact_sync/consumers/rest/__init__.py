"""A CRM with a JSON API that is declared, in Python or in YAML, without code."""

from .consumer import RestConsumer

__all__ = ["RestConsumer"]
