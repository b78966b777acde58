"""The files of a new project: read from the package, filled in, written."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from contact_sync.cli.group import Problem

from .names import Names

DOTTED: Final = {
    "env": ".env",
    "env.example": ".env.example",
    "gitignore": ".gitignore",
    "dockerignore": ".dockerignore",
}
"""Files whose names begin with a dot, under which packages of packages would lose them."""

PRIVATE: Final = ".env"
"""Holds a secret of this machine, so that nobody else may read it."""

MANUALS: Final = {
    False: 'The documentation of contact_sync says what a method\n   has to answer, under "Writing a consumer".',
    True: 'The documentation of contact_sync says what can be\n   declared, under "A CRM that is declared".',
}
"""Where the README sends its reader, by whether the consumer is declared."""

_SUFFIX: Final = ".tmpl"


def files_for(names: Names, *, declared: bool = False) -> dict[str, str]:
    """Give the files of a project: the text of each, by its path in the folder.

    Args:
        names: What it is called.
        declared: Whether its consumer is declared, in place of being written.
    """
    words = {
        "name": names.name,
        "package": names.package,
        "Consumer": names.consumer,
        "title": names.title,
        "image": names.image,
        "manual": MANUALS[declared],
        "secret": secrets.token_urlsafe(32),
    }
    found: dict[str, str] = {}
    for folder in ("template", "declared") if declared else ("template",):
        _read(files(__package__) / folder, "", words, found)
    return dict(sorted(found.items()))


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Make a folder with these files. There is none if that fails.

    Raises:
        Problem: It is there already, or cannot be made.
    """
    try:
        folder.mkdir()
    except FileExistsError:
        raise Problem(f"{folder.name} is there already, and nothing is written over; choose another name") from None
    except OSError as error:
        raise Problem(f"{folder.name} cannot be made in {folder.parent.absolute()}: {error.strerror}") from error
    try:
        for path, text in texts.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = 0o600 if path == PRIVATE else 0o666  # less what the umask takes
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
                file.write(text)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise Problem(f"{folder.name} cannot be written: {error.strerror}; nothing of it is left") from error
        raise


def _read(folder: Traversable, path: str, words: Mapping[str, str], found: dict[str, str]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            name = {"package": words["package"], "suite": "tests"}[entry.name]
            _read(entry, f"{path}{name}/", words, found)
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            text = entry.read_text("utf-8")
            for word, value in words.items():
                text = text.replace(f"{{{{{word}}}}}", value)
            found[path + DOTTED.get(name, name)] = text
