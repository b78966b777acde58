"""The group of commands: each is imported when it is asked for, and our errors become messages."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Final

import click

from contact_sync.errors import ConfigurationError, ContactSyncError, DeliveryUnavailable
from key_stores import KeyStoreError, StoreUnavailable
from mappers import MappingError

OURS: Final = (ContactSyncError, KeyStoreError, MappingError)
"""What we raise on purpose: the message is for people, and says it all."""

EXTRAS: Final = {"granian": "server", "rich": "server"}
"""Packages that some commands need, and the extra that brings each."""

FAILED: Final = 1

_NO_ANSWER: Final = ("cannot be reached", "did not answer")


class Problem(click.ClickException):
    """What a command cannot do, for a person: what happened, where, and what to do."""

    exit_code = FAILED


class Wrong(Problem):
    """It cannot work as it is written or set up. The exit code is the one that click has for a wrong option."""

    exit_code = 2


class _OnDemand(MutableMapping[str, click.Command]):
    """Commands by name, each imported when it is first asked for. `NAME` is the command `NAME` of the module `NAME`."""

    def __init__(self, package: str, names: Mapping[str, str]) -> None:
        self._package = package
        self._names = dict.fromkeys(names)
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded and name in self._names:
            self._loaded[name] = _load(self._package, name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._names[name] = None
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names


def _load(package: str, name: str) -> click.Command:
    try:
        module = importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        if _package(error) not in EXTRAS:
            raise
        raise _missing(name, error) from error
    command: click.Command = getattr(module, name)
    return command


def _said(error: Exception) -> str:
    """What an error of ours says; of what is away, with what to look at."""
    if isinstance(error, DeliveryUnavailable):
        return f"the delivery: {error}; is it running, and is its URL right? 'contact-sync check' says more"
    if isinstance(error, StoreUnavailable) and any(words in str(error) for words in _NO_ANSWER):
        return f"{error}: is it running, and is the store's URL right? 'contact-sync check' says more"
    return str(error)


def _package(error: ModuleNotFoundError) -> str:
    return (error.name or "").partition(".")[0]


def _missing(command: str, error: ModuleNotFoundError) -> Wrong:
    needed = _package(error)
    extra = EXTRAS[needed]
    instead = ", or use --json where the command has it" if needed == "rich" else ""
    return Wrong(
        f"{command} needs the package {needed!r}, which is not installed; pip install 'contact-sync[{extra}]'{instead}"
    )


class CommandGroup(click.Group):
    """A group whose commands are loaded on demand, so that each starts fast and needs no more than it uses.

    Args:
        commands_of: The package with a module for each command.
        summaries: A line for each command, in the order of the help.
    """

    def __init__(self, *args: Any, commands_of: str, summaries: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands = _OnDemand(commands_of, summaries)
        self._summaries = summaries

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list for the help without loading a single command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self._summaries.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Errors that were raised on purpose become a message; `--debug` shows the traceback as well."""
        try:
            return super().invoke(ctx)
        except OURS as error:
            problem = (Wrong if isinstance(error, ConfigurationError) else Problem)(_said(error))
            problem.__cause__ = error
        except ModuleNotFoundError as error:  # of what a command imports when it comes to that
            if _package(error) not in EXTRAS:
                raise
            problem = _missing(ctx.invoked_subcommand or "this", error)
            problem.__cause__ = error
        except Problem as raised:
            problem = raised
        if (ctx.obj or {}).get("debug"):
            traceback.print_exception(problem.__cause__ or problem)
        raise problem
