"""How a command is given a token: never as an option's value, since everybody on a machine can see a command line."""

from __future__ import annotations

import os

import click

from .group import Wrong


def given_token(env: str | None, *, asked: bool) -> str | None:
    """The token in an environment variable, or what is typed when asked for; `None` if neither was wanted.

    Raises:
        Wrong: The variable is not set.
    """
    if asked:
        return str(click.prompt("Token", hide_input=True, err=True))
    if env is None:
        return None
    token = os.environ.get(env, "")
    if not token:
        raise Wrong(f"--token-env: the environment variable {env} is not set")
    return token
