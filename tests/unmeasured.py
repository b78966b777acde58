"""Where coverage is not measured: in programs that prove what others measure, and in those that may write no file."""

from __future__ import annotations

import os


def unmeasured(**variables: str) -> dict[str, str]:
    """The environment of a process that is to be started, without what makes it measure coverage."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")} | variables
