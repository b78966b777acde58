"""What stands in the hash of pairs: an external id, or one with a baseline. `scripts` says how."""

from __future__ import annotations

from typing import Final

_MARK: Final = 255
_HEAD: Final = 2
_LONG_HEAD: Final = 6


def external_of(value: bytes) -> bytes:
    """Give the external id in a value."""
    return value if value[0] != _MARK else value[_start(value) : _end(value)]


def baseline_of(value: bytes) -> bytes | None:
    """Give the baseline in a value; none if there is none."""
    return None if value[0] != _MARK else value[_end(value) :]


def _start(value: bytes) -> int:
    return _HEAD if value[1] != _MARK else _LONG_HEAD


def _end(value: bytes) -> int:
    size = value[1] if value[1] != _MARK else int.from_bytes(value[_HEAD:_LONG_HEAD])
    return _start(value) + size
