"""Batches of contacts on their way to the other side: one claim of them all, and few calls."""

from .saving import save_many, write_batch

__all__ = ["save_many", "write_batch"]
