"""What stands in the hash of pairs: an external id, or one with a baseline. `scripts` says how."""

from __future__ import annotations

from typing import Final

_TEXT: Final = 128
_LONG: Final = 191
_NUMBER: Final = 245
_LONG_HEAD: Final = 5


def external_of(value: bytes) -> bytes:
    """Give the external id in a value."""
    head = value[0]
    if not _has_baseline(head):
        return value
    end = _end(value)
    if head > _NUMBER:
        return str(int.from_bytes(value[1:end])).encode()
    return value[_LONG_HEAD if head == _LONG else 1 : end]


def baseline_of(value: bytes) -> bytes | None:
    """Give the baseline in a value; none if there is none."""
    return value[_end(value) :] if _has_baseline(value[0]) else None


def _has_baseline(head: int) -> bool:
    return _TEXT <= head <= _LONG or head > _NUMBER


def _end(value: bytes) -> int:
    head = value[0]
    if head > _NUMBER:
        return 1 + head - _NUMBER
    if head == _LONG:
        return _LONG_HEAD + int.from_bytes(value[1:_LONG_HEAD])
    return 1 + head - _TEXT
