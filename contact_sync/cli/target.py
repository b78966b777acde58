"""`MODULE:SYNC`: from what was typed to a `ContactSync`."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import click

from contact_sync.integration import ContactSync

from .group import OURS, Wrong

_PACKAGES: Final = tuple(Path(__file__).parents[2] / name for name in ("contact_sync", "key_stores", "mappers"))

sync_argument = click.argument("target", metavar="MODULE:SYNC")
"""The argument of every command that works on somebody's sync. It always comes right after the command's name."""


def load_sync(target: str) -> ContactSync:
    """Import the module and take the sync from it, calling it first if it is a factory.

    Args:
        target: `module:name`; the name may have dots.

    Raises:
        Wrong: That did not work; the message says what to write or to repair instead.
    """
    module_name, colon, name = target.partition(":")
    if not colon or not module_name or not name:
        raise Wrong(_no_target(target))
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise Wrong(_no_module(module_name, module_name))
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    module = _import(module_name)
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Wrong(f"{module_name} has no {name!r}{_instead(module)}") from None
    if isinstance(found, ContactSync):
        return found
    if not callable(found) or isinstance(found, type):
        raise Wrong(_wrong_type(target, found, module))
    return _call(target, found, module)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise Wrong(_no_module(name, error.name)) from error
        raise Wrong(_raised(f"importing {name}", error)) from error
    except Exception as error:
        raise Wrong(_raised(f"importing {name}", error)) from error


def _call(target: str, factory: Any, module: ModuleType) -> ContactSync:
    try:
        inspect.signature(factory).bind()
    except TypeError:
        raise Wrong(f"{target} takes arguments; a function that makes a sync takes none") from None
    except ValueError:
        pass  # a builtin without a signature; calling it says more
    try:
        made = factory()
    except Exception as error:
        raise Wrong(_raised(f"calling {target}", error)) from error
    if inspect.iscoroutine(made):
        made.close()
        raise Wrong(f"{target} is an 'async def'; a function that makes a sync is a plain 'def'")
    if not isinstance(made, ContactSync):
        raise Wrong(_wrong_type(f"{target}()", made, module))
    return made


def _no_target(target: str) -> str:
    if ":" not in target and target.endswith(".py"):
        target = target.removesuffix(".py").replace("/", ".")
    name = target.strip(":")
    example = f"app:{name}" if target.startswith(":") and name else f"{name or 'app'}:sync"
    return f"MODULE:SYNC is the name of a module, a colon, and a name in it; write {example}, for example"


def _no_module(name: str, missing: str) -> str:
    if name.endswith(".py") or "/" in name:
        written = name.removesuffix(".py").strip("./").replace("/", ".")
        return f"there is no module {name!r}; write it as Python imports it: {written}:sync"
    return f"there is no module {missing!r}, neither in {os.getcwd()} nor where Python looks; change to its folder"


def _instead(module: ModuleType) -> str:
    names = sorted(name for name, value in vars(module).items() if isinstance(value, ContactSync))
    return f"; it has {', '.join(names)}" if names else "; there is no ContactSync in it"


def _wrong_type(target: str, value: object, module: ModuleType) -> str:
    kind = f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
    wanted = "a ContactSync, or a function without arguments that returns one"
    return f"{target} is {kind}; expected {wanted}{_instead(module)}"


def _raised(doing: str, error: Exception) -> str:
    """What was raised in a user's code: a line if it is an error of ours, else its traceback, from their part on."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_machinery(frame.filename)]
    if isinstance(error, OURS):
        where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        return f"{doing} failed{where}: {error}"
    lines = traceback.format_list(frames) + traceback.format_exception_only(error)
    return f"{doing} failed\n\n{''.join(lines).rstrip()}"


def _is_machinery(file: str) -> bool:
    """Whether a frame is of ours or of the import system: nothing that a user could repair."""
    path = Path(file)
    ours = any(path.is_relative_to(package) for package in _PACKAGES) and "demo" not in path.parts
    return ours or file.startswith("<frozen ") or path.parent.name == "importlib"
